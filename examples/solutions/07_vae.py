"""Answers to the exercises of lesson 7."""

from __future__ import annotations

import numpy as np


def draw_backward(dz, log_variance, epsilon) -> tuple[np.ndarray, np.ndarray]:
    """Return dmu, dlog_variance of z = mu + exp(log_variance / 2) epsilon."""
    return dz.copy(), dz * epsilon * np.exp(log_variance / 2) / 2


def divergence(mu, log_variance) -> tuple[float, np.ndarray, np.ndarray]:
    """Return KL(N(mu, sigma^2) || N(0, 1)), the mean over songs, and dmu, dlog_variance."""
    variance, count = np.exp(log_variance), len(mu)
    value = (mu**2 + variance - 1 - log_variance).sum() / 2 / count
    return float(value), mu / count, (variance - 1) / 2 / count


def free_bits(mu, log_variance, floor) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the divergence with free bits: below the floor nothing changes it, so no gradient."""
    variance, count = np.exp(log_variance), len(mu)
    means = (mu**2 + variance - 1 - log_variance).mean(axis=0) / 2
    counts = means > floor
    value = float(np.maximum(means, floor).sum())
    return value, counts * mu / count, counts * (variance - 1) / 2 / count
