"""The exercises of lesson 16: taught by the next value, and running free."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 1, 1), (1, 2, 3), (3, 6, 2))  # past, steps, batch


def _free(w, start, noise):
    x = [*start]
    for each in noise:
        x.append(np.tanh(w @ np.array(x[-len(w) :])) + each)
    return np.array(x)


def _draw(rng, past, steps, batch):
    w, start = rng.standard_normal(past), rng.standard_normal((past, batch))
    return w, start, 0.3 * rng.standard_normal((steps, batch))


def taught(theirs, rng):
    """Check the loss on recordings and its gradient."""
    for past, steps, batch in SIZES:
        w, x = rng.standard_normal(past), rng.standard_normal((past + steps, batch))

        def loss():
            m = [np.tanh(w @ x[t - past : t]) for t in range(past, len(x))]
            return ((np.array(m) - x[past:]) ** 2).mean() / 2

        found, dw = answer(theirs.taught, "loss dw", w, x)
        same("loss", found, loss())
        differences(loss, dw=(dw, w))


def run_free(theirs, rng):
    """Check free runs of several lengths."""
    for size in SIZES:
        w, start, noise = _draw(rng, *size)
        (x,) = answer(theirs.run_free, "x", w, start, noise)
        same("x", x, _free(w, start, noise))


def free_backward(theirs, rng):
    """Check the gradients of weights and start, from a gradient at each value of a free run."""
    for size in SIZES:
        w, start, noise = _draw(rng, *size)
        x = _free(w, start, noise)
        dx = rng.standard_normal(x.shape)
        dw, dstart = answer(theirs.free_backward, "dw dstart", dx, x, w)
        differences(lambda: (dx * _free(w, start, noise)).sum(), dw=(dw, w), dstart=(dstart, start))
