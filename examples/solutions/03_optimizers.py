"""Answers to the exercises of lesson 3."""

from __future__ import annotations

import numpy as np


def momentum(w, gradient, velocity, rate, beta) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and velocity."""
    velocity = beta * velocity + gradient
    return w - rate * velocity, velocity


def adam(w, gradient, m, v, t, rate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return w, m, v; the weights of t gradients add up to 1 - 0.9^t and 1 - 0.999^t, not to 1."""
    m = 0.9 * m + 0.1 * gradient
    v = 0.999 * v + 0.001 * gradient**2
    step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w - rate * step, m, v


def largest_rate(curvature) -> float:
    """Return the rate r at which 1 - r a is -1 for the steepest side."""
    return 2 / np.max(curvature)
