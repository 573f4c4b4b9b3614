"""The LSTM over whole sequences as plain loops, forward and backward.

Contract, outputs first. Nothing is stored and the GIL is released, so two threads can run on two
parts of a mini-batch:

    lstm_forward(hidden, cells, gates, x, weights)
    lstm_backward(dx, dfirst, grads, dhidden, hidden, cells, gates, x, weights)

    T, B, F, H = time steps, batch, input size, hidden size. The four gates are side by side,
    (.., 4H): input, forget, candidate, output.
    x         (T, B, F)    or (1, B, F): one input that every step gets
    weights   W (F, 4H), U (H, 4H), b (4H,): of the input, of the state, the bias
    hidden    (T+1, B, H)  h; [0] is given, lstm_forward writes the rest
    cells     (T+1, B, H)  c, likewise
    gates     (T, B, 4H)   out: i_t, f_t, g_t, o_t, as `lstm_cache` makes them
    dhidden   (T, B, H)    the gradient of the loss with respect to hidden[1:]; or (1, B, H), that
                           of the last state alone
    dx        like x       out; the sum over time for an x that every step gets; or (0, B, F) if it
                           is not needed
    dfirst    (2, B, H)    out: the gradients with respect to hidden[0] and cells[0]
    grads     like weights, added to

In float32 the same runs several times faster on register tiles (kernels/simd/lstm.py), which order
the gates' values differently.
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels.loops import add_product
from neural_networks.components.kernels.simd.cell import gate_values, on_tiles
from neural_networks.components.kernels.simd.lstm import (
    lstm_backward_on_tiles,
    lstm_forward_on_tiles,
)
from neural_networks.components.kernels.simd.matrix import multiply

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def lstm_cache(steps: int, batch: int, size: int, dtype: np.dtype) -> np.ndarray:
    """Return an array for the gates."""
    if on_tiles(dtype):
        return gate_values(steps, batch, size)
    return np.empty((steps, batch, 4 * size), dtype)


def lstm_forward(
    hidden: np.ndarray, cells: np.ndarray, gates: np.ndarray, x: np.ndarray, weights: Arrays
) -> None:
    """Run an LSTM over all time steps; see the contract above."""
    if gates.ndim == 4:
        lstm_forward_on_tiles(hidden, cells, gates, x, *weights)
        return
    for t in range(len(x)):
        np.matmul(x[t], weights[0], out=gates[t])
    gates[len(x) :] = gates[0]
    gates += weights[2]
    _forward_loops(hidden, cells, gates, weights[1])


@kernel
def _forward_loops(hidden, cells, gates, weight):
    steps, batch, size = gates.shape[0], gates.shape[1], hidden.shape[2]
    half = hidden.dtype.type(0.5)
    for t in range(steps):
        add_product(gates[t], hidden[t], weight)
        for b in range(batch):
            sums = gates[t, b]
            for j in range(size):
                i = half + half * np.tanh(half * sums[j])
                f = half + half * np.tanh(half * sums[size + j])
                g = np.tanh(sums[2 * size + j])
                o = half + half * np.tanh(half * sums[3 * size + j])
                c = f * cells[t, b, j] + i * g
                cells[t + 1, b, j] = c
                hidden[t + 1, b, j] = o * np.tanh(c)
                sums[j] = i
                sums[size + j] = f
                sums[2 * size + j] = g
                sums[3 * size + j] = o


def lstm_backward(
    dx: np.ndarray,
    dfirst: np.ndarray,
    grads: Arrays,
    dhidden: np.ndarray,
    hidden: np.ndarray,
    cells: np.ndarray,
    gates: np.ndarray,
    x: np.ndarray,
    weights: Arrays,
) -> None:
    """Run backpropagation through time; see the contract above."""
    if gates.ndim == 4:
        lstm_backward_on_tiles(dx, dfirst, *grads, dhidden, hidden, cells, gates, x, *weights[:2])
        return
    size = hidden.shape[2]
    dsums = np.empty_like(gates)
    _backward_loops(dsums, dfirst, dhidden, cells, gates, weights[1])
    multiply(grads[1], hidden[:-1].reshape(-1, size).T, dsums.reshape(-1, 4 * size), add=True)
    grads[2][:] += dsums.sum(axis=(0, 1))
    through = dsums.sum(axis=0) if len(x) < len(gates) else dsums.reshape(-1, 4 * size)
    multiply(grads[0], x.reshape(-1, x.shape[2]).T, through, add=True)
    if len(dx):
        multiply(dx.reshape(-1, x.shape[2]), through, weights[0].T)


@kernel
def _backward_loops(dsums, dfirst, dhidden, cells, gates, weight):
    steps, batch, size = gates.shape[0], gates.shape[1], cells.shape[2]
    transposed = np.ascontiguousarray(weight.T)
    one = cells.dtype.type(1)
    dfirst[:] = 0
    dstate, dcell = dfirst[0], dfirst[1]
    for t in range(steps - 1, -1, -1):
        above = t - steps + len(dhidden)
        for b in range(batch):
            for j in range(size):
                i = gates[t, b, j]
                f = gates[t, b, size + j]
                g = gates[t, b, 2 * size + j]
                o = gates[t, b, 3 * size + j]
                dh = dstate[b, j]
                if above >= 0:
                    dh += dhidden[above, b, j]
                squashed = np.tanh(cells[t + 1, b, j])
                dc = dcell[b, j] + dh * o * (one - squashed * squashed)
                dsums[t, b, j] = dc * g * i * (one - i)
                dsums[t, b, size + j] = dc * cells[t, b, j] * f * (one - f)
                dsums[t, b, 2 * size + j] = dc * i * (one - g * g)
                dsums[t, b, 3 * size + j] = dh * squashed * o * (one - o)
                dcell[b, j] = dc * f
                dstate[b, j] = 0
        add_product(dstate, dsums[t], transposed)
