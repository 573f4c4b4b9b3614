"""The GRU on register tiles; may be skipped: kernels/gru.py has the same as plain loops.

    gru_forward_tiles(shape, states, weights, workspace)
    gru_backward_tiles(shape, errors, grads, states, weights, workspace)
    gru_gates(..), gru_gate_gradients(..)    the equations of up to LANES units of one row

Offsets count floats; the arrays are contiguous. Tuples: kernels/simd/cell.py; the loops over time:
kernels/simd/time.py; Lanes, Memory: kernels/simd/vector.py.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic, register_jitable

from neural_networks.components.kernels import kernel_in_workspace
from neural_networks.components.kernels.simd.cell import (
    GRU,
    Errors,
    Shape,
    States,
    Weights,
)
from neural_networks.components.kernels.simd.copies import add_part, fill
from neural_networks.components.kernels.simd.panels import add_gradient_three, multiply_three
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
def gru_gates(
    typing_context,
    given,
    given_start,
    product,
    product_start,
    bias,
    bias_start,
    hidden,
    before,
    after,
    gates,
    gate_start,
    block_size,
    count,
):
    """Compute the gates and the next state of `count` <= LANES units of one row.

    `given` holds the products of the input with the weights of reset, update and candidate,
    `product` those of the state, `bias` four vectors: reset, update, the candidate's recurrent one
    and the candidate's own. `before` and `after` are places in `hidden`. Four vectors of `gates`
    are written: reset, update, candidate, the candidate's recurrent product. `block_size` is how
    many floats of them a block of all rows has.
    """
    index = types.intp
    signature = types.void(
        given, index, product, index, bias, index, hidden, index, index, gates, index, index, index
    )

    def generate(context, builder, signature, arguments):
        def memory(array: int, offset: int) -> Memory:
            return Memory(
                context, builder, signature.args[array], arguments[array], arguments[offset]
            )

        inputs, products, biases, gates = memory(0, 1), memory(2, 3), memory(4, 5), memory(9, 10)
        before, after = memory(6, 7), memory(6, 8)
        mask = mask_of(builder, arguments[12])
        reset = sigmoid(inputs.load(0) + (products.load(0) + biases.load(0)))
        update = sigmoid(inputs.load(LANES) + (products.load(LANES) + biases.load(LANES)))
        q = products.load(2 * LANES) + biases.load(2 * LANES)
        new = tanh(inputs.load(2 * LANES) + (biases.load(3 * LANES) + reset * q))
        after.store_part(new + update * (before.load_part(mask, 0) - new), mask, 0)
        for vector, value in enumerate((reset, update, new, q)):
            gates.store(value, vector * LANES)
            gates.prefetch(arguments[11], vector * LANES, write=True)
        after.prefetch(builder.sub(arguments[8], arguments[7]), write=True)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def gru_gate_gradients(
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
    start,
    gates,
    gate_start,
    ahead,
    count,
    step,
):
    """Compute the gate gradients of `count` <= LANES units of one row, before their functions.

    They go to four vectors of `d`: the candidate's recurrent product, reset, update, candidate; the
    first three to `now` as well. `carry` holds what the next time step sent back and receives what
    passes around the gates of this one, `above` the gradient from above. The next gates read lie
    `ahead` floats away, the next states `step` = B * H floats before.
    """
    index = types.intp
    signature = types.void(
        d, index, now, index, carry, index, above, index, hidden, index, gates, *4 * [index]
    )

    def generate(context, builder, signature, arguments):
        def memory(array: int, offset: int) -> Memory:
            return Memory(
                context, builder, signature.args[array], arguments[array], arguments[offset]
            )

        d, now, carry, above = memory(0, 1), memory(2, 3), memory(4, 5), memory(6, 7)
        before, gates = memory(8, 9), memory(10, 11)
        mask = mask_of(builder, arguments[13])
        r, z, n, q = (gates.load(vector * LANES) for vector in range(4))
        dh = above.load_part(mask, 0) + carry.load_part(mask, 0)
        dn = dh * (1 - z) * (1 - n * n)
        dr = dn * q * (r * (1 - r))
        dz = dh * (before.load_part(mask, 0) - n) * (z * (1 - z))
        for vector, value in enumerate((dn * r, dr, dz, dn)):
            d.store(value, vector * LANES)
            if vector < 3:
                now.store(value, vector * LANES)
        carry.store_part(dh * z, mask, 0)
        for vector in range(4):
            gates.prefetch(arguments[12], vector * LANES)
        behind = builder.neg(arguments[14])
        above.prefetch(behind)
        before.prefetch(behind)
        return context.get_dummy_value()

    return signature, generate


@register_jitable
def gru_biases(biases, weights, shape):
    """Write the biases in vectors, block after block; see kernels/simd/time.py."""
    for block in range(shape.blocks):
        count = min(LANES, shape.size - block * LANES)
        for gate in range(3):
            column = gate * shape.size + block * LANES
            vector = (block * 4 + gate) * LANES
            fill(biases, vector, weights.b, column, count)
            if gate < 2:
                add_part(biases, vector, weights.a, column, count, 1)
            else:
                fill(biases, vector + LANES, weights.a, column, count)


@register_jitable
def gru_gate_rows(given, product, biases, states, shape, t, block):
    """Write the gates and the next states of a block; see kernels/simd/time.py."""
    batch, size, hidden = shape.batch, shape.size, states.hidden
    first, width, row_step = block * LANES, 3 * LANES, 4 * LANES
    count, value = min(LANES, size - first), (t * shape.blocks + block) * batch * row_step
    for row in range(batch):
        before = (t * batch + row) * size + first
        gru_gates(
            given,
            row * width,
            product,
            row * width,
            biases,
            block * row_step,
            hidden,
            before,
            before + batch * size,
            states.values,
            value + row * row_step,
            batch * row_step,
            count,
        )


@register_jitable
def gru_gradient_rows(d, now, above, errors, states, shape, t, block):
    """Write the gate gradients of a block; see kernels/simd/time.py.

    The candidate's recurrent product, reset, update, candidate: U reads the first three, W the last
    three.
    """
    batch, size, blocks = shape.batch, shape.size, shape.blocks
    first, row_step = block * LANES, 4 * LANES
    count, value = min(LANES, size - first), (t * blocks + block) * batch * row_step
    # Blocks go up within a step and begin again a step before.
    ahead = batch * row_step if block < blocks - 1 else (1 - 2 * blocks) * batch * row_step
    for row in range(batch):
        unit = row * size + first
        gru_gate_gradients(
            d,
            row * row_step,
            now,
            row * blocks * 3 * LANES,
            errors.dfirst,
            unit,
            above,
            unit,
            states.hidden,
            t * batch * size + unit,
            states.values,
            value + row * row_step,
            ahead,
            count,
            batch * size,
        )


@register_jitable
def gru_forward_tiles(shape, states, weights, workspace):
    """Write all states but the first and the gate values."""
    forward_over_time(
        gru_biases, gru_gate_rows, multiply_three, GRU, shape, states, weights, workspace
    )


@register_jitable
def gru_backward_tiles(shape, errors, grads, states, weights, workspace):
    """Add the gradients of the weights; write those of the input and of the first state."""
    backward_over_time(
        gru_gradient_rows, add_gradient_three, GRU, shape, errors, grads, states, weights, workspace
    )


@register_jitable
def _shape(hidden, x, above_steps):
    (count, batch, size), (given, _, features) = hidden.shape, x.shape
    return Shape(count - 1, given, above_steps, batch, features, size, block_count(3, size))


def gru_forward_on_tiles(hidden, gates, x, *weights):
    """Do what `gru_forward` does with gates from `gru_tile_cache`."""
    workspace = aligned(forward_space(GRU, _shape(hidden, x, 0)))
    _forward(hidden, gates, x, *weights, workspace)


def gru_backward_on_tiles(dx, dfirst, dW, dU, da, db, dhidden, hidden, gates, x, W, U):
    """Do what `gru_backward` does with gates from `gru_tile_cache`."""
    workspace = aligned(backward_space(GRU, _shape(hidden, x, len(dhidden))))
    _backward(dx, dfirst, dW, dU, da, db, dhidden, hidden, gates, x, W, U, workspace)


@kernel_in_workspace
def _forward(hidden, gates, x, W, U, a, b, workspace):
    # NOTE: single arguments, since a call from Python takes longer with tuples.
    states = States(hidden.reshape(-1), a[:0], gates.reshape(-1), x.reshape(-1))
    weights = Weights(W.reshape(-1), U.reshape(-1), a, b)
    mode = flush()
    forward_over_time(
        gru_biases,
        gru_gate_rows,
        multiply_three,
        GRU,
        _shape(hidden, x, 0),
        states,
        weights,
        workspace,
    )
    unflush(mode)


@kernel_in_workspace
def _backward(dx, dfirst, dW, dU, da, db, dhidden, hidden, gates, x, W, U, workspace):
    shape = _shape(hidden, x, len(dhidden))
    errors = Errors(dx.reshape(-1), dfirst.reshape(-1), da[:0], dhidden.reshape(-1))
    states = States(hidden.reshape(-1), da[:0], gates.reshape(-1), x.reshape(-1))
    weights, grads = (
        Weights(W.reshape(-1), U.reshape(-1), da[:0], da[:0]),
        Weights(dW.reshape(-1), dU.reshape(-1), da, db),
    )
    mode = flush()
    backward_over_time(
        gru_gradient_rows, add_gradient_three, GRU, shape, errors, grads, states, weights, workspace
    )
    unflush(mode)
