"""Two recurrent cells over one sequence, one from its beginning, one from its end: every step knows the whole song."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components import tangents
from neural_networks.components.module import Module


class Bidirectional(Module):
    """Lay the states of two cells side by side (Schuster and Paliwal 1997, doi:10.1109/78.650093).

        y_t = [forward cell at t; backward cell at t]       x (T, B, F), y (T, B, H + H')

    Args:
        forward_cell: reads steps 0 to T - 1.
        backward_cell: reads steps T - 1 to 0.
    """

    def __init__(self, forward_cell: Module, backward_cell: Module) -> None:
        self.forward_cell = forward_cell
        self.backward_cell = backward_cell

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache: those of the two cells, and H."""
        ahead, forward_cache = self.forward_cell.forward(x)
        back, backward_cache = self.backward_cell.forward(x[::-1])
        return np.concatenate([ahead, back[::-1]], axis=2), (forward_cache, backward_cache, ahead.shape[2])

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx, the sum of what the two cells say; add the parameters' gradients."""
        forward_cache, backward_cache, size = cache
        dx = self.forward_cell.backward(dy[:, :, :size], forward_cache)
        return dx + self.backward_cell.backward(dy[::-1, :, size:], backward_cache)[::-1]

    def traced_backward(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return dx and its trace; see neural_networks/components/tangents.py."""
        forward_cache, backward_cache, size = cache
        ahead, forward_trace = tangents.traced_backward(self.forward_cell, dy[:, :, :size], forward_cache)
        back, backward_trace = tangents.traced_backward(self.backward_cell, dy[::-1, :, size:], backward_cache)
        return ahead + back[::-1], (forward_trace, backward_trace)

    def tangent_forward(self, x_tangent: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return y_tangent and the tangents of the two caches."""
        ahead, forward_tangents = tangents.tangent_forward(self.forward_cell, x_tangent, cache[0])
        back, backward_tangents = tangents.tangent_forward(self.backward_cell, x_tangent[::-1], cache[1])
        return np.concatenate([ahead, back[::-1]], axis=2), (forward_tangents, backward_tangents)

    def tangent_backward(self, dy_tangent: np.ndarray, cache: Any, trace: Any, found: Any) -> np.ndarray:
        """Return dx_tangent; add the tangents of the parameters' gradients."""
        size = cache[2]
        ahead = tangents.tangent_backward(self.forward_cell, dy_tangent[:, :, :size], cache[0], trace[0], found[0])
        back = tangents.tangent_backward(self.backward_cell, dy_tangent[::-1, :, size:], cache[1], trace[1], found[1])
        return ahead + back[::-1]
