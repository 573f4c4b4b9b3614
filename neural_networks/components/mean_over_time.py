"""The mean over time: from a song's steps to one vector of the song."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class MeanOverTime(Module):
    """Apply y = sum over t of x_t / T: (T, B, F) -> (B, F).

    Examples:
        >>> y, cache = MeanOverTime().forward(np.array([[[1.0]], [[3.0]]]))  # two steps of one song
        >>> y, MeanOverTime().backward(np.ones((1, 1)), cache).ravel()
        (array([[2.]]), array([0.5, 0.5]))
    """

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache, the shape of x."""
        return x.mean(axis=0), x.shape

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (T, B, F), dy / T at every step, as a read-only view of one step."""
        return np.broadcast_to(dy / dy.dtype.type(cache[0]), cache)
