"""Answers to the exercises of lesson 12."""

from __future__ import annotations

import numpy as np


def learn(A, c, f, rating, noise) -> tuple[np.ndarray, np.ndarray]:
    """Return A and c after one more rating: both are sums over ratings."""
    return A + np.outer(f, f) / noise**2, c + f * rating / noise**2


def forget(A, c, f, rating, noise) -> tuple[np.ndarray, np.ndarray]:
    """Return A and c without a rating: what was added is taken away, exactly."""
    return A - np.outer(f, f) / noise**2, c - f * rating / noise**2


def predict(A, c, songs) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations: the more precise, the smaller, so A^-1."""
    means = songs @ np.linalg.solve(A, c)
    return means, np.sqrt(np.sum(songs * np.linalg.solve(A, songs.T).T, axis=1))
