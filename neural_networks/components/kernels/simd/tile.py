"""The register tile: a block of a matrix product in vector registers. This file may be skipped.

Up to 8 rows by 2, 3 or 4 vectors of LANES floats: one load of a weight serves all rows. Weights are
packed into panels (K, vectors * LANES), which the tile reads in order. Offsets count floats; the
arrays are contiguous.

    tile(vectors, rows, out, left, .., panel, ..)   out = left @ panel, in registers
    tile_rows(vectors, left)                        how many of the rows left the next tile takes

Numba gives each argument of an intrinsic as a value of its own, so these have many.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from neural_networks.components.kernels.simd.vector import (
    INDEX,
    LANES,
    ROWS,
    VECTOR,
    VECTORS,
    Lanes,
    Memory,
)

SUMS = ROWS * VECTORS  # in registers, besides weights and factors
AHEAD = 16  # rows of a panel
ROWS_OF = {2: ROWS, 3: ROWS, 4: SUMS // 4}  # of the largest tile, by its vectors


def _row_counts(vectors: int) -> list[int]:
    """Return the possible heights of a tile: the largest, then powers of two."""
    largest = ROWS_OF[vectors]
    return [largest] + [count for count in (4, 2, 1) if count < largest]


@register_jitable
def tile_rows(vectors, left):
    """Return how many of the rows that are left the next tile takes."""
    largest = SUMS // 4 if vectors == 4 else ROWS
    if left >= largest:
        # 4 + 4 rows share their weights better than 6 + 2
        return 4 if largest == 6 and left == 8 else largest
    rows = 4
    while rows > left:
        rows //= 2
    return rows


@intrinsic(prefer_literal=True)
def tile(
    typing_context,
    vectors,
    rows,
    out,
    left,
    start,
    row_step,
    step,
    panel,
    panel_start,
    panel_step,
    depth,
    outer,
    outer_step,
    ahead,
    more,
):
    """Write out = left @ panel for `rows` rows.

        out[r, :] = sum over o < outer, k < depth of
                    left[start + r row_step + o outer_step + k step] panel[o depth + k, :]

    `vectors` is a literal, `rows` one of what `tile_rows` returns, or a literal of those. `out` has
    `rows` rows of vectors * LANES floats; the rows of the panel begin at `panel_start`,
    `panel_step` apart: vectors * LANES, or the width of a matrix not packed. The tile
    prefetches a vector at each k, from `ahead` floats after the panel's beginning on. If `more` is
    1 the sum is added to what is in `out`: sums of sums lose fewer digits.
    """
    width = vectors.literal_value
    index = types.intp
    signature = types.void(vectors, rows, out, left, *3 * [index], panel, *7 * [index])
    counts = [rows.literal_value] if isinstance(rows, types.IntegerLiteral) else _row_counts(width)

    def generate(context, builder, signature, arguments):
        (
            out_value,
            left_value,
            start,
            row_step,
            step,
            panel_value,
            panel_start,
            panel_step,
            *loops,
        ) = arguments[2:]
        target = Memory(context, builder, signature.args[2], out_value, INDEX(0))
        factors = Memory(context, builder, signature.args[3], left_value, start)
        weights = Memory(context, builder, signature.args[7], panel_value, panel_start)
        for count in counts:
            asked = INDEX(count) if len(counts) == 1 else arguments[1]
            with builder.if_then(builder.icmp_signed("==", asked, INDEX(count))):
                _write_tile(
                    builder,
                    target,
                    factors,
                    weights,
                    count,
                    width,
                    row_step,
                    step,
                    panel_step,
                    *loops,
                )
        return context.get_dummy_value()

    return signature, generate


def _write_tile(
    builder: ir.IRBuilder,
    target: Memory,
    factors: Memory,
    weights: Memory,
    count: int,
    width: int,
    row_step: Any,
    step: Any,
    panel_step: Any,
    depth: Any,
    outer: Any,
    outer_step: Any,
    ahead: Any,
    more: Any,
) -> None:
    # A fused multiply-add takes 4 cycles and two start in each, so fewer than 8 sums would wait for
    # each other: then several k are computed at once, each with its own sums.
    ways = 1
    while 2 * ways * count * width <= min(SUMS, 16):
        ways *= 2
    zero = ir.Constant(VECTOR, [0.0] * LANES)
    sums = [
        [[cgutils.alloca_once_value(builder, zero) for _ in range(width)] for _ in range(count)]
        for _ in range(ways)
    ]
    offsets = [builder.mul(INDEX(r), row_step) for r in range(count)]

    def multiply(left_place: Any, panel_row: Any, way: int) -> None:
        row = builder.mul(panel_row, panel_step)

        def weight(v: int) -> Lanes:
            return weights.load(row, v * LANES)

        def factor(r: int) -> Lanes:
            return factors.scalar(builder.add(offsets[r], left_place))

        def add(r: int, v: int, one: Lanes, other: Lanes) -> None:
            place = sums[way][r][v]
            builder.store(one.times_plus(other, Lanes(builder, builder.load(place))).value, place)

        # What there is less of stays in registers, and of the other there is one at a time: the
        # sums leave room for no more.
        held = [factor(r) for r in range(count)] if count < width else [*map(weight, range(width))]
        if count == 1:
            # one row reads each weight once, faster than the processor prefetches
            for v in range(width):
                weights.prefetch(row, INDEX((AHEAD * width + v) * LANES))
        else:
            weights.prefetch(builder.mul(panel_row, INDEX(LANES)), ahead, near=False)
        if count < width:
            for v in range(width):
                taken = weight(v)
                for r in range(count):
                    add(r, v, held[r], taken)
        else:
            for r in range(count):
                taken = factor(r)
                for v in range(width):
                    add(r, v, taken, held[v])

    whole = builder.sdiv(depth, INDEX(ways))
    with cgutils.for_range(builder, outer) as part:
        base, panel_base = builder.mul(part.index, outer_step), builder.mul(part.index, depth)

        def at(k: Any, way: int) -> None:
            multiply(builder.add(base, builder.mul(k, step)), builder.add(panel_base, k), way)

        with cgutils.for_range(builder, whole) as loop:
            first = builder.mul(loop.index, INDEX(ways))
            for way in range(ways):
                at(builder.add(first, INDEX(way)), way)
        if ways > 1:
            done = builder.mul(whole, INDEX(ways))
            with cgutils.for_range(builder, builder.sub(depth, done)) as loop:
                at(builder.add(done, loop.index), 0)
    for r in range(count):
        for v in range(width):
            total = Lanes(builder, builder.load(sums[0][r][v]))
            for way in range(1, ways):
                total = total + Lanes(builder, builder.load(sums[way][r][v]))
            builder.store(total.value, sums[0][r][v])
    added = builder.icmp_signed("!=", more, INDEX(0))
    with builder.if_else(added) as (then, otherwise):
        for case, adds in ((then, True), (otherwise, False)):
            with case:
                for r in range(count):
                    for v in range(width):
                        total = Lanes(builder, builder.load(sums[0][r][v]))
                        target.store(
                            target.load((r * width + v) * LANES) + total if adds else total,
                            (r * width + v) * LANES,
                        )
