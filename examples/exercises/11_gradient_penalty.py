"""Exercises of lesson 11: the gradient of a gradient.

Shapes: x (B, I) are B songs, W (I, H), b (H,), a (H,); a critic gives each song one score, D (B,).

Edit this file, and check it: python examples/check.py 11
"""

from __future__ import annotations

import numpy as np


def slope(x, W, b, a) -> np.ndarray:
    """Return g (B, I), the gradient of D = tanh(x W + b) a with respect to x, song by song."""


def slope_penalty(x, W, b, a) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return P = mean over songs of (|g| - 1)^2, and dW, db, da: there is a mistake in it.

    g is the slope of D = tanh(x W + b) a. It is the mistake that the lesson is about.
    """
    y = np.tanh(x @ W + b)
    first = 1 - y * y  # the derivative of tanh
    g = (first * a) @ W.T
    norm = np.linalg.norm(g, axis=1, keepdims=True)
    v = 2 * (norm - 1) * g / norm / len(x)
    u = v @ W
    return ((norm - 1) ** 2).mean(), v.T @ (first * a), np.zeros_like(b), (u * first).sum(axis=0)


def r1(x, W, b, a, weight) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return the R1 penalty (Mescheder et al. 2018, eq. 9), and its gradients dW, db, da.

    P = weight / 2 times the mean over songs of |g|^2, where g is the slope of another critic,
    D = softplus(x W + b) a, softplus(s) = log(1 + exp(s)). It pulls slopes to 0 at real songs.
    """
