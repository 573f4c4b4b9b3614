"""The gated recurrent unit over whole sequences, with full backpropagation through time.

    r_t = sigmoid(x_t W_r + a_r + h_{t-1} U_r + b_r)            reset
    z_t = sigmoid(x_t W_z + a_z + h_{t-1} U_z + b_z)            update
    n_t = tanh(x_t W_n + a_n + r_t * (h_{t-1} U_n + b_n))       candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

Backward, from dh_t, the sum of the gradients from the loss and from the next step:

    dn = dh_t (1 - z) (1 - n^2)
    dz = dh_t (h_{t-1} - n) z (1 - z)
    dr = dn (h_{t-1} U_n + b_n) r (1 - r)
    dh_{t-1} = dh_t z + [dr, dz, dn r] U^T
    dU = sum h_{t-1}^T [dr, dz, dn r],  dW = sum x_t^T [dr, dz, dn]

Cho et al. 2014, arXiv:1406.1078, eq. 5-8, with the reset gate after the recurrent product as in
cuDNN and PyTorch. T, B, F, H = time steps, batch, input size, hidden size; kernels/gru.py has the
recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.kernels.gru import Arrays, gru_backward, gru_cache, gru_forward
from neural_networks.components.parameters import Parameter
from neural_networks.components.recurrent_layer import LayerCache, RecurrentLayer


class GRU(RecurrentLayer):
    """A layer of gated recurrent units: (T, B, F) -> (T, B, H).

    The three gates' weights are side by side in the order [reset, update, candidate].

    Args:
        input_size: F, values per time step.
        hidden_size: H, values of the state; or instead of it:
        input_layers: (H + F, .., H), as in `Recurrent`; see recurrent_layer.py.
        output_layers: (H, .., O), a network behind the states; none if not given.
        rng: draws the first weights, uniform in +-1/sqrt(H).

    Examples:
        >>> layer = GRU(3, 4, rng=np.random.default_rng(0))
        >>> x = np.ones((10, 2, 3), np.float32)  # ten steps of two sequences
        >>> h, cache = layer.forward(x)
        >>> dx = layer.backward(np.ones_like(h), cache)
        >>> h.shape, dx.shape
        ((10, 2, 4), (10, 2, 3))
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
        self.input_weight = Parameter(fan_in_uniform((inputs, 3 * size), size, rng=rng))
        self.recurrent_weight = Parameter(fan_in_uniform((size, 3 * size), size, rng=rng))
        self.input_bias = Parameter(fan_in_uniform((3 * size,), size, rng=rng))
        self.recurrent_bias = Parameter(fan_in_uniform((3 * size,), size, rng=rng))
        self._add_output(output_layers, rng)

    def _run(
        self, x: np.ndarray, steps: int, first: np.ndarray | None
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        dtype = self.recurrent_weight.value.dtype
        hidden = np.empty((steps + 1, x.shape[1], self.hidden_size), dtype)
        hidden[0] = 0 if first is None else first
        kept = gru_cache(steps, x.shape[1], self.hidden_size, dtype)
        gru_forward(hidden, *kept, np.ascontiguousarray(x, dtype), self._weights())
        return hidden, kept

    def _run_backward(self, dx: np.ndarray, dhidden: np.ndarray, cache: LayerCache) -> np.ndarray:
        dfirst = np.empty_like(cache.hidden[0])
        x = np.ascontiguousarray(cache.x, dfirst.dtype)
        grads = (
            self.input_weight.grad,
            self.recurrent_weight.grad,
            self.input_bias.grad,
            self.recurrent_bias.grad,
        )
        gates, candidate = cache.kept
        gru_backward(dx, dfirst, grads, dhidden, cache.hidden, gates, candidate, x, self._weights())
        return dfirst

    def _weights(self) -> Arrays:
        return (
            self.input_weight.value,
            self.recurrent_weight.value,
            self.input_bias.value,
            self.recurrent_bias.value,
        )
