"""The exercises of lesson 1: a neuron that answers with a probability."""

from __future__ import annotations

from numpy import array, exp, log

from checks import answer, differences


def _cases(rng):
    """Yield weights (3,), inputs (2,), a target and the loss at them."""
    for target in (0.0, 1.0, 0.3):
        w, x = rng.standard_normal(3), rng.standard_normal(2)

        def loss():
            y = 1 / (1 + exp(-(w[0] * x[0] + w[1] * x[1] + w[2])))
            return -target * log(y) - (1 - target) * log(1 - y)

        yield w, x, target, loss


def gradient(theirs, rng):
    """Check the gradient with respect to the weights."""
    for w, x, target, loss in _cases(rng):
        results = answer(theirs.gradient, "dw1 dw2 db", w, x, target)
        differences(loss, gradient=(array(results), w))


def input_gradient(theirs, rng):
    """Check the gradient with respect to the inputs."""
    for w, x, target, loss in _cases(rng):
        results = answer(theirs.input_gradient, "dx1 dx2", w, x, target)
        differences(loss, gradient=(array(results), x))
