"""Dropout: in training, set values to zero at random, so that no unit depends on one other."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class Dropout(Module):
    """Set a share of the values to zero, divide the others by 1 - share (Srivastava et al. 2014).

    The generator is an argument of `forward`, which so stays a function of what it is given: with
    one it trains, without one (as in a Sequential, and whenever a song is made) it passes
    everything on. A loss has `batch.rng` at hand.

    Args:
        share: probability to leave a value out, at least 0 and below 1.

    Examples:
        >>> y, factor = Dropout(0.5).forward(np.ones(6), np.random.default_rng(0))
        >>> y
        array([2., 2., 2., 0., 0., 0.])
        >>> Dropout(0.5).forward(np.ones(3))[0]
        array([1., 1., 1.])
    """

    def __init__(self, share: float) -> None:
        if not 0 <= share < 1:
            raise ValueError(f"the share to leave out must be at least 0 and below 1, not {share}")
        self.share = share

    def forward(
        self, x: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, Any]:
        """Return y and the cache: the factor of each value, or None where nothing was left out."""
        if rng is None or self.share == 0:
            return x, None
        # Drawn in float32 for both dtypes: a float64 check and a float32 training leave the same
        # values out.
        kept = rng.random(x.shape, np.float32) >= self.share
        factor = kept.astype(x.dtype)
        factor *= x.dtype.type(1 / (1 - self.share))
        return x * factor, factor

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = dy times each value's factor."""
        return dy if cache is None else dy * cache
