"""Derivatives of gradients, for penalties on the critic's slope."""
