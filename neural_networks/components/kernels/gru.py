"""The GRU over whole sequences as plain loops, forward and backward.

Contract, outputs first. Nothing is stored and the GIL is released, so two threads can run on two
parts of a mini-batch:

    gru_forward(hidden, gates, candidate, x, weights)
    gru_backward(dx, dfirst, grads, dhidden, hidden, gates, candidate, x, weights)

    T, B, F, H = time steps, batch, input size, hidden size. The three gates are side by side,
    (.., 3H), in the order reset, update, candidate:
    x           (T, B, F)    or (1, B, F): one input that every step gets
    weights     W (F, 3H), U (H, 3H), a (3H,), b (3H,): of the input, of the state, their biases
    hidden      (T+1, B, H)  the states; [0] is given, gru_forward writes the rest
    gates       (T, B, 3H)   out: r_t, z_t, n_t
    candidate   (T, B, H)    out: q_t = h_{t-1} U_n + b_n, the candidate's recurrent product before
                             the reset gate
    dhidden     (T, B, H)    the gradient of the loss with respect to hidden[1:]; or (1, B, H), that
                             of the last state alone
    dx          like x       out; the sum over time for an x that every step gets; or (0, B, F) if
                             it is not needed
    dfirst      (B, H)       out: the gradient with respect to hidden[0]
    grads       like weights, added to

In float32 the same runs several times faster on register tiles (kernels/simd/gru.py). `gru_cache`
makes gates and candidate for either, and `gru_values` returns them as described here.
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels.loops import add_product
from neural_networks.components.kernels.simd.cell import gru_tile_cache, gru_values, on_tiles
from neural_networks.components.kernels.simd.gru import (
    gru_backward_on_tiles,
    gru_forward_on_tiles,
)
from neural_networks.components.kernels.simd.matrix import multiply

__all__ = ["gru_backward", "gru_cache", "gru_errors", "gru_forward", "gru_values"]

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def gru_cache(steps: int, batch: int, size: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return arrays for gates and candidate."""
    if on_tiles(dtype):
        return gru_tile_cache(steps, batch, size)
    return np.empty((steps, batch, 3 * size), dtype), np.empty((steps, batch, size), dtype)


def gru_forward(
    hidden: np.ndarray, gates: np.ndarray, candidate: np.ndarray, x: np.ndarray, weights: Arrays
) -> None:
    """Run a GRU over all time steps; see the contract above."""
    if gates.ndim == 4:
        gru_forward_on_tiles(hidden, gates, x, *weights)
        return
    input_weight, recurrent_weight, input_bias, recurrent_bias = weights
    for t in range(len(x)):
        np.matmul(x[t], input_weight, out=gates[t])
    gates[len(x) :] = gates[0]
    _forward_loops(hidden, gates, candidate, recurrent_weight, input_bias, recurrent_bias)


@kernel
def _forward_loops(hidden, gates, candidate, weight, input_bias, recurrent_bias):
    steps, batch, size = candidate.shape
    product = np.empty((batch, 3 * size), hidden.dtype)
    one, half = hidden.dtype.type(1), hidden.dtype.type(0.5)
    for t in range(steps):
        for b in range(batch):
            product[b] = recurrent_bias
        add_product(product, hidden[t], weight)
        for b in range(batch):
            sums = gates[t, b]
            for j in range(size):
                r = half + half * np.tanh(half * (sums[j] + input_bias[j] + product[b, j]))
                z = half + half * np.tanh(
                    half * (sums[size + j] + input_bias[size + j] + product[b, size + j])
                )
                q = product[b, 2 * size + j]
                n = np.tanh(sums[2 * size + j] + input_bias[2 * size + j] + r * q)
                sums[j] = r
                sums[size + j] = z
                sums[2 * size + j] = n
                candidate[t, b, j] = q
                hidden[t + 1, b, j] = (one - z) * n + z * hidden[t, b, j]


def gru_backward(
    dx: np.ndarray,
    dfirst: np.ndarray,
    grads: Arrays,
    dhidden: np.ndarray,
    hidden: np.ndarray,
    gates: np.ndarray,
    candidate: np.ndarray,
    x: np.ndarray,
    weights: Arrays,
) -> None:
    """Run backpropagation through time; see the contract above."""
    if gates.ndim == 4:
        gru_backward_on_tiles(dx, dfirst, *grads, dhidden, hidden, gates, x, *weights[:2])
        return
    size = candidate.shape[2]
    dproduct, dcandidate = gru_errors(dfirst, dhidden, hidden, gates, candidate, weights[1])
    multiply(grads[1], hidden[:-1].reshape(-1, size).T, dproduct.reshape(-1, 3 * size), add=True)
    grads[3][:] += dproduct.sum(axis=(0, 1))
    # The input's product enters the candidate beside the reset gate, not behind it.
    dproduct[:, :, 2 * size :] = dcandidate
    grads[2][:] += dproduct.sum(axis=(0, 1))
    through = dproduct.sum(axis=0) if len(x) < len(gates) else dproduct.reshape(-1, 3 * size)
    multiply(grads[0], x.reshape(-1, x.shape[2]).T, through, add=True)
    if len(dx):
        multiply(dx.reshape(-1, x.shape[2]), through, weights[0].T)


def gru_errors(
    dfirst: np.ndarray,
    dhidden: np.ndarray,
    hidden: np.ndarray,
    gates: np.ndarray,
    candidate: np.ndarray,
    weight: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Run the recurrence of the backward pass alone, with gates and candidate from `gru_values`.

    Returns:
        dproduct (T, B, 3H), the gradient with respect to h_{t-1} U + b, and dcandidate (T, B, H),
        that of x_t W_n.
    """
    dproduct, dcandidate = np.empty_like(gates), np.empty_like(candidate)
    _backward_loops(dproduct, dcandidate, dfirst, dhidden, hidden, gates, candidate, weight)
    return dproduct, dcandidate


@kernel
def _backward_loops(dproduct, dcandidate, dfirst, dhidden, hidden, gates, candidate, weight):
    steps, batch, size = candidate.shape
    transposed = np.ascontiguousarray(weight.T)
    one = hidden.dtype.type(1)
    dfirst[:] = 0
    for t in range(steps - 1, -1, -1):
        above = t - steps + len(dhidden)
        for b in range(batch):
            for j in range(size):
                r = gates[t, b, j]
                z = gates[t, b, size + j]
                n = gates[t, b, 2 * size + j]
                dh = dfirst[b, j]
                if above >= 0:
                    dh += dhidden[above, b, j]
                dn = dh * (one - z) * (one - n * n)
                dcandidate[t, b, j] = dn
                dproduct[t, b, j] = dn * candidate[t, b, j] * r * (one - r)
                dproduct[t, b, size + j] = dh * (hidden[t, b, j] - n) * z * (one - z)
                dproduct[t, b, 2 * size + j] = dn * r
                dfirst[b, j] = dh * z
        add_product(dfirst, dproduct[t], transposed)
