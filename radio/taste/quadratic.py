"""Lets a linear layer behind it like a middle best: the squares and products of some inputs are added to what goes on.

    x (n, E + D) = [even; facts] -> y (n, E + D (D + 1) / 2) = [even; f_i f_j for i <= j]

f_i f_j counts sqrt 2 times where i < j, so that a linear layer of equal weights on them is the
square of a product: (f . f')^2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class Bend(Module):
    """See the module's contract.

    Args:
        facts: D.
        scale: of the products.
    """

    def __init__(self, facts: int, *, scale: float = 1.0) -> None:
        self.facts = facts
        self._first, self._second = np.triu_indices(facts)
        self._scale = scale * np.where(self._first == self._second, 1.0, np.sqrt(2))

    @property
    def size(self) -> int:
        """How many products there are."""
        return len(self._first)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache."""
        even, facts = x[:, : x.shape[1] - self.facts], x[:, x.shape[1] - self.facts :]
        return np.concatenate(
            [even, facts[:, self._first] * facts[:, self._second] * self._scale], axis=1
        ), facts

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx."""
        even = dy.shape[1] - self.size
        dproduct = dy[:, even:] * self._scale
        dfacts = np.zeros_like(cache)
        for index, (first, second) in enumerate(zip(self._first, self._second, strict=True)):
            dfacts[:, first] += dproduct[:, index] * cache[:, second]
            dfacts[:, second] += dproduct[:, index] * cache[:, first]
        return np.concatenate([dy[:, :even], dfacts], axis=1)
