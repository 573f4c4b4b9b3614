"""An LSTM over whole sequences, forward and backward: once as plain loops, which are always right, once on register tiles.

Contract, outputs first; nothing is kept, the GIL is released, so two threads can run two halves of
a mini-batch:

    lstm_forward(hidden, cells, gates, x, weights)
    lstm_backward(dx, dfirst, grads, dhidden, hidden, cells, gates, x, weights)

    T, B, F, H = time steps, batch, input size, hidden size. Four gates lie side by side, (.., 4H):
    input, forget, candidate, output.
    x         (T, B, F)    or (1, B, F): one input that every step gets
    weights   W (F, 4H), U (H, 4H), b (4H,): of the input, of the state, the bias
    hidden    (T+1, B, H)  h; [0] is the first, given; lstm_forward writes the rest
    cells     (T+1, B, H)  c, likewise
    gates     out, for lstm_backward alone: in float64 (T, B, 4H), the values i_t, f_t, g_t, o_t; on tiles as `lstm_cache` makes it
    dhidden   (T, B, H)    the gradient of the loss with respect to hidden[1:]; or (1, B, H), that of the last alone
    dx        like x       out; an x for all steps gets their sum; or (0, B, F), if nobody asks for it
    dfirst    (2, B, H)    out: the gradients with respect to hidden[0] and cells[0]
    grads     like weights, added to
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.loops import add_product
from neural_networks.components.kernels.simd.lstm_gates import lstm_gate_gradients, lstm_gates
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.kernels.simd.tile import fill
from neural_networks.components.kernels.simd.time import backward_over_time, forward_over_time
from neural_networks.components.kernels.simd.vector import LANES, TILE, flush, unflush
from neural_networks.components.kernels.simd.workspace import aligned, backward_space, forward_space

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def lstm_cache(steps: int, batch: int, size: int, dtype: np.dtype) -> np.ndarray:
    """Return an array for the gates: on tiles in the order in which they are written and read, blocks of LANES units in turn."""
    if TILE is not None and dtype == np.float32:
        return np.empty((steps, -(-size // LANES), batch, 4 * LANES), dtype)
    return np.empty((steps, batch, 4 * size), dtype)


def lstm_forward(
    hidden: np.ndarray, cells: np.ndarray, gates: np.ndarray, x: np.ndarray, weights: Arrays
) -> None:
    """Run an LSTM over all time steps; see the contract above."""
    if gates.ndim == 4:
        _forward(hidden, cells, gates, x, *weights)
        return
    for t in range(len(x)):
        np.matmul(x[t], weights[0], out=gates[t])
    gates[len(x) :] = gates[0]
    gates += weights[2]
    _forward_loops(hidden, cells, gates, weights[1])


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
        _backward(dx, dfirst[0], dfirst[1], *grads, dhidden, hidden, cells, gates, x, *weights[:2])
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


# The same on register tiles: the equations of a block of LANES units, whose loops over time
# kernels/simd/time.py has.


@register_jitable
def _fill_biases(biases, a, b, blocks, size):
    for block in range(blocks):
        for gate in range(4):
            fill(
                biases,
                (block * 4 + gate) * LANES,
                a,
                gate * size + block * LANES,
                min(LANES, size - block * LANES),
            )


@register_jitable
def _gate_rows(
    given, given_start, product, biases, hidden, cells, values, t, block, blocks, batch, size
):
    first, width = block * LANES, 4 * LANES
    for row in range(batch):
        start = (t * batch + row) * size + first
        lstm_gates(
            given,
            given_start + row * width,
            product,
            row * width,
            biases,
            block * width,
            hidden,
            cells,
            start,
            start + batch * size,
            values,
            ((t * blocks + block) * batch + row) * width,
            batch * width,
            min(LANES, size - first),
        )


@register_jitable
def _gradient_rows(
    d,
    to,
    now,
    to_now,
    dfirst,
    dcell,
    above,
    above_start,
    above_step,
    hidden,
    cells,
    values,
    t,
    block,
    blocks,
    batch,
    size,
):
    first, width = block * LANES, 4 * LANES
    # Blocks go up within a step and begin again a step before.
    ahead = batch * width if block < blocks - 1 else (1 - 2 * blocks) * batch * width
    for row in range(batch):
        lstm_gate_gradients(
            d,
            to + row * width,
            now,
            to_now + row * blocks * width,
            dfirst,
            dcell,
            row * size + first,
            above,
            above_start + row * above_step + first,
            cells,
            (t * batch + row) * size + first,
            values,
            ((t * blocks + block) * batch + row) * width,
            ahead,
            min(LANES, size - first),
            batch * size,
        )


@register_jitable
def lstm_forward_tiles(
    hidden, cells, values, x, given_steps, steps, batch, features, size, W, U, a, b, workspace
):
    """Do what the contract says, on flat vectors; the bias is `a`."""
    forward_over_time(
        _fill_biases,
        _gate_rows,
        4,
        4,
        4,
        hidden,
        cells,
        values,
        x,
        given_steps,
        steps,
        batch,
        features,
        size,
        W,
        U,
        a,
        b,
        workspace,
    )


@register_jitable
def lstm_backward_tiles(
    dx,
    dfirst,
    dcell,
    dW,
    dU,
    da,
    db,
    dhidden,
    given_steps,
    above_steps,
    hidden,
    cells,
    values,
    x,
    steps,
    batch,
    features,
    size,
    W,
    U,
    workspace,
):
    """Do what the contract says, on flat vectors; the bias is `a`, `db` is empty."""
    backward_over_time(
        _gradient_rows,
        4,
        4,
        4,
        0,
        0,
        0,
        dx,
        dfirst,
        dcell,
        dW,
        dU,
        da,
        db,
        dhidden,
        given_steps,
        above_steps,
        hidden,
        cells,
        values,
        x,
        steps,
        batch,
        features,
        size,
        W,
        U,
        workspace,
    )


_forward_inner, _backward_inner = inner(lstm_forward_tiles), inner(lstm_backward_tiles)


@kernel
def _forward(hidden, cells, gates, x, W, U, b):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    given_steps, features = x.shape[0], x.shape[2]
    workspace = aligned(forward_space(4, 4, 4, given_steps, batch, features, size))
    mode = flush()
    _forward_inner(
        hidden.reshape(-1),
        cells.reshape(-1),
        gates.reshape(-1),
        x.reshape(-1),
        given_steps,
        steps,
        batch,
        features,
        size,
        W.reshape(-1),
        U.reshape(-1),
        b,
        b[:0],
        workspace,
    )
    unflush(mode)


@kernel
def _backward(dx, dstate, dcell, dW, dU, db, dhidden, hidden, cells, gates, x, W, U):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    given_steps, features = x.shape[0], x.shape[2]
    workspace = aligned(backward_space(4, 4, 4, given_steps, steps, batch, features, size))
    mode = flush()
    _backward_inner(
        dx.reshape(-1),
        dstate.reshape(-1),
        dcell.reshape(-1),
        dW.reshape(-1),
        dU.reshape(-1),
        db,
        db[:0],
        dhidden.reshape(-1),
        given_steps,
        dhidden.shape[0],
        hidden.reshape(-1),
        cells.reshape(-1),
        gates.reshape(-1),
        x.reshape(-1),
        steps,
        batch,
        features,
        size,
        W.reshape(-1),
        U.reshape(-1),
        workspace,
    )
    unflush(mode)
