"""The equations of an LSTM on vector registers; this file may be skipped: kernels/lstm.py has them as plain loops.

    lstm_gates(..)             the gates, the next cell and the next state of up to LANES units of one row
    lstm_gate_gradients(..)    their gradients

Offsets count floats; the arrays are contiguous. Lanes, Memory: see kernels/simd/vector.py.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from neural_networks.components.kernels.simd.vector import LANES, Memory, mask_of, sigmoid, tanh


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
    """Compute the gates and the next state of `count` <= LANES units of one row, as lstm_forward does.

    `given` holds the products of the input with the weights of the four gates, `product` those of
    the state, `bias` four vectors. `before` and `after` are places in `hidden` and `cells`. Four
    vectors of `gates` are written; `block_size` is how many floats of them a block of all rows has.
    """
    index = types.intp
    signature = types.void(
        given,
        index,
        product,
        index,
        bias,
        index,
        hidden,
        cells,
        index,
        index,
        gates,
        index,
        index,
        index,
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
    """Compute the gradients before the gates' functions of `count` <= LANES units of one row, as lstm_backward does.

    They go to four vectors of `d` and of `now`. `dstate` and `dcell` hold what the next time step
    sent back, `dcell` receives what passes to the cell before, `above` the gradient from above. The
    next gates read lie `ahead` floats away, the next cells `step` = B * H floats before.
    """
    index = types.intp
    signature = types.void(
        d,
        index,
        now,
        index,
        dstate,
        dcell,
        index,
        above,
        index,
        cells,
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
