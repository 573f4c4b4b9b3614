"""Exercises of lesson 2: backward passes of layers.

Shapes: x (B, I) with B rows of I inputs, W (I, O), y and dy (B, O). `dy` is the gradient of some
loss with respect to y; a backward pass returns those with respect to all that y was made of.

Edit this file, and check it: python examples/check.py 2
"""

from __future__ import annotations

import numpy as np


def dense_backward(dy, x, W) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (B, I), dW (I, O), db (O,) of y = x W + b. If unsure, let the shapes tell."""


def cross_entropy(logits, target) -> tuple[float, np.ndarray]:
    """Return the loss and dlogits (B, C) of a choice among C classes.

    target (B, C) is 1 at the right class of each row and 0 elsewhere; p at that class counts:

    p = softmax(logits) = exp(logits) / sum of exp(logits),   loss = mean over B of -log p.
    Logits may be large: exp(2000) is no number any more. What can be subtracted from all of them?
    """


def residual_backward(dy, x, W, V) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx, dW, dV of y = x + tanh(x W) V: there is a mistake in it."""
    a = np.tanh(x @ W)
    da = dy @ V.T
    ds = da * (1 - a * a)
    return ds @ W.T, x.T @ ds, a.T @ dy
