"""Answers to the exercises of lesson 2."""

from __future__ import annotations

import numpy as np


def dense_backward(dy, x, W) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx (B, I), dW (I, O), db (O,) of y = x W + b."""
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


def cross_entropy(logits, target) -> tuple[float, np.ndarray]:
    """Return the loss and dlogits (B, C): softmax does not change if all logits do by as much."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(target * log_p).sum() / len(logits)
    return loss, (np.exp(log_p) - target) / len(logits)


def residual_backward(dy, x, W, V) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dx, dW, dV of y = x + tanh(x W) V: x reaches y in two ways."""
    a = np.tanh(x @ W)
    da = dy @ V.T
    ds = da * (1 - a * a)
    return dy + ds @ W.T, x.T @ ds, a.T @ dy
