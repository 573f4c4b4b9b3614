"""A prior's embedding on vector registers. This file may be skipped: prior.py has the loop.

    tanh_sum(..)    tanh(a + b) of up to LANES values

Offsets count floats; the arrays are contiguous. Memory: see vector.py.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from neural_networks.components.kernels.simd.vector import Memory, mask_of, tanh


@intrinsic
def tanh_sum(typing_context, out, out_start, left, left_start, right, right_start, count):
    """Write tanh(left + right) of `count` <= LANES floats."""
    index = types.intp
    signature = types.void(out, index, left, index, right, index, index)

    def generate(context, builder, signature, arguments):
        def memory(array: int) -> Memory:
            return Memory(
                context, builder, signature.args[array], arguments[array], arguments[array + 1]
            )

        mask = mask_of(builder, arguments[6])
        memory(0).store_part(
            tanh(memory(2).load_part(mask, 0) + memory(4).load_part(mask, 0)), mask, 0
        )
        return context.get_dummy_value()

    return signature, generate
