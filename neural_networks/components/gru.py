"""The gated recurrent unit over whole sequences, with full backpropagation through time.

    r_t = sigmoid(x_t W_r + a_r + h_{t-1} U_r + b_r)            reset
    z_t = sigmoid(x_t W_z + a_z + h_{t-1} U_z + b_z)            update
    n_t = tanh(x_t W_n + a_n + r_t * (h_{t-1} U_n + b_n))       candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

Cho et al. 2014, arXiv:1406.1078, eq. 5-8, with the reset gate after the recurrent product as in cuDNN and PyTorch.
T, B, F, H = time steps, batch, input size, hidden size.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_networks.components.kernels_gru import gru_backward, gru_forward
from neural_networks.components.kernels_matrix import multiply
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter


class GRUCache(NamedTuple):
    """What backward needs of a forward pass."""

    x: np.ndarray  # (T, B, F)
    hidden: np.ndarray  # (T+1, B, H), [0] the first state
    gates: np.ndarray  # (T, B, 3H), reset, update, candidate
    candidate: np.ndarray  # (T, B, H), h_{t-1} U_n + b_n


class GRU(Module):
    """A layer of gated recurrent units: (T, B, input_size) -> (T, B, hidden_size).

    The three gates' weights lie side by side in the order [reset, update, candidate].

    Args:
        input_size: F, values per time step.
        hidden_size: H, values of the state.
        rng: draws the first weights, uniform in +-1/sqrt(H).
    """

    def __init__(self, input_size: int, hidden_size: int, *, rng: np.random.Generator) -> None:
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"a GRU needs at least one input and one hidden unit, not {input_size} and {hidden_size}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        bound = 1 / np.sqrt(hidden_size)
        self.input_weight = Parameter(rng.uniform(-bound, bound, (input_size, 3 * hidden_size)))
        self.recurrent_weight = Parameter(rng.uniform(-bound, bound, (hidden_size, 3 * hidden_size)))
        self.input_bias = Parameter(rng.uniform(-bound, bound, 3 * hidden_size))
        self.recurrent_bias = Parameter(rng.uniform(-bound, bound, 3 * hidden_size))

    def forward(self, x: np.ndarray, first: np.ndarray | None = None) -> tuple[np.ndarray, GRUCache]:
        """Run over all time steps.

        Args:
            x: (T, B, F).
            first: (B, H), the state before the first step; zeros if not given.

        Returns:
            The states (T, B, H) after each step, and the cache.

        Raises:
            ValueError: if a shape does not fit.
        """
        if x.ndim != 3 or x.shape[2] != self.input_size:
            raise ValueError(f"a GRU of {self.input_size} inputs takes x of shape (T, B, {self.input_size}), not {x.shape}")
        steps, batch, _ = x.shape
        size = self.hidden_size
        if first is not None and first.shape != (batch, size):
            raise ValueError(f"the first state must have the shape {(batch, size)}, not {first.shape}")
        dtype = self.recurrent_weight.value.dtype
        x = np.ascontiguousarray(x, dtype)
        hidden = np.empty((steps + 1, batch, size), dtype)
        hidden[0] = 0 if first is None else first
        gates = np.empty((steps, batch, 3 * size), dtype)
        multiply(gates.reshape(-1, 3 * size), x.reshape(-1, self.input_size), self.input_weight.value)
        candidate = np.empty((steps, batch, size), dtype)
        gru_forward(hidden, gates, candidate, self.recurrent_weight.value, self.input_bias.value, self.recurrent_bias.value)
        return hidden[1:], GRUCache(x, hidden, gates, candidate)

    def backward(self, dy: np.ndarray, cache: GRUCache) -> np.ndarray:
        """Return dx (T, B, F) for dy (T, B, H) and add the parameters' gradients."""
        return self.backward_with_state(dy, cache)[0]

    def backward_with_state(self, dy: np.ndarray, cache: GRUCache) -> tuple[np.ndarray, np.ndarray]:
        """Return (dx (T, B, F), gradient of the first state (B, H)) and add the parameters' gradients.

        Raises:
            ValueError: if dy does not have the shape of the states.
        """
        x, hidden, gates, candidate = cache
        steps, batch, size = candidate.shape
        if dy.shape != candidate.shape:
            raise ValueError(f"dy must have the shape {candidate.shape} of the states, not {dy.shape}")
        dproduct = np.empty_like(gates)
        dcandidate = np.empty_like(candidate)
        dfirst = np.empty_like(hidden[0])
        dy = np.ascontiguousarray(dy, hidden.dtype)
        gru_backward(dproduct, dcandidate, dfirst, dy, hidden, gates, candidate, self.recurrent_weight.value)

        through = dproduct.reshape(-1, 3 * size)
        multiply(self.recurrent_weight.grad, hidden[:-1].reshape(-1, size).T, through, add=True)
        dbias = dproduct.sum(0).sum(0)  # first over time, then over songs: sums of sums lose fewer digits
        self.recurrent_bias.grad += dbias
        # The input's projection enters the candidate beside the reset gate, not behind it.
        dproduct[:, :, 2 * size :] = dcandidate
        dbias[2 * size :] = dcandidate.sum(0).sum(0)
        self.input_bias.grad += dbias
        multiply(self.input_weight.grad, x.reshape(-1, self.input_size).T, through, add=True)
        return multiply(np.empty_like(x.reshape(-1, self.input_size)), through, self.input_weight.value.T).reshape(x.shape), dfirst
