"""Exercises of lesson 13: descent on a song's coordinate.

Coordinates P (B, D) are B starts, which descend at once and have nothing to do with each other:
each has a loss of its own.

Edit this file, and check it: python examples/check.py 13
"""

from __future__ import annotations

import numpy as np


def coordinate_gradient(P, A, W, v) -> tuple[np.ndarray, np.ndarray]:
    """Return L = -score (B,) and dL/dP (B, D). The weights A (T, D, F), W (F, H), v (H,) stay.

    generator G_t = tanh(P A_t),  t = 1 ... T,   score = mean over t of tanh(G_t W) v
    """


def hinge(P, mean, deviation, weight) -> tuple[np.ndarray, np.ndarray]:
    """Return the penalty (B,) for leaving the songs, and its gradient (B, D).

    penalty = weight max(0, |u|^2 / D - 1), u = (P - mean) / deviation, mean and deviation (D,)
    """


def descend(loss, P, rate, steps) -> tuple[np.ndarray, float]:
    """Return the P (D,) of the lowest loss on the way, and that loss: there is a mistake in it.

    loss(P) returns the loss of a P (D,) and its gradient (D,). The start is on the way as well.
    """
    for _ in range(steps):
        value, gradient = loss(P)
        P = P - rate * gradient
    return P, value
