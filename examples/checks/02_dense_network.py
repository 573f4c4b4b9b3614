"""The exercises of lesson 2: a dense layer, softmax with cross entropy, and a residual block."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 1, 1), (1, 4, 2), (5, 3, 4))  # batch, inputs, outputs


def dense_backward(theirs, rng):
    """Check dx, dW and db of y = x W + b."""
    for batch, inputs, outputs in SIZES:
        x, W = rng.standard_normal((batch, inputs)), rng.standard_normal((inputs, outputs))
        b, dy = rng.standard_normal(outputs), rng.standard_normal((batch, outputs))
        dx, dW, db = answer(theirs.dense_backward, "dx dW db", dy, x, W)
        differences(lambda: (dy * (x @ W + b)).sum(), dx=(dx, x), dW=(dW, W), db=(db, b))


def cross_entropy(theirs, rng):
    """Check the loss of softmax and cross entropy, and its gradient, also far from 0."""
    for batch, classes, offset in ((1, 2, 0), (4, 3, 0), (3, 5, 2000)):
        # far from 0, and rows far from each other
        logits = 2 * rng.standard_normal((batch, classes)) + offset * np.arange(batch)[:, None]
        target = np.eye(classes)[rng.integers(classes, size=batch)]

        def loss():
            shifted = logits - logits.max(axis=1, keepdims=True)
            log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            return -(target * log_p).sum() / len(logits)

        found, dlogits = answer(theirs.cross_entropy, "loss dlogits", logits, target)
        same("loss", found, loss())
        differences(loss, dlogits=(dlogits, logits))


def residual_backward(theirs, rng):
    """Check dx, dW and dV of y = x + tanh(x W) V."""
    for batch, inputs, hidden in SIZES:
        x, W = rng.standard_normal((batch, inputs)), rng.standard_normal((inputs, hidden))
        V, dy = rng.standard_normal((hidden, inputs)), rng.standard_normal((batch, inputs))
        dx, dW, dV = answer(theirs.residual_backward, "dx dW dV", dy, x, W, V)
        differences(
            lambda: (dy * (x + np.tanh(x @ W) @ V)).sum(), dx=(dx, x), dW=(dW, W), dV=(dV, V)
        )
