"""The exercises of lesson 11: the gradient of a gradient."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 1, 1), (1, 3, 2), (4, 2, 3))  # songs, inputs, hidden
NAMES = "value dW db da"


def _draw(rng, songs, inputs, hidden):
    x, W = rng.standard_normal((songs, inputs)), rng.standard_normal((inputs, hidden))
    return x, W, *rng.standard_normal((2, hidden))


def slope(theirs, rng):
    """Check the gradient of the scores with respect to the songs."""
    for size in SIZES:
        x, W, b, a = _draw(rng, *size)
        (g,) = answer(theirs.slope, "g", x, W, b, a)
        differences(lambda: (np.tanh(x @ W + b) @ a).sum(), g=(g, x))


def _check(function, loss, weights, *arguments):
    value, *gradients = answer(function, NAMES, *arguments)
    same("value", value, loss())
    pairs = zip(gradients, weights, strict=True)
    differences(loss, **dict(zip(NAMES.split()[1:], pairs, strict=True)))


def slope_penalty(theirs, rng):
    """Check the penalty on lengths of slopes other than 1."""
    for size in SIZES:
        x, W, b, a = _draw(rng, *size)

        def loss():
            g = ((1 - np.tanh(x @ W + b) ** 2) * a) @ W.T
            return ((np.linalg.norm(g, axis=1) - 1) ** 2).mean()

        _check(theirs.slope_penalty, loss, (W, b, a), x, W, b, a)


def r1(theirs, rng):
    """Check the penalty on slopes of a softplus critic."""
    for size, weight in zip(SIZES, (1.0, 10.0, 0.5), strict=True):
        x, W, b, a = _draw(rng, *size)

        def loss():
            g = (a / (1 + np.exp(-(x @ W + b)))) @ W.T
            return weight / 2 * (g**2).sum(axis=1).mean()

        _check(theirs.r1, loss, (W, b, a), x, W, b, a, weight)
