"""The exercises of lesson 4: two recurrent layers through time, and clipping."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 1, 2, 3), (4, 1, 1, 2), (5, 3, 2, 3))  # steps, batch, inputs, hidden
NAMES = "dx dW dU db"


def _states(x, W, U, b, leak):
    """Return the states (T + 1, B, H) of h_t = (1 - leak) h_{t-1} + leak tanh(x W + h U + b)."""
    h = np.zeros((len(x) + 1, x.shape[1], len(U)))
    for t in range(len(x)):
        h[t + 1] = (1 - leak) * h[t] + leak * np.tanh(x[t] @ W + h[t] @ U + b)
    return h


def _check(function, rng, leak, *given):
    for steps, batch, inputs, hidden in SIZES:
        x = rng.standard_normal((steps, batch, inputs))
        W, U = rng.standard_normal((inputs, hidden)), rng.standard_normal((hidden, hidden))
        b, dh = rng.standard_normal(hidden), rng.standard_normal((steps, batch, hidden))
        h = _states(x, W, U, b, leak)
        bias = (b,) if given else ()
        results = answer(function, NAMES, dh, x, h, W, U, *bias, *given)
        arrays = dict(zip(NAMES.split(), zip(results, (x, W, U, b), strict=True), strict=True))
        differences(lambda: (dh * _states(x, W, U, b, leak)[1:]).sum(), **arrays)


def rnn_backward(theirs, rng):
    """Check the layer of the lesson."""
    _check(theirs.rnn_backward, rng, 1.0)


def leaky_backward(theirs, rng):
    """Check a layer that keeps a part of its state."""
    for leak in (0.3, 0.9):
        _check(theirs.leaky_backward, rng, leak, leak)


def clip(theirs, rng):
    """Check the scaling of several gradients by their common length."""
    for scale in (0.1, 10.0):
        gradients = [scale * rng.standard_normal(shape) for shape in ((3,), (2, 2), (1,))]
        kept = [each.copy() for each in gradients]
        length = np.sqrt(sum((each**2).sum() for each in gradients))
        results = answer(lambda: theirs.clip(gradients, 2.0), "first second third")
        for name, one, old, new in zip(
            ("first", "second", "third"), results, kept, gradients, strict=True
        ):
            same(f"the {name} gradient", one, old * min(1.0, 2.0 / length))
            same(f"the {name} of the given ones, not to be changed,", new, old)
