"""Kernels on register tiles: several values in one instruction."""
