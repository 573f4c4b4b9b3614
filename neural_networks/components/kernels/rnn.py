"""A simple recurrent layer over whole sequences, forward and backward: once as plain loops, which are always right, once on register tiles.

Contract, outputs first; nothing is kept, the GIL is released, so two threads can run two halves of
a mini-batch:

    rnn_forward(hidden, x, weights)
    rnn_backward(dx, dfirst, grads, dhidden, hidden, x, weights)

    T, B, F, H = time steps, batch, input size, hidden size.
    x         (T, B, F)    or (1, B, F): one input that every step gets
    weights   W (F, H), U (H, H), b (H,): of the input, of the state, the bias
    hidden    (T+1, B, H)  the states; [0] is the first, given; rnn_forward writes the rest
    dhidden   (T, B, H)    the gradient of the loss with respect to hidden[1:]; or (1, B, H), that of the last alone
    dx        like x       out; an x for all steps gets their sum; or (0, B, F), if nobody asks for it
    dfirst    (B, H)       out: the gradient with respect to hidden[0]
    grads     like weights, added to
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic, register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.loops import add_product
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.kernels.simd.panels import place
from neural_networks.components.kernels.simd.tile import fill
from neural_networks.components.kernels.simd.time import backward_over_time, forward_over_time
from neural_networks.components.kernels.simd.vector import (
    LANES,
    TILE,
    Memory,
    flush,
    mask_of,
    tanh,
    unflush,
)
from neural_networks.components.kernels.simd.workspace import (
    WIDE,
    aligned,
    backward_space,
    forward_space,
)

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def rnn_forward(hidden: np.ndarray, x: np.ndarray, weights: Arrays) -> None:
    """Run the layer over all time steps; see the contract above."""
    if TILE is not None and hidden.dtype == np.float32:
        _forward(hidden, x, *weights)
        return
    for t in range(len(x)):
        np.matmul(x[t], weights[0], out=hidden[t + 1])
    hidden[len(x) + 1 :] = hidden[1]
    hidden[1:] += weights[2]
    _forward_loops(hidden, weights[1])


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
    if TILE is not None and hidden.dtype == np.float32:
        _backward(dx, dfirst, *grads, dhidden, hidden, x, *weights[:2])
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
def _forward_loops(hidden, weight):
    for t in range(hidden.shape[0] - 1):
        add_product(hidden[t + 1], hidden[t], weight)
        for b in range(hidden.shape[1]):
            state = hidden[t + 1, b]
            for j in range(state.size):
                state[j] = np.tanh(state[j])


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


# The same on register tiles: the equations of a block of WIDE * LANES units, whose loops over time
# kernels/simd/time.py has.


@intrinsic
def _state(
    typing_context,
    given,
    given_start,
    product,
    product_start,
    bias,
    bias_start,
    hidden,
    after,
    count,
    step,
):
    """Compute the next state of `count` <= LANES units of one row; `step` is B * H."""
    index = types.intp
    signature = types.void(given, index, product, index, bias, index, hidden, index, index, index)

    def generate(context, builder, signature, arguments):
        inputs, products, biases, after = (
            Memory(context, builder, signature.args[place], arguments[place], arguments[place + 1])
            for place in (0, 2, 4, 6)
        )
        after.store_part(
            tanh(inputs.load(0) + (products.load(0) + biases.load(0))),
            mask_of(builder, arguments[8]),
            0,
        )
        after.prefetch(arguments[9], write=True)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _gradient(
    typing_context,
    d,
    d_start,
    now,
    now_start,
    carry,
    carry_start,
    above,
    above_start,
    hidden,
    after,
    count,
    step,
):
    """Compute the gradient before the tanh of `count` <= LANES units of one row into `d` and `now`; `step` is B * H."""
    index = types.intp
    signature = types.void(
        d, index, now, index, carry, index, above, index, hidden, index, index, index
    )

    def generate(context, builder, signature, arguments):
        d, now, carry, above, after = (
            Memory(context, builder, signature.args[place], arguments[place], arguments[place + 1])
            for place in (0, 2, 4, 6, 8)
        )
        mask, behind = mask_of(builder, arguments[10]), builder.neg(arguments[11])
        h = after.load_part(mask, 0)
        value = (above.load_part(mask, 0) + carry.load_part(mask, 0)) * (1 - h * h)
        d.store(value, 0)
        now.store(value, 0)
        above.prefetch(behind)
        after.prefetch(behind)
        return context.get_dummy_value()

    return signature, generate


@register_jitable
def _fill_biases(biases, a, b, blocks, size):
    for vector in range(blocks * WIDE):
        fill(biases, vector * LANES, a, vector * LANES, max(0, min(LANES, size - vector * LANES)))


@register_jitable
def _gate_rows(
    given, given_start, product, biases, hidden, cells, values, t, block, blocks, batch, size
):
    width = WIDE * LANES
    for v in range(WIDE):
        column, count = place(block, v, 0, 1, size)
        if count > 0:
            for row in range(batch):
                _state(
                    given,
                    given_start + row * width + v * LANES,
                    product,
                    row * width + v * LANES,
                    biases,
                    block * width + v * LANES,
                    hidden,
                    ((t + 1) * batch + row) * size + column,
                    count,
                    batch * size,
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
    width = WIDE * LANES
    for row in range(batch):
        for v in range(WIDE):
            column, count = place(block, v, 0, 1, size)
            _gradient(
                d,
                to + row * width + v * LANES,
                now,
                to_now + row * blocks * width + v * LANES,
                dfirst,
                row * size + column,
                above,
                above_start + row * above_step + column,
                hidden,
                ((t + 1) * batch + row) * size + column,
                count,
                batch * size,
            )


@register_jitable
def rnn_forward_tiles(
    hidden, cells, values, x, given_steps, steps, batch, features, size, W, U, a, b, workspace
):
    """Do what the contract says, on flat vectors; the bias is `a`, `cells` and `values` are empty."""
    forward_over_time(
        _fill_biases,
        _gate_rows,
        WIDE,
        WIDE,
        1,
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
def rnn_backward_tiles(
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
    """Do what the contract says, on flat vectors; the bias is `a`, the arrays that other cells have besides are empty."""
    backward_over_time(
        _gradient_rows,
        WIDE,
        WIDE,
        1,
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


_forward_inner, _backward_inner = inner(rnn_forward_tiles), inner(rnn_backward_tiles)


@kernel
def _forward(hidden, x, W, U, b):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    given_steps, features = x.shape[0], x.shape[2]
    workspace = aligned(forward_space(WIDE, WIDE, 1, given_steps, batch, features, size))
    none = b[:0]
    mode = flush()
    _forward_inner(
        hidden.reshape(-1),
        none,
        none,
        x.reshape(-1),
        given_steps,
        steps,
        batch,
        features,
        size,
        W.reshape(-1),
        U.reshape(-1),
        b,
        none,
        workspace,
    )
    unflush(mode)


@kernel
def _backward(dx, dfirst, dW, dU, db, dhidden, hidden, x, W, U):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    given_steps, features = x.shape[0], x.shape[2]
    workspace = aligned(backward_space(WIDE, WIDE, 1, given_steps, steps, batch, features, size))
    none = db[:0]
    mode = flush()
    _backward_inner(
        dx.reshape(-1),
        dfirst.reshape(-1),
        none,
        dW.reshape(-1),
        dU.reshape(-1),
        db,
        none,
        dhidden.reshape(-1),
        given_steps,
        dhidden.shape[0],
        hidden.reshape(-1),
        none,
        none,
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
