"""The equations of a GRU on vector registers; this file may be skipped: kernels/gru.py has them as plain loops.

    gru_gates(..)             the gates and the next state of up to LANES units of one row
    gru_gate_gradients(..)    their gradients

Offsets count floats; the arrays are contiguous. Lanes, Memory: see kernels/simd/vector.py.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from neural_networks.components.kernels.simd.vector import LANES, Memory, mask_of, sigmoid, tanh


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
    """Compute the gates and the next state of `count` <= LANES units of one row, as gru_forward does.

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
    """Compute the gradients before the gates' functions of `count` <= LANES units of one row, as gru_backward does.

    They go to four vectors of `d`: the candidate's recurrent product, reset, update, candidate; the
    first three to `now` as well. `carry` holds what the next time step sent back and receives what
    passes around the gates of this one, `above` the gradient from above. The next gates read lie
    `ahead` floats away, the next states `step` = B * H floats before.
    """
    index = types.intp
    signature = types.void(
        d,
        index,
        now,
        index,
        carry,
        index,
        above,
        index,
        hidden,
        index,
        gates,
        index,
        index,
        index,
        index,
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
