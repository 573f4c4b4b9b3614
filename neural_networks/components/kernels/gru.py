"""A GRU over whole sequences, forward and backward: once as plain loops, which are always right, once on register tiles.

Contract, outputs first; nothing is kept, the GIL is released, so two threads can run two halves of
a mini-batch:

    gru_forward(hidden, gates, candidate, x, weights)
    gru_backward(dx, dfirst, grads, dhidden, hidden, gates, candidate, x, weights)

    T, B, F, H = time steps, batch, input size, hidden size. Three gates lie side by side, (.., 3H),
    in the order reset, update, candidate:
    x           (T, B, F)    or (1, B, F): one input that every step gets
    weights     W (F, 3H), U (H, 3H), a (3H,), b (3H,): of the input, of the state, their biases
    hidden      (T+1, B, H)  the states; [0] is the first, given; gru_forward writes the rest
    gates       (T, B, 3H)   out: the values r_t, z_t, n_t
    candidate   (T, B, H)    out: q_t = h_{t-1} U_n + b_n, the candidate's recurrent product before the reset gate
                             both as `gru_cache` makes them: on tiles they are one array, whose
                             order `gru_values` undoes
    dhidden     (T, B, H)    the gradient of the loss with respect to hidden[1:], from above; or (1, B, H), that of the last state alone
    dx          like x       out; an x for all steps gets their sum; or (0, B, F), if nobody asks for it
    dfirst      (B, H)       out: the gradient with respect to hidden[0]
    grads       like weights, added to
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.loops import add_product
from neural_networks.components.kernels.simd.gru_gates import gru_gate_gradients, gru_gates
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.kernels.simd.tile import add_part, fill
from neural_networks.components.kernels.simd.time import backward_over_time, forward_over_time
from neural_networks.components.kernels.simd.vector import LANES, TILE, flush, unflush
from neural_networks.components.kernels.simd.workspace import aligned, backward_space, forward_space

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def gru_cache(steps: int, batch: int, size: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return arrays for gates and candidate: on tiles in the order in which they are written and read, blocks of LANES units in turn."""
    if TILE is not None and dtype == np.float32:
        return np.empty((steps, -(-size // LANES), batch, 4 * LANES), dtype), np.empty(
            (0, batch, size), dtype
        )
    return np.empty((steps, batch, 3 * size), dtype), np.empty((steps, batch, size), dtype)


def gru_values(gates: np.ndarray, candidate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gates (T, B, 3H) and candidate (T, B, H) of what gru_forward has left, in whatever order."""
    if gates.ndim == 3:
        return gates, candidate
    steps, blocks, batch, _ = gates.shape
    size = candidate.shape[2]
    values = (
        gates.reshape(steps, blocks, batch, 4, LANES)
        .transpose(0, 2, 3, 1, 4)
        .reshape(steps, batch, 4, -1)[..., :size]
    )
    return np.ascontiguousarray(values[:, :, :3]).reshape(
        steps, batch, 3 * size
    ), np.ascontiguousarray(values[:, :, 3])


def gru_forward(
    hidden: np.ndarray, gates: np.ndarray, candidate: np.ndarray, x: np.ndarray, weights: Arrays
) -> None:
    """Run a GRU over all time steps; see the contract above."""
    if gates.ndim == 4:
        _forward(hidden, gates, x, *weights)
        return
    input_weight, recurrent_weight, input_bias, recurrent_bias = weights
    for t in range(len(x)):
        np.matmul(x[t], input_weight, out=gates[t])
    gates[len(x) :] = gates[0]
    _forward_loops(hidden, gates, candidate, recurrent_weight, input_bias, recurrent_bias)


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
        _backward(dx, dfirst, *grads, dhidden, hidden, gates, x, *weights[:2])
        return
    size = candidate.shape[2]
    dproduct, dcandidate = gru_errors(dfirst, dhidden, hidden, gates, candidate, weights[1])
    multiply(grads[1], hidden[:-1].reshape(-1, size).T, dproduct.reshape(-1, 3 * size), add=True)
    grads[3][:] += dproduct.sum(axis=(0, 1))
    # The input's projection enters the candidate beside the reset gate, not behind it.
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
    """Run the recurrence of the backward pass alone, in plain loops, on gates and candidate as `gru_values` returns them.

    Returns:
        dproduct (T, B, 3H), the gradient with respect to h_{t-1} U + b, and dcandidate (T, B, H),
        that of x_t W_n.
    """
    dproduct, dcandidate = np.empty_like(gates), np.empty_like(candidate)
    _backward_loops(dproduct, dcandidate, dfirst, dhidden, hidden, gates, candidate, weight)
    return dproduct, dcandidate


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


# The same on register tiles: the equations of a block of LANES units, whose loops over time
# kernels/simd/time.py has.


@register_jitable
def _fill_biases(biases, a, b, blocks, size):
    for block in range(blocks):
        count = min(LANES, size - block * LANES)
        for gate in range(3):
            column = gate * size + block * LANES
            vector = (block * 4 + gate) * LANES
            fill(biases, vector, b, column, count)
            if gate < 2:
                add_part(biases, vector, a, column, count, 1)
            else:
                fill(biases, vector + LANES, a, column, count)


@register_jitable
def _gate_rows(
    given, given_start, product, biases, hidden, cells, values, t, block, blocks, batch, size
):
    first, row_step = block * LANES, 4 * LANES
    for row in range(batch):
        start = (t * batch + row) * size + first
        gru_gates(
            given,
            given_start + row * 3 * LANES,
            product,
            row * 3 * LANES,
            biases,
            block * row_step,
            hidden,
            start,
            start + batch * size,
            values,
            ((t * blocks + block) * batch + row) * row_step,
            batch * row_step,
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
    # The candidate's recurrent product, reset, update, candidate: U sees the first three, W the
    # last three.
    first, row_step = block * LANES, 4 * LANES
    # Blocks go up within a step and begin again a step before.
    ahead = batch * row_step if block < blocks - 1 else (1 - 2 * blocks) * batch * row_step
    for row in range(batch):
        gru_gate_gradients(
            d,
            to + row * row_step,
            now,
            to_now + row * blocks * 3 * LANES,
            dfirst,
            row * size + first,
            above,
            above_start + row * above_step + first,
            hidden,
            (t * batch + row) * size + first,
            values,
            ((t * blocks + block) * batch + row) * row_step,
            ahead,
            min(LANES, size - first),
            batch * size,
        )


@register_jitable
def gru_forward_tiles(
    hidden, cells, values, x, given_steps, steps, batch, features, size, W, U, a, b, workspace
):
    """Do what the contract says, on flat vectors; `cells` is empty."""
    forward_over_time(
        _fill_biases,
        _gate_rows,
        3,
        4,
        3,
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
def gru_backward_tiles(
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
    """Do what the contract says, on flat vectors; `dcell` and `cells` are empty."""
    backward_over_time(
        _gradient_rows,
        3,
        4,
        3,
        2,
        LANES,
        1,
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


_forward_inner, _backward_inner = inner(gru_forward_tiles), inner(gru_backward_tiles)


@kernel
def _forward(hidden, gates, x, W, U, a, b):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    given_steps, features = x.shape[0], x.shape[2]
    workspace = aligned(forward_space(3, 4, 3, given_steps, batch, features, size))
    mode = flush()
    _forward_inner(
        hidden.reshape(-1),
        a[:0],
        gates.reshape(-1),
        x.reshape(-1),
        given_steps,
        steps,
        batch,
        features,
        size,
        W.reshape(-1),
        U.reshape(-1),
        a,
        b,
        workspace,
    )
    unflush(mode)


@kernel
def _backward(dx, dfirst, dW, dU, da, db, dhidden, hidden, gates, x, W, U):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    given_steps, features = x.shape[0], x.shape[2]
    workspace = aligned(backward_space(3, 4, 3, given_steps, steps, batch, features, size))
    mode = flush()
    _backward_inner(
        dx.reshape(-1),
        dfirst.reshape(-1),
        da[:0],
        dW.reshape(-1),
        dU.reshape(-1),
        da,
        db,
        dhidden.reshape(-1),
        given_steps,
        dhidden.shape[0],
        hidden.reshape(-1),
        da[:0],
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
