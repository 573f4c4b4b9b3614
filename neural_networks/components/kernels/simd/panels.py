"""The matrix products of gated cells on register tiles: weights in panels, gate gradients in rows.

A cell of H units has G gates side by side, (.., G H). Its units are divided into blocks of LANES
(in a cell with one gate: WIDE * LANES). The gates of a block are vectors next to each other, so
that one tile holds all gates of a block, and their functions read it from the first-level cache.
Vector v of a block belongs to gate (v + turn) % G; beyond the last unit a block is zero.

    place(..)                     which columns of (.., G H) a vector holds
    pack(..), pack_turned(..)     weights (K, G H) for products with inputs, and with gate gradients
    add_input_gradient(..)        dx += d W^T
    multiply_two(..), _three, _four          x W, of panels of 2, 3 or 4 vectors
    add_gradient_two(..), _three, _four      dW += x^T d, likewise, in the order of the tiles
    add_rows(..)                  db += sum of d, likewise
    unpack_sums(..), unpack_row(..)     add those to gradients in the order of the weights

`cell` is a Cell, and `d` are Rows of gate gradients, see kernels/simd/cell.py.
"""

from __future__ import annotations

from collections.abc import Callable

from numba.extending import register_jitable

from neural_networks.components.kernels.simd.cell import WIDE
from neural_networks.components.kernels.simd.copies import (
    add_part,
    copy_rows,
    fill,
    fill_transposed,
)
from neural_networks.components.kernels.simd.tile import ROWS_OF, tile, tile_rows
from neural_networks.components.kernels.simd.vector import LANES, ROWS
from neural_networks.components.kernels.simd.workspace import (
    GROUP,
    WIDTH,
    block_count,
    take,
    take_zeros,
)

ROWS_OF_FOUR = ROWS_OF[4]
NEAR = 6144  # floats of a panel that stay in the first-level cache while all rows pass by
ROWS_NEAR = 128  # rows of gradients that do so


@register_jitable
def group_rows(vectors):
    """Return the number of rows in a tile that sums a weight's gradient."""
    return ROWS_OF_FOUR if vectors == 4 else ROWS


@register_jitable
def place(block, vector, turn, gates, size):
    """Return the first column of (.., G H) that a vector holds, and how many."""
    if gates == 1:
        first = (block * WIDE + vector) * LANES
        return first, max(0, min(LANES, size - first))
    first = block * LANES
    return (vector + turn) % gates * size + first, min(LANES, size - first)


@register_jitable
def pack(matrix, depth, cell, size, workspace):
    """Return panels (blocks, depth, vectors, LANES) of a matrix (depth, G H), and what is left."""
    blocks, width = block_count(cell.gates, size), cell.vectors * LANES
    columns = cell.gates * size
    panels, workspace = take(workspace, blocks * depth * width)
    for block in range(blocks):
        for v in range(cell.vectors):
            column, count = place(block, v, 0, cell.gates, size)
            panel = block * depth * width + v * LANES
            for k in range(depth):
                fill(panels, panel + k * width, matrix, k * columns + column, count)
    return panels, workspace


def _named(function: Callable[..., None], vectors: int) -> Callable[..., None]:
    """Register a function of tiles of so many vectors, under a name of its own.

    NOTE: Numba tells compiled functions apart by their names, their arguments' types and a number
    that each process counts for itself. Of two that agree in all of these, from the caches of two
    processes, the linker keeps one (Numba's issue 10486): then a kernel calls another kernel's.
    """
    function.__qualname__ = f"{function.__name__}_{vectors}"
    registered: Callable[..., None] = register_jitable(function)
    return registered


def _multiply_panels(vectors: int) -> Callable[..., None]:
    """Return the product with panels of so many vectors, with no other tile's instructions."""
    width = vectors * LANES
    part = NEAR // width

    def multiply_panels(out, block_step, left, depth, rows, panels, blocks):
        """Write the products of `rows` rows of left (.., depth) and panels to out.

        out is (blocks, .., vectors, LANES), its blocks `block_step` floats apart.
        """
        for block in range(blocks):
            for k in range(0, depth, part):
                n, more = min(part, depth - k), min(k, 1)
                panel = panels[(block * depth + k) * width :]
                ahead = n * width
                row = 0
                while row < rows:
                    high = tile_rows(vectors, rows - row)
                    to, start = out[block * block_step + row * width :], row * depth + k
                    tile(
                        vectors,
                        high,
                        to,
                        left,
                        start,
                        depth,
                        1,
                        panel,
                        0,
                        width,
                        n,
                        1,
                        0,
                        ahead,
                        more,
                    )
                    ahead += n * LANES
                    row += high

    return _named(multiply_panels, vectors)


multiply_two, multiply_three, multiply_four = map(_multiply_panels, (2, 3, 4))


@register_jitable
def pack_turned(matrix, outputs, cell, turn, size, workspace):
    """Return panels of the transpose of a matrix (outputs, G H), and the workspace that is left.

    They are (ceil(outputs / WIDTH), blocks, vectors, LANES, WIDTH).
    """
    blocks, width = block_count(cell.gates, size), cell.vectors * LANES
    columns = cell.gates * size
    panels, workspace = take(workspace, (outputs + WIDTH - 1) // WIDTH * blocks * width * WIDTH)
    if size % LANES or cell.gates == 1:
        panels[:] = 0
    for first in range(0, outputs, LANES):
        start = first // WIDTH * blocks * width * WIDTH + first % WIDTH
        lines = min(LANES, outputs - first)
        for block in range(blocks):
            for v in range(cell.vectors):
                column, count = place(block, v, turn, cell.gates, size)
                row, source = start + (block * width + v * LANES) * WIDTH, first * columns + column
                if count > 0:
                    fill_transposed(panels, row, WIDTH, matrix, source, columns, count, lines)
        # an odd number of vectors: the last is empty
        if outputs - first <= LANES and first % WIDTH == 0:
            for k in range(blocks * width):
                panels[start + k * WIDTH + LANES : start + (k + 1) * WIDTH] = 0
    return panels, workspace


@register_jitable
def add_input_gradient(out, outputs, d, panels, blocks, vectors, add, product):
    """Write d W^T to out (.., outputs), or add it if `add` is 1; `panels` are from `pack_turned`.

    `product` is a buffer (GROUP, WIDTH).
    """
    depth = vectors * LANES
    part = max(1, NEAR // (depth * WIDTH))  # blocks whose panels stay in the first-level cache
    for begin in range(0, d.rows, GROUP):
        end = min(begin + GROUP, d.rows)
        for first in range(0, outputs, WIDTH):
            count = min(WIDTH, outputs - first)
            for block in range(0, blocks, part):
                some, more = min(part, blocks - block), min(block, 1)
                panel = (first // WIDTH * blocks + block) * depth * WIDTH
                ahead = some * depth * WIDTH
                deep, outer = (some * depth, 1) if d.block_step == depth else (depth, some)
                row = begin
                while row < end:
                    high = tile_rows(2, end - row)
                    start = block * d.block_step + row * d.row_step
                    tile(
                        2,
                        high,
                        product[(row - begin) * WIDTH :],
                        d.values,
                        start,
                        d.row_step,
                        1,
                        panels,
                        panel,
                        WIDTH,
                        deep,
                        outer,
                        d.block_step,
                        ahead,
                        more,
                    )
                    ahead += some * depth * LANES
                    row += high
            for row in range(begin, end):
                to, of = row * outputs + first, (row - begin) * WIDTH
                add_part(out, to, product, of, min(count, LANES), add)
                if count > LANES:
                    add_part(out, to + LANES, product, of + LANES, count - LANES, add)


@register_jitable
def pack_rows(packed, source, rows, columns, group):
    """Copy a matrix (rows, columns) to packed (ceil(columns / group), rows, group)."""
    for first in range(0, columns, group):
        count = min(group, columns - first)
        if count == ROWS and group == ROWS:
            copy_rows(packed, first * rows, source, first, columns, rows)
            continue
        for k in range(rows):
            line, copy = source[k * columns + first :], packed[first * rows + k * group :]
            for r in range(group):
                copy[r] = line[r] if r < count else 0


def _add_weight_gradient(vectors: int) -> Callable[..., None]:
    """Return the sum of rows of so many vectors, with no other tile's instructions."""
    width, group = vectors * LANES, ROWS_OF[vectors]

    def add_weight_gradient(sums, packed, columns_in, d, blocks):
        """Add x^T d to sums (blocks, ceil(columns_in / group), group, vectors, LANES).

        `packed` is x (rows, columns_in) from `pack_rows`.
        """
        step = d.row_step
        groups = (columns_in + group - 1) // group
        for block in range(blocks):
            for k in range(0, d.rows, ROWS_NEAR):
                n = min(ROWS_NEAR, d.rows - k)
                rows = d.values[block * d.block_step + k * step :]
                for index in range(groups):
                    to = sums[(block * groups + index) * group * width :]
                    of = index * group * d.rows + k * group
                    tile(vectors, group, to, packed, of, 1, group, rows, 0, step, n, 1, 0, 0, 1)

    return _named(add_weight_gradient, vectors)


add_gradient_two, add_gradient_three, add_gradient_four = map(_add_weight_gradient, (2, 3, 4))


@register_jitable
def unpack_sums(grad, sums, columns_in, cell, turn, size):
    """Add what `add_weight_gradient` has summed to grad (columns_in, G H)."""
    blocks, width, columns = block_count(cell.gates, size), cell.vectors * LANES, cell.gates * size
    group = group_rows(cell.vectors)
    padded = (columns_in + group - 1) // group * group
    for row in range(columns_in):
        for block in range(blocks):
            for v in range(cell.vectors):
                column, count = place(block, v, turn, cell.gates, size)
                of = (block * padded + row) * width + v * LANES
                add_part(grad, row * columns + column, sums, of, count, 1)


@register_jitable
def add_rows(sums, d, blocks, workspace):
    """Add the sum over all rows of d to sums (blocks, row_step)."""
    width = d.row_step
    for block in range(blocks):
        total = sums[block * width : (block + 1) * width]
        for row in range(0, d.rows, ROWS_NEAR):
            part, _ = take_zeros(workspace, width)
            for k in range(row, min(row + ROWS_NEAR, d.rows)):
                base = block * d.block_step + k * width
                line = d.values[base : base + width]
                for j in range(width):
                    part[j] += line[j]
            for j in range(width):
                total[j] += part[j]


@register_jitable
def unpack_row(grad, sums, cell, turn, size):
    """Add the first vectors of each row of sums (blocks, row_vectors, LANES) to grad (G H,)."""
    for block in range(block_count(cell.gates, size)):
        for v in range(cell.vectors):
            column, count = place(block, v, turn, cell.gates, size)
            of = (block * cell.row_vectors + v) * LANES
            add_part(grad, column, sums, of, count, 1)
