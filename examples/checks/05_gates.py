"""The exercises of lesson 5: the update gate of a GRU, and one step of an LSTM."""

from __future__ import annotations

import numpy as np

from checks import answer, differences

SIZES = ((1, 1), (1, 3), (4, 2))  # batch, hidden


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def update_gate_backward(theirs, rng):
    """Check ds, dn and dh of (1 - z) n + z h, z = sigmoid(s)."""
    for size in SIZES:
        s, n, h, dnew = rng.standard_normal((4, *size))

        def loss():
            z = _sigmoid(s)
            return (dnew * ((1 - z) * n + z * h)).sum()

        ds, dn, dh = answer(theirs.update_gate_backward, "ds dn dh", dnew, s, n, h)
        differences(loss, ds=(ds, s), dn=(dn, n), dh=(dh, h))


def lstm_backward(theirs, rng):
    """Check the gradients of the four sums and of the cell, from those of h' and c'."""
    for size in SIZES:
        i, f, g, o, c, dh, dc = rng.standard_normal((7, *size))

        def loss():
            cell = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            return (dh * _sigmoid(o) * np.tanh(cell) + dc * cell).sum()

        names = "di df dg do dcell"
        results = answer(theirs.lstm_backward, names, dh, dc, i, f, g, o, c)
        pairs = zip(results, (i, f, g, o, c), strict=True)
        differences(loss, **dict(zip(names.split(), pairs, strict=True)))
