"""Answers to the exercises of lesson 16."""

from __future__ import annotations

import numpy as np


def taught(w, x) -> tuple[float, np.ndarray]:
    """Return the loss and dw: no prediction is input of another, so nothing goes back in time."""
    count = x[len(w) :].size
    loss, dw = 0.0, np.zeros_like(w)
    for t in range(len(w), len(x)):
        past = x[t - len(w) : t]
        m = np.tanh(w @ past)
        loss += float(((m - x[t]) ** 2).sum()) / 2 / count
        dw += past @ ((m - x[t]) * (1 - m**2)) / count
    return loss, dw


def run_free(w, start, noise) -> np.ndarray:
    """Return a free run; its noise was in the place of each value, and is added to."""
    x = np.concatenate([start, noise])
    for t in range(len(w), len(x)):
        x[t] += np.tanh(w @ x[t - len(w) : t])
    return x


def free_backward(dx, x, w) -> tuple[np.ndarray, np.ndarray]:
    """Return dw and dstart: what later values said of a value has to go back with it."""
    dw, total = np.zeros_like(w), dx.copy()
    for t in reversed(range(len(w), len(x))):
        past = x[t - len(w) : t]
        ds = total[t] * (1 - np.tanh(w @ past) ** 2)
        dw += past @ ds
        total[t - len(w) : t] += np.outer(w, ds)
    return dw, total[: len(w)]
