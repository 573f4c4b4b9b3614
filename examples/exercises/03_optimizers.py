"""Exercises of lesson 3: the step of an optimizer.

w, gradient and what an optimizer remembers are arrays of one shape; a step returns new ones.

Edit this file, and check it: python examples/check.py 3
"""

from __future__ import annotations

import numpy as np


def momentum(w, gradient, velocity, rate, beta) -> tuple[np.ndarray, np.ndarray]:
    """Return the next w and velocity: v' = beta v + gradient, and w' = w - rate v'."""


def adam(w, gradient, m, v, t, rate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return w, m, v after step t = 1, 2, ... of Adam: there is a mistake in it.

    m and v are means of the gradients and of their squares. Both begin at 0, so they are too small
    in the first steps, by a factor that is known: if every gradient were 1, what would m be?
    """
    m = 0.9 * m + 0.1 * gradient
    v = 0.999 * v + 0.001 * gradient**2
    return w - rate * m / (np.sqrt(v) + 1e-8), m, v


def largest_rate(curvature) -> float:
    """Return the rate above which plain descent on L = sum of curvature_i w_i^2 / 2 diverges."""
