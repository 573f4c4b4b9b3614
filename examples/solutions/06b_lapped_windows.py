"""Answers to the exercises of lesson 6b."""

from __future__ import annotations

import numpy as np


def unfolded(chunks) -> np.ndarray:
    """Return the chunks of which `folded` makes these: turned by the angle of the other sign."""
    half = chunks.shape[1] // 2
    a = (np.pi / 4 + (2 * np.arange(half) + 1) * np.pi / (8 * half))[:, None]
    before, after = chunks[:-1, : half - 1 : -1], chunks[1:, :half]
    result = chunks.copy()
    result[:-1, : half - 1 : -1] = np.sin(a) * before + np.cos(a) * after
    result[1:, :half] = np.sin(a) * after - np.cos(a) * before
    return result


def fold_backward(dfolded) -> np.ndarray:
    """Return the gradient with respect to chunks: a rotation's transpose is its inverse."""
    return unfolded(dfolded)


def needed(variances, share) -> int:
    """Return how many components are needed: the index of the last of them, and one more."""
    sums = np.cumsum(np.sort(variances)[::-1]) / np.sum(variances)
    return int(np.searchsorted(sums, share)) + 1
