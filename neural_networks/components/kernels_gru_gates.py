"""The equations of a GRU on vector registers; this file may be skipped: kernels_gru.py has them as plain loops.

    gru_gates(..)             the gates and the next state of up to LANES units of one row
    gru_gate_gradients(..)    their gradients

Offsets count floats; the arrays are contiguous. Lanes, Memory: see kernels_tile.py.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from neural_networks.components.kernels_tile import INDEX, LANES, Memory, mask_of, tanh_fraction


@intrinsic
def gru_gates(
    typing_context, product, product_start, bias, bias_start, hidden, before, after, gates, gate_start, candidate, candidate_start,
    size, count,
):  # fmt: skip
    """Compute the gates and the next state of `count` <= LANES units of one row, as gru_forward does.

    `product` holds the recurrent products of the three gates, `bias` four vectors: reset, update, the candidate's
    recurrent one and the candidate's own. `before` and `after` are places in `hidden`.
    """
    index = types.intp
    signature = types.void(product, index, bias, index, hidden, index, index, gates, index, candidate, index, index, index)

    def generate(context, builder, signature, arguments):
        def memory(array: int, offset: int) -> Memory:
            return Memory(context, builder, signature.args[array], arguments[array], arguments[offset])

        products, biases, gates, candidates = memory(0, 1), memory(2, 3), memory(7, 8), memory(9, 10)
        before, after = memory(4, 5), memory(4, 6)
        size, mask = arguments[11], mask_of(builder, arguments[12])
        twice = builder.add(size, size)
        reset_sum = gates.load_part(mask, 0) + (products.load(0) + biases.load(0))
        update_sum = gates.load_part(mask, size) + (products.load(LANES) + biases.load(LANES))
        q = products.load(2 * LANES) + biases.load(2 * LANES)
        (r, r_bottom), (z, z_bottom) = tanh_fraction(reset_sum * 0.5), tanh_fraction(update_sum * 0.5)
        both = 0.5 / (r_bottom * z_bottom)  # one division for two sigmoids: sigmoid(x) = 0.5 + 0.5 tanh(x / 2)
        reset = r * z_bottom * both + 0.5
        update = z * r_bottom * both + 0.5
        top, bottom = tanh_fraction(gates.load_part(mask, twice) + (biases.load(3 * LANES) + reset * q))
        new = top / bottom
        after.store_part(new + update * (before.load_part(mask, 0) - new), mask, 0)
        gates.store_part(reset, mask, 0)
        gates.store_part(update, mask, size)
        gates.store_part(new, mask, twice)
        candidates.store_part(q, mask, 0)
        # The lines of the next time step come from far away and in an order that processors do not guess.
        step = builder.sub(arguments[6], arguments[5])
        ahead = builder.mul(step, INDEX(3))
        for gate in (INDEX(0), size, twice):
            gates.prefetch(ahead, gate, write=True)
        after.prefetch(step, write=True)
        candidates.prefetch(step, write=True)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def gru_gate_gradients(
    typing_context, dproduct, dcandidate, carry, carry_start, product, product_start, dhidden, hidden, gates, candidate, gate_start, start,
    size, count, step,
):  # fmt: skip
    """Compute the gradients before the gates' functions of `count` <= LANES units of one row, as gru_backward does.

    `carry` holds the part of the next step's gradient that passed around the gates and receives this step's, `product`
    the part that came through them; `step` is B * H.
    """
    index = types.intp
    signature = types.void(
        dproduct, dcandidate, carry, index, product, index, dhidden, hidden, gates, candidate, index, index, index, index, index
    )

    def generate(context, builder, signature, arguments):
        def memory(array: int, offset: int) -> Memory:
            return Memory(context, builder, signature.args[array], arguments[array], arguments[offset])

        dproducts, dcandidates, carry, product = memory(0, 10), memory(1, 11), memory(2, 3), memory(4, 5)
        dhidden, before, gates, candidates = memory(6, 11), memory(7, 11), memory(8, 10), memory(9, 11)
        size, mask = arguments[12], mask_of(builder, arguments[13])
        twice = builder.add(size, size)
        r, z, n = gates.load_part(mask, 0), gates.load_part(mask, size), gates.load_part(mask, twice)
        dh = dhidden.load_part(mask, 0) + carry.load_part(mask, 0) + product.load(0)
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (before.load_part(mask, 0) - n) * (z * (1 - z))
        dr = dn * candidates.load_part(mask, 0) * (r * (1 - r))
        dproducts.store_part(dr, mask, 0)
        dproducts.store_part(dz, mask, size)
        dproducts.store_part(dn * r, mask, twice)
        dcandidates.store_part(dn, mask, 0)
        carry.store_part(dh * z, mask, 0)
        behind = builder.neg(arguments[14])
        behind_gates = builder.mul(behind, INDEX(3))
        for gate in (INDEX(0), size, twice):
            gates.prefetch(behind_gates, gate)
            dproducts.prefetch(behind_gates, gate, write=True)
        for array in (dhidden, before, candidates):
            array.prefetch(behind)
        dcandidates.prefetch(behind, write=True)
        return context.get_dummy_value()

    return signature, generate
