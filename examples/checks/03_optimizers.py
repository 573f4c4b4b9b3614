"""The exercises of lesson 3: steps of momentum and of Adam, and the rate that is too large."""

from __future__ import annotations

import numpy as np

from checks import answer, same


def momentum(theirs, rng):
    """Check two steps in a row."""
    for shape in ((1,), (2, 3)):
        w, velocity = rng.standard_normal(shape), np.zeros(shape)
        for beta in (0.9, 0.5):
            gradient = 10 * rng.standard_normal(shape)
            given = answer(theirs.momentum, "w velocity", w, gradient, velocity, 0.1, beta)
            velocity = beta * velocity + gradient
            w = w - 0.1 * velocity
            same("velocity", given[1], velocity)
            same("w", given[0], w)


def adam(theirs, rng):
    """Check an early step, which the zeros at the beginning affect, and a late one."""
    for t in (1, 2, 5000):
        w, gradient, m = rng.standard_normal((3, 4)) * [[1], [100], [10]]
        v = rng.uniform(1, 100, 4)
        given = answer(theirs.adam, "w m v", w, gradient, m, v, t, 0.1)
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        for name, one, expected in zip(
            "mvw", (*given[1:], given[0]), (m, v, w - 0.1 * step), strict=True
        ):
            same(name, one, expected)


def largest_rate(theirs, rng):
    """Check the rate for valleys of several curvatures."""
    for size in (1, 2, 5):
        curvature = rng.uniform(0.1, 5, size)
        (rate,) = answer(theirs.largest_rate, "rate", curvature)
        same("rate", rate, 2 / curvature.max())
