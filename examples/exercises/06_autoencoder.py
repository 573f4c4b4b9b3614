"""Exercises of lesson 6: principal components and linear autoencoders.

Rows x (N, D) are N examples of D values; K is the size of the code.

Edit this file, and check it: python examples/check.py 6
"""

from __future__ import annotations

import numpy as np


def components(x, count) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (D,) of x and its principal components (count, D): there is a mistake in it.

    They are directions of length 1, at right angles to each other, along which the rows differ most
    from their mean; those along the first differ most.
    """
    _, _, directions = np.linalg.svd(x, full_matrices=False)
    return x.mean(axis=0), directions[:count]


def tied_gradient(x, W) -> tuple[float, np.ndarray]:
    """Return the loss and dW (D, K) of an autoencoder whose decoder is its encoder transposed.

    code c = x W,   reconstruction y = c W^T,   loss = mean over rows of |y - x|^2 / 2

    Descent on it finds the plane of the first K components. W is used twice.
    """


def other_code(W, V, R) -> tuple[np.ndarray, np.ndarray]:
    """Return an encoder (D, K) and a decoder (K, D) whose code is c R, R (K, K) invertible.

    The given ones, c = x W and y = c V, must have the same reconstructions y for every x. So a
    linear autoencoder finds the plane of the components, but not the components.
    """
