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
from neural_networks.components.kernels.chains import (
    Chains,
    Layers,
    Values,
    arrange,
    layers_of,
    outputs_of,
    values_of,
)
from neural_networks.components.kernels.recurrent import recurrent_backward, recurrent_forward
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter
from neural_networks.components.recurrent_layer import check_output_gradient, checked_input


class RecurrentCache(NamedTuple):
    """What backward needs of a forward pass."""

    x: np.ndarray  # (T, B, F), or (1, B, F) for an input that every step gets
    memory: np.ndarray  # the states and what all layers compute; `values` has it as arrays
    chains: Chains  # how it lies there
    repeated: bool  # one input for all steps
    last: bool  # the output of the last step alone

    @property
    def values(self) -> Values:
        """The states, and the outputs of every layer."""
        return values_of(self.memory, self.chains)


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
        self.input_layers = tuple(int(size) for size in input_layers)
        self.output_layers = tuple(int(size) for size in output_layers)
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
        x, sizes = np.ascontiguousarray(x, dtype), (self.input_layers, self.output_layers)
        chains = arrange(*sizes, batch, count, 1 if last else count)
        memory = np.empty(chains.floats, dtype)
        memory[: batch * self.hidden_size] = 0 if first is None else np.ravel(first)
        recurrent_forward(memory, x, self._weights(), chains, self.slope)
        cache = RecurrentCache(x, memory, chains, steps is not None, last)
        y = outputs_of(memory, chains, -1)
        return (y[0] if last else y), cache

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
        dx = np.empty_like(cache.x)
        dfirst = self._add_gradients(dx, dy, cache)
        return (dx[0] if cache.repeated else dx), dfirst

    def add_gradients(self, dy: np.ndarray, cache: RecurrentCache) -> None:
        """Add the weights' gradients for dy, (T, B, O) or (B, O), without dx."""
        self._add_gradients(cache.x[:0], dy, cache)

    def _add_gradients(self, dx: np.ndarray, dy: np.ndarray, cache: RecurrentCache) -> np.ndarray:
        """Fill dx unless it is empty, add the weights' gradients and return dfirst (B, H)."""
        chains, dtype = cache.chains, cache.memory.dtype
        check_output_gradient(self, dy, chains.steps, chains.batch, last=cache.last)
        dy = np.ascontiguousarray(dy[None] if cache.last else dy, dtype)
        dfirst = np.empty((chains.batch, self.hidden_size), dtype)
        grads = self.input_weights.grad, self.output_weights.grad
        recurrent_backward(
            dx, dfirst, grads, dy, cache.memory, cache.x, self._weights(), chains, self.slope
        )
        return dfirst

    def layers(self) -> tuple[Layers, Layers]:
        """Return (W, b) of each layer of MLP_in and of MLP_out, as views into the weights."""
        inner, outer = self._weights()
        return layers_of(inner, self.input_layers), layers_of(outer, self.output_layers)

    def _weights(self) -> tuple[np.ndarray, np.ndarray]:
        return self.input_weights.value, self.output_weights.value


def _first_weights(sizes: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return np.concatenate(
        [fan_in_uniform(((inputs + 1) * outputs,), inputs, rng=rng) for inputs, outputs in pairs]
    )
