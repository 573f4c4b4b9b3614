"""Split steps: a step that holds several rows side by side becomes as many steps of one row each."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class SplitSteps(Module):
    """Apply y_(r t + i) = x_t[i F / r : (i + 1) F / r]: (T, B, F) -> (r T, B, F / r). No parameters; linear in x.

    Args:
        rows: r, in a step.
    """

    def __init__(self, rows: int) -> None:
        if rows < 1:
            raise ValueError(f"a step holds at least one row, not {rows}")
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

    # Second derivatives (second_order/rules.py): of a linear map without parameters they are the
    # map itself.

    def traced_backward(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return dx, and no trace."""
        return self.backward(dy, cache), None

    def tangent_forward(self, x_tangent: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return y_tangent, and nothing to keep."""
        return self.forward(x_tangent)[0], None

    def tangent_backward(
        self, dy_tangent: np.ndarray, cache: Any, trace: Any, tangents: Any
    ) -> np.ndarray:
        """Return dx_tangent."""
        return self.backward(dy_tangent, cache)
