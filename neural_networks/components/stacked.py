"""Stacked recurrent layers: each reads the outputs of the one below.

T, B, F, O, S = time steps, batch, input size, output size, size of all states together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.module import Module


class Stacked(Module):
    """Run recurrent layers one after the other: Stacked(GRU(5, 8, rng=rng), GRU(8, 8, rng=rng)).

    Args:
        layers: GRU, LSTM, RNN, Recurrent, Bidirectional; each takes as many inputs as the one below
            has outputs.

    Examples:
        >>> from neural_networks.components.gru import GRU
        >>> rng = np.random.default_rng(0)
        >>> layers = Stacked(GRU(3, 8, rng=rng), GRU(8, 5, rng=rng))
        >>> layers.forward(np.ones((10, 4, 3)), last=True)[0].shape
        (4, 5)
    """

    def __init__(self, *layers: Any) -> None:
        sizes = [
            (below.output_size, above.input_size)
            for below, above in zip(layers[:-1], layers[1:], strict=True)
        ]
        if not layers or any(outputs != inputs for outputs, inputs in sizes):
            raise ValueError(
                "each layer must read as many values as the one below writes: "
                f"(outputs, inputs) are {sizes}"
            )
        self.layers = list(layers)
        self.input_size, self.output_size = layers[0].input_size, layers[-1].output_size
        self.state_size = sum(layer.state_size for layer in layers)

    def forward(
        self,
        x: np.ndarray,
        first: np.ndarray | None = None,
        *,
        steps: int | None = None,
        last: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """Run over all time steps.

        Args:
            x: (T, B, F); or (B, F), one input that every one of `steps` time steps gets.
            first: (B, S), the first states of all layers side by side; zeros if not given.
            steps: T, for an input that is repeated.
            last: return the output of the last step alone.

        Returns:
            The outputs (T, B, O), or (B, O) if `last`, and the layers' caches.

        Raises:
            ValueError: if a shape does not fit.
        """
        if first is not None and (first.ndim != 2 or first.shape[1] != self.state_size):
            raise ValueError(
                "the first states of these layers have the shape "
                f"(B, {self.state_size}) together, not {first.shape}"
            )
        caches, start = [], 0
        for layer in self.layers:
            state = None if first is None else first[:, start : start + layer.state_size]
            x, cache = layer.forward(x, state, steps=steps, last=last and layer is self.layers[-1])
            caches.append(cache)
            start, steps = start + layer.state_size, None
        return x, caches

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx, shaped like the x of forward, and add the parameters' gradients."""
        return self.backward_with_state(dy, cache)[0]

    def backward_with_state(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dx as `backward` does, and dfirst (B, S)."""
        dfirst = []
        for layer, layer_cache in zip(reversed(self.layers), reversed(cache), strict=True):
            dy, dstate = layer.backward_with_state(dy, layer_cache)
            dfirst.append(dstate)
        return dy, np.concatenate(dfirst[::-1], axis=1)
