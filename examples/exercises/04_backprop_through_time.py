"""Exercises of lesson 4: backpropagation through time.

Shapes: x (T, B, F), states h (T + 1, B, H) of which the first is zero and h[t + 1] is that of step
t, dh (T, B, H) the loss's own gradient at the states h[1:], W (F, H), U (H, H), b (H,).

Edit this file, and check it: python examples/check.py 4
"""

from __future__ import annotations

import numpy as np


def rnn_backward(dh, x, h, W, U) -> tuple[np.ndarray, ...]:
    """Return dx, dW, dU, db of h_t = tanh(x_t W + h_{t-1} U + b): there is a mistake in it."""
    dx, dW, dU, db = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    later = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        ds = (dh[t] + later) * (1 - h[t + 1] ** 2)
        dW += x[t].T @ ds
        dU += h[t + 1].T @ ds
        db += ds.sum(axis=0)
        dx[t] = ds @ W.T
        later = ds @ U.T
    return dx, dW, dU, db


def leaky_backward(dh, x, h, W, U, b, a) -> tuple[np.ndarray, ...]:
    """Return dx, dW, dU, db of a layer that keeps a part of its state.

    h_t = (1 - a) h_{t-1} + a tanh(x_t W + h_{t-1} U + b). It is the idea of gates, with a number in
    the place of a gate: the way back to h_{t-1} has become two ways.
    """


def clip(gradients, limit) -> list[np.ndarray]:
    """Return new gradients, scaled so that their common length is at most the limit.

    The length is that of all their values in one vector, the root of the sum of their squares;
    shorter ones are returned as they are.
    """
