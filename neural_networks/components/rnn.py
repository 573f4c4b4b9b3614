"""The simple recurrent layer over whole sequences, with full backpropagation through time.

    h_t = tanh(x_t W + h_{t-1} U + b)

Backward, from dh_t, the sum of the gradients from the loss and from the next step:

    ds = dh_t (1 - h_t^2),  dh_{t-1} = ds U^T,  dU = sum h_{t-1}^T ds,  dW = sum x_t^T ds

A gradient passes through U and a tanh at every step, and so fades or explodes in a long sequence:
what the gates of GRU and LSTM mend. Elman 1990. T, B, F, H = time steps, batch, input size, hidden
size; kernels/rnn.py has the recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.kernels.rnn import Arrays, rnn_backward, rnn_forward
from neural_networks.components.parameters import Parameter
from neural_networks.components.recurrent_layer import LayerCache, RecurrentLayer


class RNN(RecurrentLayer):
    """A layer of simple recurrent units: (T, B, F) -> (T, B, H).

    Args:
        input_size: F, values per time step.
        hidden_size: H, values of the state; or instead of it:
        input_layers: (H + F, .., H), as in `Recurrent`; see recurrent_layer.py.
        output_layers: (H, .., O), a network behind the states; none if not given.
        rng: draws the first weights, uniform in +-1/sqrt(H).

    Examples:
        >>> layer = RNN(3, 8, rng=np.random.default_rng(0))
        >>> states, cache = layer.forward(np.ones((10, 4, 3)))
        >>> states.shape, layer.backward(states, cache).shape
        ((10, 4, 8), (10, 4, 3))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | None = None,
        *,
        input_layers: Sequence[int] | None = None,
        output_layers: Sequence[int] | None = None,
        rng: np.random.Generator,
    ) -> None:
        inputs = self._surround(input_size, hidden_size, input_layers, rng)
        size = self.hidden_size
        self.input_weight = Parameter(fan_in_uniform((inputs, size), size, rng=rng))
        self.recurrent_weight = Parameter(fan_in_uniform((size, size), size, rng=rng))
        self.bias = Parameter(fan_in_uniform((size,), size, rng=rng))
        self._add_output(output_layers, rng)

    def _run(
        self, x: np.ndarray, steps: int, first: np.ndarray | None
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        dtype = self.recurrent_weight.value.dtype
        hidden = np.empty((steps + 1, x.shape[1], self.hidden_size), dtype)
        hidden[0] = 0 if first is None else first
        rnn_forward(hidden, np.ascontiguousarray(x, dtype), self._weights())
        return hidden, ()

    def _run_backward(self, dx: np.ndarray, dhidden: np.ndarray, cache: LayerCache) -> np.ndarray:
        dfirst = np.empty_like(cache.hidden[0])
        x = np.ascontiguousarray(cache.x, dfirst.dtype)
        grads = self.input_weight.grad, self.recurrent_weight.grad, self.bias.grad
        rnn_backward(dx, dfirst, grads, dhidden, cache.hidden, x, self._weights())
        return dfirst

    def _weights(self) -> Arrays:
        return self.input_weight.value, self.recurrent_weight.value, self.bias.value
