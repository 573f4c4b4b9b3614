"""Answers to the exercises of lesson 1."""

from __future__ import annotations

import math


def forward(w, x) -> float:
    """Return y for the weights [w1, w2, b] and the inputs [x1, x2]."""
    return 1 / (1 + math.exp(-(w[0] * x[0] + w[1] * x[1] + w[2])))


def gradient(w, x, t) -> tuple[float, float, float]:
    """Return dL/dw1, dL/dw2, dL/db; dL/dy = (y - t) / (y (1 - y)), and dy/ds = y (1 - y)."""
    ds = forward(w, x) - t
    return ds * x[0], ds * x[1], ds


def input_gradient(w, x, t) -> tuple[float, float]:
    """Return dL/dx1, dL/dx2."""
    ds = forward(w, x) - t
    return ds * w[0], ds * w[1]
