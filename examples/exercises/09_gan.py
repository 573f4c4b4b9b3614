"""Exercises of lesson 9: losses of a critic and a generator.

Edit this file, and check it: python examples/check.py 9
"""

from __future__ import annotations

import numpy as np


def hinge(real, fake) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the critic's loss and dreal, dfake for scores real (N,) and fake (M,).

    loss = mean of max(0, 1 - real) + mean of max(0, 1 + fake)
    """


def generator_gradient(z, A, c, W, v) -> tuple[np.ndarray, np.ndarray]:
    """Return dA (Z, 2), dc (2,) for noise z (B, Z): there is a mistake in it.

    generator G = z A + c,   critic D = tanh(G W) v,   loss = mean of log(1 + exp(-D))
    """
    hidden = np.tanh((z @ A + c) @ W)
    scores = hidden @ v
    dscores = -1 / (1 + np.exp(scores)) / len(z)
    dG = dscores[:, None] * v @ W.T
    return z.T @ dG, dG.sum(axis=0)


def worse(points, rng) -> np.ndarray:
    """Return points (N, 2) of a generator that got worse, made from real ones, so that D sees it.

    Mean and standard deviation of both coordinates must stay (to 0.01). A critic of two numbers
    would notice nothing; a network does: it must tell 65 % of your points from real ones.
    """
