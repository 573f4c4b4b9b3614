"""Answers to the exercises of lesson 5."""

from __future__ import annotations

import numpy as np


def sigmoid(x) -> np.ndarray:
    """Return y = 1 / (1 + exp(-x)), whose derivative is y (1 - y)."""
    return 1 / (1 + np.exp(-x))


def update_gate_backward(dnew, s, n, h) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ds, dn, dh of new = (1 - z) n + z h, z = sigmoid(s)."""
    z = sigmoid(s)
    return dnew * (h - n) * z * (1 - z), dnew * (1 - z), dnew * z


def lstm_backward(dh, dc, i, f, g, o, c) -> tuple[np.ndarray, ...]:
    """Return di, df, dg, do and the gradient of c: the cell matters to h' and to the next step."""
    cell = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    dcell = dc + dh * sigmoid(o) * (1 - np.tanh(cell) ** 2)
    di = dcell * np.tanh(g) * sigmoid(i) * (1 - sigmoid(i))
    df = dcell * c * sigmoid(f) * (1 - sigmoid(f))
    dg = dcell * sigmoid(i) * (1 - np.tanh(g) ** 2)
    do = dh * np.tanh(cell) * sigmoid(o) * (1 - sigmoid(o))
    return di, df, dg, do, dcell * sigmoid(f)
