"""A simple recurrent layer over whole sequences, forward and backward: once as plain loops, which are always right, once on register tiles.

Contract, outputs first; nothing is kept, the GIL is released, so two threads can run two halves of a mini-batch:

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

from neural_networks.components.kernels import kernel
from neural_networks.components.kernels_chunks import chunk_steps, finish, sum_chunk, sum_steps
from neural_networks.components.kernels_loops import add_product
from neural_networks.components.kernels_matrix import WIDTH, aligned, multiply, zeros
from neural_networks.components.kernels_panels import (
    AHEAD,
    GROUP,
    add_input_gradient,
    block_count,
    multiply_panels,
    pack,
    pack_turned,
    place,
)  # fmt: skip
from neural_networks.components.kernels_tile import fill
from neural_networks.components.kernels_vector import LANES, ROWS, TILE, Memory, flush, mask_of, tanh, unflush

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
    dx: np.ndarray, dfirst: np.ndarray, grads: Arrays, dhidden: np.ndarray, hidden: np.ndarray, x: np.ndarray, weights: Arrays
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


# The same on register tiles. Weights are copied into panels once per call, which T steps pay for.


@intrinsic
def _state(typing_context, given, given_start, product, product_start, bias, bias_start, hidden, after, count, step):
    """Compute the next state of `count` <= LANES units of one row; `step` is B * H."""
    index = types.intp
    signature = types.void(given, index, product, index, bias, index, hidden, index, index, index)

    def generate(context, builder, signature, arguments):
        inputs, products, biases, after = (
            Memory(context, builder, signature.args[place], arguments[place], arguments[place + 1]) for place in (0, 2, 4, 6)
        )
        after.store_part(tanh(inputs.load(0) + (products.load(0) + biases.load(0))), mask_of(builder, arguments[8]), 0)
        after.prefetch(arguments[9], write=True)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _gradient(typing_context, d, d_start, now, now_start, carry, carry_start, above, above_start, hidden, after, count, step):
    """Compute the gradient before the tanh of `count` <= LANES units of one row into `d` and `now`; `step` is B * H."""
    index = types.intp
    signature = types.void(d, index, now, index, carry, index, above, index, hidden, index, index, index)

    def generate(context, builder, signature, arguments):
        d, now, carry, above, after = (
            Memory(context, builder, signature.args[place], arguments[place], arguments[place + 1]) for place in (0, 2, 4, 6, 8)
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
def rnn_forward_tiles(hidden, x, given_steps, steps, batch, features, size, W, U, b):
    """Do what the contract says, on flat vectors."""
    width = 3 * LANES
    blocks = block_count(1, size)
    input_panels, panels = pack(W, features, 3, 0, 1, size), pack(U, size, 3, 0, 1, size)
    biases = aligned(blocks * width)
    for block in range(blocks):
        for v in range(3):
            column, count = place(block, v, 0, 1, size)
            fill(biases, block * width + v * LANES, b, column, count)
    product = aligned(batch * width)
    chunk = 1 if given_steps == 1 else max(1, AHEAD // batch)
    given_rows = chunk * batch
    given = aligned(blocks * given_rows * width)
    for t in range(steps):
        if t < given_steps and t % chunk == 0:
            rows = min(chunk, given_steps - t) * batch
            multiply_panels(given, given_rows * width, x, t * batch * features, features, rows, input_panels, blocks, 3)
        now = t % chunk * batch
        for block in range(blocks):
            multiply_panels(product, 0, hidden, t * batch * size, size, batch, panels[block * size * width :], 1, 3)
            for row in range(batch):
                for v in range(3):
                    column, count = place(block, v, 0, 1, size)
                    if count > 0:
                        _state(
                            given, (block * given_rows + now + row) * width + v * LANES, product, row * width + v * LANES,
                            biases, block * width + v * LANES, hidden, ((t + 1) * batch + row) * size + column, count, batch * size,
                        )  # fmt: skip


@register_jitable
def rnn_backward_tiles(dx, dfirst, dW, dU, db, dhidden, given_steps, above_steps, hidden, x, steps, batch, features, size, W, U):
    """Do what the contract says, on flat vectors."""
    width = 3 * LANES
    blocks = block_count(1, size)
    chunk = chunk_steps(batch)
    block_step = chunk * batch * width
    repeated = given_steps < steps
    panels = pack_turned(U, size, 3, 0, 1, size)
    d, now = aligned(blocks * block_step), aligned(batch * blocks * width)
    sums_of_time = zeros(blocks * batch * width if repeated else 0)
    input_panels = pack_turned(W, features, 3, 0, 1, size) if dx.size > 0 else sums_of_time
    packed = aligned((max(size, features) + ROWS) * chunk * batch)
    product, biases = aligned(GROUP * WIDTH), zeros(blocks * width)
    sums, input_sums = zeros(blocks * (size + ROWS) * width), zeros(blocks * (features + ROWS) * width)
    nothing = np.zeros(size, np.float32)
    dfirst[:] = 0
    for stop in range(steps, 0, -chunk):
        begin = max(0, stop - chunk)
        rows = (stop - begin) * batch
        for t in range(stop - 1, begin - 1, -1):
            above = t - steps + above_steps
            local = (t - begin) * batch
            for block in range(blocks):
                for row in range(batch):
                    for v in range(3):
                        column, count = place(block, v, 0, 1, size)
                        to = block * block_step + (local + row) * width + v * LANES
                        to_now = (row * blocks + block) * width + v * LANES
                        carried, after = row * size + column, ((t + 1) * batch + row) * size + column
                        if above >= 0:
                            from_above = (above * batch + row) * size + column
                            _gradient(d, to, now, to_now, dfirst, carried, dhidden, from_above, hidden, after, count, batch * size)
                        else:
                            _gradient(d, to, now, to_now, dfirst, carried, nothing, column, hidden, after, count, batch * size)
            add_input_gradient(dfirst, 0, size, now, 0, blocks * width, width, batch, panels, blocks, 3, 0, product)
            if repeated:
                sum_steps(sums_of_time, d, local * width, batch, width, block_step, blocks)
        sum_chunk(
            sums, input_sums, biases, packed, hidden, x, d, begin * batch, rows, size, features, width, block_step, blocks, 3, 0, repeated
        )  # fmt: skip
        if dx.size > 0 and not repeated:
            to = begin * batch * features
            add_input_gradient(dx, to, features, d, 0, width, block_step, rows, input_panels, blocks, 3, 0, product)
    finish(
        dx, dW, dU, db, db[:0], sums, input_sums, biases, packed, x, sums_of_time, input_panels, product,
        batch, size, features, width, blocks, 3, 0, 0, 1, repeated,
    )  # fmt: skip


@kernel
def _forward(hidden, x, W, U, b):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    mode = flush()
    rnn_forward_tiles(hidden.reshape(-1), x.reshape(-1), x.shape[0], steps, batch, x.shape[2], size, W.reshape(-1), U.reshape(-1), b)
    unflush(mode)


@kernel
def _backward(dx, dfirst, dW, dU, db, dhidden, hidden, x, W, U):
    steps, batch, size = hidden.shape[0] - 1, hidden.shape[1], hidden.shape[2]
    mode = flush()
    rnn_backward_tiles(
        dx.reshape(-1), dfirst.reshape(-1), dW.reshape(-1), dU.reshape(-1), db, dhidden.reshape(-1), x.shape[0], dhidden.shape[0],
        hidden.reshape(-1), x.reshape(-1), steps, batch, x.shape[2], size, W.reshape(-1), U.reshape(-1),
    )  # fmt: skip
    unflush(mode)
