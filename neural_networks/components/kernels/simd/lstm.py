"""The LSTM on register tiles; may be skipped: kernels/lstm.py has the same as plain loops.

    lstm_forward_tiles(shape, states, weights, workspace)
    lstm_backward_tiles(shape, errors, grads, states, weights, workspace)
    lstm_gates(..), lstm_gate_gradients(..)    the equations of up to LANES units of one row

Offsets count floats; the arrays are contiguous. Tuples: kernels/simd/cell.py; the loops over time:
kernels/simd/time.py; Lanes, Memory: kernels/simd/vector.py.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic, register_jitable

from neural_networks.components.kernels import kernel_in_workspace
from neural_networks.components.kernels.simd.cell import LSTM, Errors, Shape, States, Weights
from neural_networks.components.kernels.simd.copies import fill
from neural_networks.components.kernels.simd.panels import add_gradient_four, multiply_four
from neural_networks.components.kernels.simd.time import backward_over_time, forward_over_time
from neural_networks.components.kernels.simd.vector import (
    LANES,
    Memory,
    flush,
    mask_of,
    sigmoid,
    tanh,
    unflush,
)
from neural_networks.components.kernels.simd.workspace import (
    aligned,
    backward_space,
    block_count,
    forward_space,
)


@intrinsic
def lstm_gates(
    typing_context,
    given,
    given_start,
    product,
    product_start,
    bias,
    bias_start,
    hidden,
    cells,
    before,
    after,
    gates,
    gate_start,
    block_size,
    count,
):
    """Compute the gates and the next state of `count` <= LANES units of one row.

    `given` holds the products of the input with the weights of the four gates, `product` those of
    the state, `bias` four vectors. `before` and `after` are places in `hidden` and `cells`. Four
    vectors of `gates` are written; `block_size` is how many floats of them a block of all rows has.
    """
    index = types.intp
    two, three = 2 * [index], 3 * [index]
    signature = types.void(
        given, index, product, index, bias, index, hidden, cells, *two, gates, *three
    )

    def generate(context, builder, signature, arguments):
        def memory(array: int, offset: int) -> Memory:
            return Memory(
                context, builder, signature.args[array], arguments[array], arguments[offset]
            )

        inputs, products, biases, gates = memory(0, 1), memory(2, 3), memory(4, 5), memory(10, 11)
        state, cell_before, cell = memory(6, 9), memory(7, 8), memory(7, 9)
        mask = mask_of(builder, arguments[13])
        sums = [
            inputs.load(v * LANES) + (products.load(v * LANES) + biases.load(v * LANES))
            for v in range(4)
        ]
        i, f, g, o = sigmoid(sums[0]), sigmoid(sums[1]), tanh(sums[2]), sigmoid(sums[3])
        c = f * cell_before.load_part(mask, 0) + i * g
        cell.store_part(c, mask, 0)
        state.store_part(o * tanh(c), mask, 0)
        for vector, value in enumerate((i, f, g, o)):
            gates.store(value, vector * LANES)
            gates.prefetch(arguments[12], vector * LANES, write=True)
        step = builder.sub(arguments[9], arguments[8])
        state.prefetch(step, write=True)
        cell.prefetch(step, write=True)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def lstm_gate_gradients(
    typing_context,
    d,
    d_start,
    now,
    now_start,
    dstate,
    dcell,
    carry_start,
    above,
    above_start,
    cells,
    start,
    gates,
    gate_start,
    ahead,
    count,
    step,
):
    """Compute the gate gradients of `count` <= LANES units of one row, before their functions.

    They go to four vectors of `d` and of `now`. `dstate` and `dcell` hold what the next time step
    sent back, `dcell` receives what passes to the cell before, `above` the gradient from above. The
    next gates read lie `ahead` floats away, the next cells `step` = B * H floats before.
    """
    index = types.intp
    signature = types.void(
        d, index, now, index, dstate, dcell, index, above, index, cells, index, gates, *4 * [index]
    )

    def generate(context, builder, signature, arguments):
        def memory(array: int, offset: int) -> Memory:
            return Memory(
                context, builder, signature.args[array], arguments[array], arguments[offset]
            )

        d, now, dstate, dcell, above = (
            memory(0, 1),
            memory(2, 3),
            memory(4, 6),
            memory(5, 6),
            memory(7, 8),
        )
        before, gates = memory(9, 10), memory(11, 12)
        mask = mask_of(builder, arguments[14])
        i, f, g, o = (gates.load(vector * LANES) for vector in range(4))
        dh = above.load_part(mask, 0) + dstate.load_part(mask, 0)
        squashed = tanh(before.load_part(mask, arguments[15]))
        dc = dcell.load_part(mask, 0) + dh * o * (1 - squashed * squashed)
        di = dc * g * (i * (1 - i))
        df = dc * before.load_part(mask, 0) * (f * (1 - f))
        dg = dc * i * (1 - g * g)
        do = dh * squashed * (o * (1 - o))
        dcell.store_part(dc * f, mask, 0)
        behind = builder.neg(arguments[15])
        for vector, value in enumerate((di, df, dg, do)):
            d.store(value, vector * LANES)
            now.store(value, vector * LANES)
            gates.prefetch(arguments[13], vector * LANES)
        above.prefetch(behind)
        before.prefetch(behind)
        return context.get_dummy_value()

    return signature, generate


@register_jitable
def _fill_biases(biases, weights, shape):
    for block in range(shape.blocks):
        count = min(LANES, shape.size - block * LANES)
        for gate in range(4):
            column = gate * shape.size + block * LANES
            fill(biases, (block * 4 + gate) * LANES, weights.a, column, count)


@register_jitable
def _gate_rows(given, product, biases, states, shape, t, block):
    batch, size = shape.batch, shape.size
    first, width = block * LANES, 4 * LANES
    count, value = min(LANES, size - first), (t * shape.blocks + block) * batch * width
    for row in range(batch):
        before = (t * batch + row) * size + first
        lstm_gates(
            given,
            row * width,
            product,
            row * width,
            biases,
            block * width,
            states.hidden,
            states.cells,
            before,
            before + batch * size,
            states.values,
            value + row * width,
            batch * width,
            count,
        )


@register_jitable
def _gradient_rows(d, now, above, errors, states, shape, t, block):
    batch, size, blocks = shape.batch, shape.size, shape.blocks
    first, width = block * LANES, 4 * LANES
    count, value = min(LANES, size - first), (t * blocks + block) * batch * width
    # Blocks go up within a step and begin again a step before.
    ahead = batch * width if block < blocks - 1 else (1 - 2 * blocks) * batch * width
    for row in range(batch):
        unit = row * size + first
        lstm_gate_gradients(
            d,
            row * width,
            now,
            row * blocks * width,
            errors.dfirst,
            errors.dcell,
            unit,
            above,
            unit,
            states.cells,
            t * batch * size + unit,
            states.values,
            value + row * width,
            ahead,
            count,
            batch * size,
        )


@register_jitable
def lstm_forward_tiles(shape, states, weights, workspace):
    """Write all states but the first and the gate values."""
    forward_over_time(
        _fill_biases, _gate_rows, multiply_four, LSTM, shape, states, weights, workspace
    )


@register_jitable
def lstm_backward_tiles(shape, errors, grads, states, weights, workspace):
    """Add the gradients of the weights; write those of the input and of the first states."""
    backward_over_time(
        _gradient_rows, add_gradient_four, LSTM, shape, errors, grads, states, weights, workspace
    )


@register_jitable
def _shape(hidden, x, above_steps):
    (count, batch, size), (given, _, features) = hidden.shape, x.shape
    return Shape(count - 1, given, above_steps, batch, features, size, block_count(4, size))


def lstm_forward_on_tiles(hidden, cells, gates, x, W, U, b):
    """Do what `lstm_forward` does with gates from `gate_values`."""
    workspace = aligned(forward_space(LSTM, _shape(hidden, x, 0)))
    _forward(hidden, cells, gates, x, W, U, b, workspace)


def lstm_backward_on_tiles(dx, dfirst, dW, dU, db, dhidden, hidden, cells, gates, x, W, U):
    """Do what `lstm_backward` does with gates from `gate_values`."""
    workspace = aligned(backward_space(LSTM, _shape(hidden, x, len(dhidden))))
    _backward(dx, dfirst, dW, dU, db, dhidden, hidden, cells, gates, x, W, U, workspace)


@kernel_in_workspace
def _forward(hidden, cells, gates, x, W, U, b, workspace):
    # NOTE: single arguments, since a call from Python takes longer with tuples.
    states = States(hidden.reshape(-1), cells.reshape(-1), gates.reshape(-1), x.reshape(-1))
    weights = Weights(W.reshape(-1), U.reshape(-1), b, b[:0])
    mode = flush()
    forward_over_time(
        _fill_biases,
        _gate_rows,
        multiply_four,
        LSTM,
        _shape(hidden, x, 0),
        states,
        weights,
        workspace,
    )
    unflush(mode)


@kernel_in_workspace
def _backward(dx, dfirst, dW, dU, db, dhidden, hidden, cells, gates, x, W, U, workspace):
    shape = _shape(hidden, x, len(dhidden))
    dh, dc = dfirst[0].reshape(-1), dfirst[1].reshape(-1)
    errors = Errors(dx.reshape(-1), dh, dc, dhidden.reshape(-1))
    states = States(hidden.reshape(-1), cells.reshape(-1), gates.reshape(-1), x.reshape(-1))
    weights, grads = (
        Weights(W.reshape(-1), U.reshape(-1), db[:0], db[:0]),
        Weights(dW.reshape(-1), dU.reshape(-1), db, db[:0]),
    )
    mode = flush()
    backward_over_time(
        _gradient_rows, add_gradient_four, LSTM, shape, errors, grads, states, weights, workspace
    )
    unflush(mode)
