"""Exercises of lesson 1: a neuron that answers with a probability.

The neuron of the lesson ends in tanh. This one ends in a sigmoid and is trained by the cross
entropy, as a neuron is that says how probable something is:

    y = 1 / (1 + exp(-(w1 x1 + w2 x2 + b)))        L = -t log y - (1 - t) log(1 - y)

The target t is between 0 and 1; log is the natural logarithm.

Edit this file, and check it: python examples/check.py 1
"""

from __future__ import annotations

import math


def forward(w, x) -> float:
    """Return y for the weights [w1, w2, b] and the inputs [x1, x2]."""
    return 1 / (1 + math.exp(-(w[0] * x[0] + w[1] * x[1] + w[2])))


def gradient(w, x, t) -> tuple[float, float, float]:
    """Return dL/dw1, dL/dw2, dL/db. On paper it is shorter than for tanh: what cancels?"""


def input_gradient(w, x, t) -> tuple[float, float]:
    """Return dL/dx1, dL/dx2: a layer before this neuron would need them."""
