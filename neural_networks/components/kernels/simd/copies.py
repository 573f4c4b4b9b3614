"""Copies to and from panels and tiles in vector registers. This file may be skipped.

    fill(..), fill_transposed(..)    up to LANES floats, or as many rows and columns, to a panel
    add_part(..)                     up to LANES floats from the result of a tile
    copy_rows(..)                    ROWS floats from each row of a matrix

Offsets count floats; the arrays are contiguous.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from neural_networks.components.kernels.simd.vector import (
    FLOAT,
    INDEX,
    LANES,
    ROWS,
    Memory,
    mask_of,
)


@intrinsic
def add_part(typing_context, out, out_start, source, source_start, count, add):
    """Write `count` <= LANES floats of source to out, or add them to it if `add` is 1."""
    index = types.intp
    signature = types.void(out, index, source, index, index, index)

    def generate(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0], arguments[1])
        floats = Memory(context, builder, signature.args[2], arguments[2], arguments[3])
        mask = mask_of(builder, arguments[4])
        # Reading `out` where it is not needed would wait for the masked store of the row before.
        with builder.if_else(builder.icmp_signed("!=", arguments[5], INDEX(0))) as (
            then,
            otherwise,
        ):
            with then:
                target.store_part(floats.load_part(mask, 0) + target.load_part(mask, 0), mask, 0)
            with otherwise:
                target.store_part(floats.load_part(mask, 0), mask, 0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def fill(typing_context, panel, panel_start, source, source_start, count):
    """Write LANES floats to a panel: `count` of the source, then zeros."""
    index = types.intp
    signature = types.void(panel, index, source, index, index)

    def generate(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0], arguments[1])
        floats = Memory(context, builder, signature.args[2], arguments[2], arguments[3])
        target.store(floats.load_part(mask_of(builder, arguments[4]), 0), 0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def fill_transposed(
    typing_context, panel, panel_start, panel_step, source, source_start, source_step, rows, columns
):
    """Write panel[k, n] = source[n, k] for k < `rows` and n < LANES; zeros where n >= `columns`.

    Rows of the panel are `panel_step` apart, those of the source `source_step`; `rows` and
    `columns` <= LANES.
    """
    index = types.intp
    signature = types.void(panel, index, index, source, index, index, index, index)

    def generate(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0], arguments[1])
        floats = Memory(context, builder, signature.args[3], arguments[3], arguments[4])
        panel_step, source_step, rows, columns = (
            arguments[2],
            arguments[5],
            arguments[6],
            arguments[7],
        )

        def if_less(position: int, limit: Any, count: Any) -> Any:
            return mask_of(
                builder,
                builder.select(builder.icmp_signed("<", INDEX(position), limit), count, INDEX(0)),
            )

        lines = [
            floats.load_part(if_less(n, columns, rows), builder.mul(INDEX(n), source_step))
            for n in range(LANES)
        ]
        half = LANES // 2
        # interleaving line i with line i + half as often as LANES can be halved transposes
        for _ in range(half.bit_length()):
            lines = [
                lines[i].interleave(lines[i + half], part * half)
                for i in range(half)
                for part in (0, 1)
            ]
        for k in range(LANES):
            target.store_part(
                lines[k], if_less(k, rows, INDEX(LANES)), builder.mul(INDEX(k), panel_step)
            )
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def copy_rows(typing_context, out, out_start, source, source_start, step, rows):
    """Write ROWS floats from each of `rows` rows of source, `step` floats apart, to out."""
    index = types.intp
    signature = types.void(out, index, source, index, index, index)

    def generate(context, builder, signature, arguments):
        target = Memory(context, builder, signature.args[0], arguments[0], arguments[1])
        floats = Memory(context, builder, signature.args[2], arguments[2], arguments[3])
        group = ir.VectorType(FLOAT, ROWS).as_pointer()
        with cgutils.for_range(builder, arguments[5]) as loop:
            value = builder.load(
                builder.bitcast(floats.at(builder.mul(loop.index, arguments[4])), group), align=4
            )
            builder.store(
                value,
                builder.bitcast(target.at(builder.mul(loop.index, INDEX(ROWS))), group),
                align=4,
            )
        return context.get_dummy_value()

    return signature, generate
