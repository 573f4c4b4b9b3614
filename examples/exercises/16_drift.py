"""Exercises of lesson 16: taught by the next value, and running free.

A network predicts a value from the last K: m_t = tanh(w . (x_{t-K} ... x_{t-1})), w (K,), the
oldest first. B runs x (K + T, B) have the K values they begin with, and T more.

Edit this file, and check it: python examples/check.py 16
"""

from __future__ import annotations

import numpy as np


def taught(w, x) -> tuple[float, np.ndarray]:
    """Return the loss of teacher forcing on recordings x (K + T, B), and dw (K,).

    loss = mean over the T B predictions of (m_t - x_t)^2 / 2: each from what was recorded.
    """


def run_free(w, start, noise) -> np.ndarray:
    """Return a free run x (K + T, B): `start` (K, B), and x_t = m_t + noise_t: a mistake is in it.

    noise is (T, B). The network is given what it made itself, as soon as it made it.
    """
    x = np.concatenate([start, noise])
    for t in range(len(w), len(x)):
        x[t] = np.tanh(w @ x[t - len(w) : t])
    return x


def free_backward(dx, x, w) -> tuple[np.ndarray, np.ndarray]:
    """Return dw (K,) and dstart (K, B) of a free run, given dx (K + T, B): a mistake is in it.

    dx is what a critic says to each value; values matter to those that follow, too.
    """
    dw, total = np.zeros_like(w), dx.copy()
    for t in reversed(range(len(w), len(x))):
        past = x[t - len(w) : t]
        ds = dx[t] * (1 - np.tanh(w @ past) ** 2)
        dw += past @ ds
        total[t - len(w) : t] += np.outer(w, ds)
    return dw, total[: len(w)]
