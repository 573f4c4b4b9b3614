"""Quadratic features: squares and products of some inputs, beside the other inputs as they are.

    x (n, E + D) = [linear; f] -> y (n, E + D (D + 1) / 2) = [linear; f_i f_j for i <= j]

With them a linear layer can prefer a middle value. f_i f_j is scaled by sqrt 2 where i < j, so that
the products of two inputs f, f' have the inner product (f . f')^2. Where the inputs are in groups,
only those of one group are multiplied with each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class Quadratic(Module):
    """Append squares and products; see the equation above.

    Args:
        factors: D, the last inputs, which are multiplied; of each group.
        scale: of the products.
    """

    def __init__(self, *factors: int, scale: float = 1.0) -> None:
        self.factors = sum(factors)
        starts = np.cumsum([0, *factors[:-1]])
        pairs = [
            start + np.array(np.triu_indices(count))
            for start, count in zip(starts, factors, strict=True)
        ]
        self.sizes = tuple(pair.shape[1] for pair in pairs)
        self._first, self._second = np.concatenate(pairs, axis=1)
        self._scale = scale * np.where(self._first == self._second, 1.0, np.sqrt(2))

    @property
    def size(self) -> int:
        """Number of products."""
        return sum(self.sizes)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache."""
        linear, factors = np.split(x, [x.shape[1] - self.factors], axis=1)
        products = factors[:, self._first] * factors[:, self._second] * self._scale
        return np.concatenate([linear, products], axis=1), factors

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx."""
        linear = dy.shape[1] - self.size
        dproduct = dy[:, linear:] * self._scale
        dfactors = np.zeros_like(cache)
        for index, (first, second) in enumerate(zip(self._first, self._second, strict=True)):
            dfactors[:, first] += dproduct[:, index] * cache[:, second]
            dfactors[:, second] += dproduct[:, index] * cache[:, first]
        return np.concatenate([dy[:, :linear], dfactors], axis=1)
