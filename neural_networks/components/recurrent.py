"""`Recurrent`, a cell of two small feed-forward networks: one computes the state, one reads it.

    h_t = MLP_in([h_{t-1}; x_t])        h_0 = 0 unless it is given
    y_t = MLP_out(h_t)

Between the layers of each network is a leaky ReLU (0.01); the last layer is linear.
T, B, F, H, O = time steps, batch, input size, state size, output size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.kernels.recurrent import recurrent_backward, recurrent_forward
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter
from neural_networks.components.recurrent_layer import check_output_gradient, checked_input


class RecurrentCache(NamedTuple):
    """What backward needs of a forward pass."""

    inner: np.ndarray  # (T, B, sum of input_layers): the values of all layers of MLP_in
    outer: np.ndarray  # (T, B, sum of output_layers): those of MLP_out
    repeated: bool  # one input for all steps
    last: bool  # the output of the last step alone


class Recurrent(Module):
    """A cell of two networks over whole sequences, with full backpropagation through time.

    Args:
        input_size: F, values of each time step.
        input_layers: sizes of MLP_in; the first is H + F, the last is H.
        output_layers: sizes of MLP_out; the first is H, the last is O.
        slope: of the leaky ReLU.
        rng: draws the first weights, uniform in +-1 / sqrt(inputs of the layer).

    Examples:
        >>> cell = Recurrent(3, (8 + 3, 8), (8, 2), rng=np.random.default_rng(0))
        >>> y, cache = cell.forward(np.ones((10, 4, 3)))
        >>> y.shape, cell.backward(y, cache).shape
        ((10, 4, 2), (10, 4, 3))
    """

    def __init__(
        self,
        input_size: int,
        input_layers: Sequence[int],
        output_layers: Sequence[int],
        *,
        slope: float = 0.01,
        rng: np.random.Generator,
    ) -> None:
        if (
            len(input_layers) < 2
            or len(output_layers) < 2
            or min(input_size, *input_layers, *output_layers) < 1
        ):
            raise ValueError(
                f"each network needs at least two sizes, all positive: "
                f"{input_size}, {input_layers}, {output_layers}"
            )
        if input_layers[0] != input_layers[-1] + input_size:
            raise ValueError(
                f"input_layers must begin with its last size plus input_size, "
                f"{input_layers[-1]} + {input_size} = {input_layers[-1] + input_size}, "
                f"not with {input_layers[0]}"
            )
        if output_layers[0] != input_layers[-1]:
            raise ValueError(
                f"output_layers must begin with the last of input_layers, {input_layers[-1]}, "
                f"not with {output_layers[0]}"
            )
        self.input_size = input_size
        self.output_size = output_layers[-1]
        self.hidden_size = self.state_size = input_layers[-1]
        self.slope = slope
        self.input_layers = np.array(input_layers, np.int64)
        self.output_layers = np.array(output_layers, np.int64)
        # Each network's weights are one vector: W (inputs, outputs), then b (outputs,), layer after
        # layer; `layers` returns them one by one.
        self.input_weights = Parameter(_first_weights(input_layers, rng))
        self.output_weights = Parameter(_first_weights(output_layers, rng))

    def forward(
        self,
        x: np.ndarray,
        first: np.ndarray | None = None,
        *,
        steps: int | None = None,
        last: bool = False,
    ) -> tuple[np.ndarray, RecurrentCache]:
        """Run over all time steps.

        Args:
            x: (T, B, F); or (B, F), one input that every one of `steps` time steps gets.
            first: (B, H), the state before the first step; zeros if not given.
            steps: T, for an input that is repeated.
            last: return the output of the last step alone.

        Returns:
            The outputs (T, B, O), or (B, O) if `last`, and the cache.

        Raises:
            ValueError: if a shape does not fit.
        """
        x, count = checked_input(self, x, first, steps)
        dtype, batch = self.input_weights.value.dtype, x.shape[1]
        x = np.ascontiguousarray(x, dtype)
        if first is None:
            first = np.zeros((batch, self.hidden_size), dtype)
        y = np.empty((count, batch, self.output_size), dtype)
        inner = np.empty((count, batch, self.input_layers.sum()), dtype)
        outer = np.empty((count, batch, self.output_layers.sum()), dtype)
        recurrent_forward(
            y, inner, outer, x, np.ascontiguousarray(first, dtype), *self._constants(dtype)
        )
        return (y[-1] if last else y), RecurrentCache(inner, outer, steps is not None, last)

    def backward(self, dy: np.ndarray, cache: RecurrentCache) -> np.ndarray:
        """Return dx, shaped like the x of forward, and add the weights' gradients."""
        return self.backward_with_state(dy, cache)[0]

    def backward_with_state(
        self, dy: np.ndarray, cache: RecurrentCache
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return dx as `backward` does, and the gradient dfirst (B, H) of the first state.

        Raises:
            ValueError: if dy does not have the shape of the outputs.
        """
        steps, batch, _ = cache.inner.shape
        dtype = self.input_weights.value.dtype
        check_output_gradient(self, dy, steps, batch, last=cache.last)
        if cache.last:
            dlast, dy = dy, np.zeros((steps, batch, self.output_size), dtype)
            dy[-1] = dlast
        dx = np.zeros((1 if cache.repeated else steps, batch, self.input_size), dtype)
        dfirst = np.empty((batch, self.hidden_size), dtype)
        recurrent_backward(
            dx,
            dfirst,
            self.input_weights.grad,
            self.output_weights.grad,
            np.ascontiguousarray(dy, dtype),
            cache.inner,
            cache.outer,
            *self._constants(dtype),
        )
        return (dx[0] if cache.repeated else dx), dfirst

    def layers(
        self,
    ) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[tuple[np.ndarray, np.ndarray]]]:
        """Return (W, b) of each layer of MLP_in and of MLP_out, as views into the weights."""
        inner = _layers(self.input_weights.value, self.input_layers)
        return inner, _layers(self.output_weights.value, self.output_layers)

    def _constants(
        self, dtype: np.dtype
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
        weights = self.input_weights.value, self.output_weights.value
        return *weights, self.input_layers, self.output_layers, dtype.type(self.slope)


def _first_weights(sizes: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return np.concatenate(
        [fan_in_uniform(((inputs + 1) * outputs,), inputs, rng=rng) for inputs, outputs in pairs]
    )


def _layers(weights: np.ndarray, sizes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    found, start = [], 0
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        middle, stop = start + inputs * outputs, start + (inputs + 1) * outputs
        found.append((weights[start:middle].reshape(inputs, outputs), weights[middle:stop]))
        start = stop
    return found
