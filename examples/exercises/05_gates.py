"""Exercises of lesson 5: backward passes of gates.

All arrays are (B, H). What a gate's sigmoid is applied to is given: s, i, f, g, o are sums of
inputs times weights, before any activation.

Edit this file, and check it: python examples/check.py 5
"""

from __future__ import annotations

import numpy as np


def sigmoid(x) -> np.ndarray:
    """Return y = 1 / (1 + exp(-x)), whose derivative is y (1 - y)."""
    return 1 / (1 + np.exp(-x))


def update_gate_backward(dnew, s, n, h) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ds, dn, dh of a GRU's last line: new = (1 - z) n + z h, z = sigmoid(s).

    n and h count as given here; in a whole GRU they have gradients of other ways too.
    """


def lstm_backward(dh, dc, i, f, g, o, c) -> tuple[np.ndarray, ...]:
    """Return di, df, dg, do and the gradient of c, of one step of an LSTM.

    c' = sigmoid(f) c + sigmoid(i) tanh(g),   h' = sigmoid(o) tanh(c')

    dh is the gradient at h', and dc what the next step says about c'. There is a mistake in it.
    """
    cell = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    dcell = dh * sigmoid(o) * (1 - np.tanh(cell) ** 2)
    di = dcell * np.tanh(g) * sigmoid(i) * (1 - sigmoid(i))
    df = dcell * c * sigmoid(f) * (1 - sigmoid(f))
    dg = dcell * sigmoid(i) * (1 - np.tanh(g) ** 2)
    do = dh * np.tanh(cell) * sigmoid(o) * (1 - sigmoid(o))
    return di, df, dg, do, dcell * sigmoid(f)
