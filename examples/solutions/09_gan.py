"""Answers to the exercises of lesson 9."""

from __future__ import annotations

import numpy as np


def hinge(real, fake) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the critic's loss and dreal, dfake: scores beyond the margin have no gradient."""
    loss = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    return float(loss), np.where(real < 1, -1, 0) / len(real), (fake > -1) / len(fake)


def generator_gradient(z, A, c, W, v) -> tuple[np.ndarray, np.ndarray]:
    """Return dA (Z, 2), dc (2,): the way to G leads through the critic's tanh."""
    hidden = np.tanh((z @ A + c) @ W)
    scores = hidden @ v
    dscores = -1 / (1 + np.exp(scores)) / len(z)
    dG = dscores[:, None] * v * (1 - hidden**2) @ W.T
    return z.T @ dG, dG.sum(axis=0)


def worse(points, rng) -> np.ndarray:
    """Return points (N, 2) whose coordinates no longer belong together."""
    return np.stack([points[:, 0], rng.permutation(points[:, 1])], axis=1)
