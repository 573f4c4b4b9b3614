"""Split each time step that has several rows side by side into as many steps of one row."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class SplitSteps(Module):
    """Apply y_(r t + i) = x_t[i F / r : (i + 1) F / r]: (T, B, F) -> (r T, B, F / r).

    Args:
        rows: r, of a step.
    """

    def __init__(self, rows: int) -> None:
        if rows < 1:
            raise ValueError(f"a step has at least one row, not {rows}")
        self.rows = rows

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache, the shape of x.

        Raises:
            ValueError: if the features of x can't be divided by the rows.
        """
        steps, batch, features = x.shape
        if features % self.rows:
            raise ValueError(f"{features} features can't be split into {self.rows} rows")
        y = x.reshape(steps, batch, self.rows, features // self.rows).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(y).reshape(
            steps * self.rows, batch, features // self.rows
        ), x.shape

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (T, B, F): the rows side by side again."""
        steps, batch, features = cache
        dx = dy.reshape(steps, self.rows, batch, features // self.rows).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(dx).reshape(cache)
