"""The simple recurrent layer over whole sequences as plain loops, forward and backward.

Contract, outputs first. Nothing is stored and the GIL is released, so two threads can run on two
parts of a mini-batch:

    rnn_forward(hidden, x, weights)
    rnn_backward(dx, dfirst, grads, dhidden, hidden, x, weights)

    T, B, F, H = time steps, batch, input size, hidden size.
    x         (T, B, F)    or (1, B, F): one input that every step gets
    weights   W (F, H), U (H, H), b (H,): of the input, of the state, the bias
    hidden    (T+1, B, H)  the states; [0] is given, rnn_forward writes the rest
    dhidden   (T, B, H)    the gradient of the loss with respect to hidden[1:]; or (1, B, H), that
                           of the last state alone
    dx        like x       out; the sum over time for an x that every step gets; or (0, B, F) if it
                           is not needed
    dfirst    (B, H)       out: the gradient with respect to hidden[0]
    grads     like weights, added to

In float32 the same runs several times faster on register tiles (kernels/simd/rnn.py).
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels.loops import add_product
from neural_networks.components.kernels.simd.cell import on_tiles
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.kernels.simd.rnn import (
    rnn_backward_on_tiles,
    rnn_forward_on_tiles,
)

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def rnn_forward(hidden: np.ndarray, x: np.ndarray, weights: Arrays) -> None:
    """Run the layer over all time steps; see the contract above."""
    if on_tiles(hidden.dtype):
        rnn_forward_on_tiles(hidden, x, *weights)
        return
    for t in range(len(x)):
        np.matmul(x[t], weights[0], out=hidden[t + 1])
    hidden[len(x) + 1 :] = hidden[1]
    hidden[1:] += weights[2]
    _forward_loops(hidden, weights[1])


@kernel
def _forward_loops(hidden, weight):
    for t in range(hidden.shape[0] - 1):
        add_product(hidden[t + 1], hidden[t], weight)
        for b in range(hidden.shape[1]):
            state = hidden[t + 1, b]
            for j in range(state.size):
                state[j] = np.tanh(state[j])


def rnn_backward(
    dx: np.ndarray,
    dfirst: np.ndarray,
    grads: Arrays,
    dhidden: np.ndarray,
    hidden: np.ndarray,
    x: np.ndarray,
    weights: Arrays,
) -> None:
    """Run backpropagation through time; see the contract above."""
    if on_tiles(hidden.dtype):
        rnn_backward_on_tiles(dx, dfirst, *grads, dhidden, hidden, x, *weights[:2])
        return
    size = hidden.shape[2]
    dsums = np.empty_like(hidden[1:])
    _backward_loops(dsums, dfirst, dhidden, hidden, weights[1])
    multiply(grads[1], hidden[:-1].reshape(-1, size).T, dsums.reshape(-1, size), add=True)
    grads[2][:] += dsums.sum(axis=(0, 1))
    through = dsums.sum(axis=0) if len(x) < len(dsums) else dsums.reshape(-1, size)
    multiply(grads[0], x.reshape(-1, x.shape[2]).T, through, add=True)
    if len(dx):
        multiply(dx.reshape(-1, x.shape[2]), through, weights[0].T)


@kernel
def _backward_loops(dsums, dfirst, dhidden, hidden, weight):
    steps, batch, size = dsums.shape
    transposed = np.ascontiguousarray(weight.T)
    one = hidden.dtype.type(1)
    dfirst[:] = 0
    for t in range(steps - 1, -1, -1):
        above = t - steps + len(dhidden)
        for b in range(batch):
            for j in range(size):
                dh = dfirst[b, j]
                if above >= 0:
                    dh += dhidden[above, b, j]
                h = hidden[t + 1, b, j]
                dsums[t, b, j] = dh * (one - h * h)
                dfirst[b, j] = 0
        add_product(dfirst, dsums[t], transposed)
