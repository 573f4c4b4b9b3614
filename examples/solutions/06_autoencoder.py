"""Answers to the exercises of lesson 6."""

from __future__ import annotations

import numpy as np


def components(x, count) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and components: without the mean, the first would point at it."""
    mean = x.mean(axis=0)
    _, _, directions = np.linalg.svd(x - mean, full_matrices=False)
    return mean, directions[:count]


def tied_gradient(x, W) -> tuple[float, np.ndarray]:
    """Return the loss and dW: the part of the encoder, and the transposed part of the decoder."""
    c = x @ W
    error = c @ W.T - x
    dy = error / len(x)
    return float((error**2).sum() / 2 / len(x)), x.T @ (dy @ W) + dy.T @ c


def other_code(W, V, R) -> tuple[np.ndarray, np.ndarray]:
    """Return an encoder and a decoder: what R does to the code, its inverse takes back."""
    return W @ R, np.linalg.inv(R) @ V
