"""Answers to the exercises of lesson 4."""

from __future__ import annotations

import numpy as np


def rnn_backward(dh, x, h, W, U) -> tuple[np.ndarray, ...]:
    """Return dx, dW, dU, db of h_t = tanh(x_t W + h_{t-1} U + b): U multiplies the state before."""
    dx, dW, dU, db = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    later = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        ds = (dh[t] + later) * (1 - h[t + 1] ** 2)
        dW += x[t].T @ ds
        dU += h[t].T @ ds
        db += ds.sum(axis=0)
        dx[t] = ds @ W.T
        later = ds @ U.T
    return dx, dW, dU, db


def leaky_backward(dh, x, h, W, U, b, a) -> tuple[np.ndarray, ...]:
    """Return dx, dW, dU, db of h_t = (1 - a) h_{t-1} + a tanh(x_t W + h_{t-1} U + b)."""
    dx, dW, dU, db = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    later = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dstate = dh[t] + later
        ds = a * dstate * (1 - np.tanh(x[t] @ W + h[t] @ U + b) ** 2)
        dW += x[t].T @ ds
        dU += h[t].T @ ds
        db += ds.sum(axis=0)
        dx[t] = ds @ W.T
        later = (1 - a) * dstate + ds @ U.T
    return dx, dW, dU, db


def clip(gradients, limit) -> list[np.ndarray]:
    """Return new gradients, scaled so that their common length is at most the limit."""
    length = np.sqrt(sum(np.square(each).sum() for each in gradients))
    return [each * min(1.0, limit / length) for each in gradients]
