"""Exercises of lesson 6b: folding undone, and how many components are enough.

Chunks (n, H, F) are n chunks of H frames (H is even) of F bands.

Edit this file, and check it: python examples/check.py 6b
"""

from __future__ import annotations

import numpy as np


def folded(chunks) -> np.ndarray:
    """Return chunks (n, H, F) folded at their borders, as in the lesson."""
    half = chunks.shape[1] // 2
    a = (np.pi / 4 + (2 * np.arange(half) + 1) * np.pi / (8 * half))[:, None]
    before, after = chunks[:-1, : half - 1 : -1], chunks[1:, :half]
    result = chunks.copy()
    result[:-1, : half - 1 : -1] = np.sin(a) * before - np.cos(a) * after
    result[1:, :half] = np.cos(a) * before + np.sin(a) * after
    return result


def unfolded(chunks) -> np.ndarray:
    """Return the chunks of which `folded` makes these; it turns each pair of frames."""


def fold_backward(dfolded) -> np.ndarray:
    """Return the gradient with respect to chunks, from that with respect to folded(chunks).

    It is one line, if you remember what the transpose of a rotation is.
    """


def needed(variances, share) -> int:
    """Return how many components hold at least this share of the variance: two mistakes are in it.

    variances (D,) of the components are in any order; the fewest are those of most variance.
    """
    sums = np.cumsum(variances) / np.sum(variances)
    return int(np.searchsorted(sums, share))
