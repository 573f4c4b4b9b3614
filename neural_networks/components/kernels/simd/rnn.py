"""The RNN on register tiles; may be skipped: kernels/rnn.py has the same as plain loops.

    rnn_forward_tiles(shape, states, weights, workspace)
    rnn_backward_tiles(shape, errors, grads, states, weights, workspace)

Offsets count floats; the arrays are contiguous. Tuples: kernels/simd/cell.py; the loops over time:
kernels/simd/time.py; Lanes, Memory: kernels/simd/vector.py. A block has WIDE * LANES units.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic, register_jitable

from neural_networks.components.kernels import kernel_in_workspace
from neural_networks.components.kernels.simd.cell import RNN, WIDE, Errors, Shape, States, Weights
from neural_networks.components.kernels.simd.copies import fill
from neural_networks.components.kernels.simd.panels import add_gradient_two, multiply_two, place
from neural_networks.components.kernels.simd.time import backward_over_time, forward_over_time
from neural_networks.components.kernels.simd.vector import (
    LANES,
    Memory,
    flush,
    mask_of,
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
    """Compute the gradient before the tanh of `count` <= LANES units of one row.

    It goes to `d` and `now`; `step` is B * H.
    """
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
def _fill_biases(biases, weights, shape):
    for vector in range(shape.blocks * WIDE):
        first = vector * LANES
        fill(biases, first, weights.a, first, max(0, min(LANES, shape.size - first)))


@register_jitable
def _gate_rows(given, product, biases, states, shape, t, block):
    batch, size, width = shape.batch, shape.size, WIDE * LANES
    for v in range(WIDE):
        column, count = place(block, v, 0, 1, size)
        if count > 0:
            for row in range(batch):
                start = row * width + v * LANES
                after = ((t + 1) * batch + row) * size + column
                _state(
                    given,
                    start,
                    product,
                    start,
                    biases,
                    block * width + v * LANES,
                    states.hidden,
                    after,
                    count,
                    batch * size,
                )


@register_jitable
def _gradient_rows(d, now, above, errors, states, shape, t, block):
    batch, size, width = shape.batch, shape.size, WIDE * LANES
    for row in range(batch):
        for v in range(WIDE):
            column, count = place(block, v, 0, 1, size)
            unit = row * size + column
            _gradient(
                d,
                row * width + v * LANES,
                now,
                row * shape.blocks * width + v * LANES,
                errors.dfirst,
                unit,
                above,
                unit,
                states.hidden,
                (t + 1) * batch * size + unit,
                count,
                batch * size,
            )


@register_jitable
def rnn_forward_tiles(shape, states, weights, workspace):
    """Write all states but the first."""
    forward_over_time(
        _fill_biases, _gate_rows, multiply_two, RNN, shape, states, weights, workspace
    )


@register_jitable
def rnn_backward_tiles(shape, errors, grads, states, weights, workspace):
    """Add the gradients of the weights; write those of the input and of the first state."""
    backward_over_time(
        _gradient_rows, add_gradient_two, RNN, shape, errors, grads, states, weights, workspace
    )


@register_jitable
def _shape(hidden, x, above_steps):
    (count, batch, size), (given, _, features) = hidden.shape, x.shape
    return Shape(count - 1, given, above_steps, batch, features, size, block_count(1, size))


def rnn_forward_on_tiles(hidden, x, W, U, b):
    """Do what `rnn_forward` does."""
    _forward(hidden, x, W, U, b, aligned(forward_space(RNN, _shape(hidden, x, 0))))


def rnn_backward_on_tiles(dx, dfirst, dW, dU, db, dhidden, hidden, x, W, U):
    """Do what `rnn_backward` does."""
    workspace = aligned(backward_space(RNN, _shape(hidden, x, len(dhidden))))
    _backward(dx, dfirst, dW, dU, db, dhidden, hidden, x, W, U, workspace)


@kernel_in_workspace
def _forward(hidden, x, W, U, b, workspace):
    # NOTE: single arguments, since a call from Python takes longer with tuples.
    states = States(hidden.reshape(-1), b[:0], b[:0], x.reshape(-1))
    weights = Weights(W.reshape(-1), U.reshape(-1), b, b[:0])
    mode = flush()
    forward_over_time(
        _fill_biases,
        _gate_rows,
        multiply_two,
        RNN,
        _shape(hidden, x, 0),
        states,
        weights,
        workspace,
    )
    unflush(mode)


@kernel_in_workspace
def _backward(dx, dfirst, dW, dU, db, dhidden, hidden, x, W, U, workspace):
    shape = _shape(hidden, x, len(dhidden))
    none = db[:0]
    errors = Errors(dx.reshape(-1), dfirst.reshape(-1), none, dhidden.reshape(-1))
    states = States(hidden.reshape(-1), none, none, x.reshape(-1))
    weights, grads = (
        Weights(W.reshape(-1), U.reshape(-1), none, none),
        Weights(dW.reshape(-1), dU.reshape(-1), db, none),
    )
    mode = flush()
    backward_over_time(
        _gradient_rows, add_gradient_two, RNN, shape, errors, grads, states, weights, workspace
    )
    unflush(mode)
