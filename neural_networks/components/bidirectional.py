"""Two recurrent layers over one sequence, one in each direction; an output depends on all steps.

T, B, F, O, S = time steps, batch, input size, output size, size of a state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class Bidirectional(Module):
    """Put the outputs of two layers side by side.

    Schuster and Paliwal 1997, doi:10.1109/78.650093.

        y_t = [forward layer at t; backward layer at t]

    Args:
        forward_cell: GRU, LSTM, RNN, Recurrent or Stacked, reads steps 0 to T - 1.
        backward_cell: likewise, reads steps T - 1 to 0.

    Examples:
        >>> from neural_networks.components.gru import GRU
        >>> rng = np.random.default_rng(0)
        >>> layer = Bidirectional(GRU(3, 8, rng=rng), GRU(3, 8, rng=rng))
        >>> layer.forward(np.ones((10, 4, 3)))[0].shape
        (10, 4, 16)
    """

    def __init__(self, forward_cell: Any, backward_cell: Any) -> None:
        if forward_cell.input_size != backward_cell.input_size:
            raise ValueError(
                "both directions read the same input, not "
                f"{forward_cell.input_size} and {backward_cell.input_size} values"
            )
        self.forward_cell = forward_cell
        self.backward_cell = backward_cell
        self.input_size = forward_cell.input_size
        self.output_size = forward_cell.output_size + backward_cell.output_size
        self.state_size = forward_cell.state_size + backward_cell.state_size

    def forward(
        self,
        x: np.ndarray,
        first: np.ndarray | None = None,
        *,
        steps: int | None = None,
        last: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """Run over all time steps, both ways.

        Args:
            x: (T, B, F); or (B, F), one input that every one of `steps` time steps gets.
            first: (B, S), the first states of both directions side by side; zeros if not given.
            steps: T, for an input that is repeated.
            last: return the output of the last step that each direction reads.

        Returns:
            The outputs (T, B, O), or (B, O) if `last`, and the cache.

        Raises:
            ValueError: if a shape does not fit.
        """
        if first is not None and (first.ndim != 2 or first.shape[1] != self.state_size):
            raise ValueError(
                "the first states of both directions have the shape "
                f"(B, {self.state_size}) together, not {first.shape}"
            )
        size = self.forward_cell.state_size
        states = (None, None) if first is None else (first[:, :size], first[:, size:])
        ahead, forward_cache = self.forward_cell.forward(x, states[0], steps=steps, last=last)
        back, backward_cache = self.backward_cell.forward(
            x if steps is not None else x[::-1], states[1], steps=steps, last=last
        )
        y = np.concatenate([ahead, back if last else back[::-1]], axis=-1)
        return y, (forward_cache, backward_cache, ahead.shape[-1], steps is not None)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx, shaped like the x of forward, and add the parameters' gradients."""
        return self.backward_with_state(dy, cache)[0]

    def backward_with_state(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dx as `backward` does, and dfirst (B, S)."""
        forward_cache, backward_cache, size, repeated = cache
        dahead, dback = dy[..., :size], dy[..., size:]
        dx, dfirst = self.forward_cell.backward_with_state(dahead, forward_cache)
        back, dlast = self.backward_cell.backward_with_state(
            dback if dy.ndim == 2 else dback[::-1], backward_cache
        )
        return dx + (back if repeated else back[::-1]), np.concatenate([dfirst, dlast], axis=1)
