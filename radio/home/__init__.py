"""Folders, files, locks, settings and signals."""
