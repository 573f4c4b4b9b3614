"""The long short-term memory over whole sequences, with full backpropagation through time.

    [i; f; g; o]_t = x_t W + h_{t-1} U + b                      input, forget, candidate, output
    i, f, o through a sigmoid, g through tanh
    c_t = f_t * c_{t-1} + i_t * g_t         the cell, which can hold a value over many steps
    h_t = o_t * tanh(c_t)

Backward, from dh_t and dc_t, the sum of the gradients from the loss and from the next step:

    dc_t += dh_t o (1 - tanh(c_t)^2),  dc_{t-1} = dc_t f
    di = dc_t g i (1 - i),  df = dc_t c_{t-1} f (1 - f)
    dg = dc_t i (1 - g^2),  do = dh_t tanh(c_t) o (1 - o)
    dh_{t-1} = [di, df, dg, do] U^T
    dU = sum h_{t-1}^T [di, df, dg, do],  dW = sum x_t^T [di, df, dg, do]

Hochreiter and Schmidhuber 1997; the forget gate of Gers et al. 2000, as in PyTorch, whose two
biases are one here. T, B, F, H = time steps, batch, input size, hidden size; kernels/lstm.py has
the recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.kernels.lstm import Arrays, lstm_backward, lstm_cache, lstm_forward
from neural_networks.components.parameters import Parameter
from neural_networks.components.recurrent_layer import LayerCache, RecurrentLayer


class LSTM(RecurrentLayer):
    """A layer of long short-term memory: (T, B, F) -> (T, B, H). Its state (B, 2H) is [h; c].

    The four gates' weights are side by side in the order [input, forget, candidate, output].

    Args:
        input_size: F, values per time step.
        hidden_size: H, values of the state; or instead of it:
        input_layers: (H + F, .., H), as in `Recurrent`; see recurrent_layer.py.
        output_layers: (H, .., O), a network behind the states; none if not given.
        rng: draws the first weights, uniform in +-1/sqrt(H); 1 is added to the forget gate's bias,
            so that a cell begins by remembering (Jozefowicz et al. 2015, section 2.2).

    Examples:
        >>> layer = LSTM(3, 4, rng=np.random.default_rng(0))
        >>> h, cache = layer.forward(np.ones((10, 2, 3), np.float32), last=True)
        >>> dx = layer.backward(np.ones_like(h), cache)
        >>> h.shape, dx.shape
        ((2, 4), (10, 2, 3))
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
        self.input_weight = Parameter(fan_in_uniform((inputs, 4 * size), size, rng=rng))
        self.recurrent_weight = Parameter(fan_in_uniform((size, 4 * size), size, rng=rng))
        self.bias = Parameter(fan_in_uniform((4 * size,), size, rng=rng))
        self.bias.value[size : 2 * size] += 1
        self._add_output(output_layers, rng, states=2)

    def _run(
        self, x: np.ndarray, steps: int, first: np.ndarray | None
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        dtype, size = self.recurrent_weight.value.dtype, self.hidden_size
        hidden, cells = (np.empty((steps + 1, x.shape[1], size), dtype) for _ in range(2))
        hidden[0] = 0 if first is None else first[:, :size]
        cells[0] = 0 if first is None else first[:, size:]
        gates = lstm_cache(steps, x.shape[1], size, dtype)
        lstm_forward(hidden, cells, gates, np.ascontiguousarray(x, dtype), self._weights())
        return hidden, (cells, gates)

    def _run_backward(self, dx: np.ndarray, dhidden: np.ndarray, cache: LayerCache) -> np.ndarray:
        dfirst = np.empty((2, *cache.hidden.shape[1:]), cache.hidden.dtype)
        x = np.ascontiguousarray(cache.x, dfirst.dtype)
        grads = self.input_weight.grad, self.recurrent_weight.grad, self.bias.grad
        cells, gates = cache.kept
        lstm_backward(dx, dfirst, grads, dhidden, cache.hidden, cells, gates, x, self._weights())
        return np.concatenate([dfirst[0], dfirst[1]], axis=1)

    def _weights(self) -> Arrays:
        return self.input_weight.value, self.recurrent_weight.value, self.bias.value
