"""The matrix products of gated cells on register tiles: weights in panels, gradients of gates in rows of vectors.

A cell of H units has G gates side by side, (.., G H). Its units are worked on in blocks of LANES (a
cell with one gate: of WIDE * LANES), a block's gates as vectors next to each other, so that one
tile holds all gates of a block and their functions run on it in the nearest cache. Vector v of a
block belongs to gate (v + turn) % G; what a block has too much is zero.

    d      (blocks, N, vectors, LANES)  the gradients of the gates of N = steps * batch rows, as the backward pass writes them
    place(..)                           which columns of (.., G H) a vector holds
    pack(..), pack_turned(..)           weights (K, G H) for products with inputs, and for products with d
    add_input_gradient(..)              dx += d W^T
    add_weight_gradient(..)             dW += x^T d, in the order of the tiles; unpack_sums(..) brings it into that of W
    add_rows(..)                        db += sum of d, likewise; unpack_row(..)
"""

from __future__ import annotations

from numba.extending import register_jitable

from neural_networks.components.kernels.simd.tile import (
    ROWS_OF,
    add_part,
    copy_rows,
    fill,
    fill_transposed,
    tile,
    tile_rows,
)
from neural_networks.components.kernels.simd.vector import LANES, ROWS
from neural_networks.components.kernels.simd.workspace import (
    GROUP,
    WIDE,
    WIDTH,
    block_count,
    take,
    take_zeros,
)

ROWS_OF_FOUR = ROWS_OF[4]
NEAR = 6144  # floats of a panel that stay in the nearest cache while all rows pass by
ROWS_NEAR = 128  # rows of gradients that do so


@register_jitable
def place(block, vector, turn, gates, size):
    """Return the first column of (.., G H) that a vector holds, and how many."""
    if gates == 1:
        first = (block * WIDE + vector) * LANES
        return first, max(0, min(LANES, size - first))
    first = block * LANES
    return (vector + turn) % gates * size + first, min(LANES, size - first)


@register_jitable
def pack(matrix, depth, vectors, turn, gates, size, workspace):
    """Return panels (blocks, depth, vectors, LANES) of a matrix (depth, G H), flat, and the workspace that is left."""
    blocks, width, columns = block_count(gates, size), vectors * LANES, gates * size
    panels, workspace = take(workspace, blocks * depth * width)
    for block in range(blocks):
        for v in range(vectors):
            column, count = place(block, v, turn, gates, size)
            for k in range(depth):
                fill(
                    panels,
                    (block * depth + k) * width + v * LANES,
                    matrix,
                    k * columns + column,
                    count,
                )
    return panels, workspace


@register_jitable
def multiply_panels(out, block_step, left, start, depth, rows, panels, blocks, vectors):
    """Write the products of `rows` rows of left (.., depth) and panels to out (blocks, .., vectors, LANES), blocks `block_step` apart."""
    width = vectors * LANES
    part = NEAR // width
    for block in range(blocks):
        for k in range(0, depth, part):
            deep = min(part, depth - k)
            panel = (block * depth + k) * width
            ahead = deep * width
            row = 0
            while row < rows:
                high = tile_rows(vectors, rows - row)
                into, from_row = out[block * block_step + row * width :], start + row * depth + k
                if vectors == 4:
                    tile(
                        4,
                        high,
                        into,
                        left,
                        from_row,
                        depth,
                        1,
                        panels,
                        panel,
                        width,
                        deep,
                        1,
                        0,
                        ahead,
                        min(k, 1),
                    )
                elif vectors == 2:
                    tile(
                        2,
                        high,
                        into,
                        left,
                        from_row,
                        depth,
                        1,
                        panels,
                        panel,
                        width,
                        deep,
                        1,
                        0,
                        ahead,
                        min(k, 1),
                    )
                else:
                    tile(
                        3,
                        high,
                        into,
                        left,
                        from_row,
                        depth,
                        1,
                        panels,
                        panel,
                        width,
                        deep,
                        1,
                        0,
                        ahead,
                        min(k, 1),
                    )
                ahead += deep * LANES
                row += high


@register_jitable
def pack_turned(matrix, outputs, vectors, turn, gates, size, workspace):
    """Return panels (ceil(outputs / WIDTH), blocks, vectors, LANES, WIDTH) of a matrix (outputs, G H) turned, flat, and what is left."""
    blocks, width, columns = block_count(gates, size), vectors * LANES, gates * size
    panels, workspace = take(workspace, (outputs + WIDTH - 1) // WIDTH * blocks * width * WIDTH)
    if size % LANES or gates == 1:
        panels[:] = 0
    for first in range(0, outputs, LANES):
        start = first // WIDTH * blocks * width * WIDTH + first % WIDTH
        for block in range(blocks):
            for v in range(vectors):
                column, count = place(block, v, turn, gates, size)
                row = start + (block * width + v * LANES) * WIDTH
                if count > 0:
                    fill_transposed(
                        panels,
                        row,
                        WIDTH,
                        matrix,
                        first * columns + column,
                        columns,
                        count,
                        min(LANES, outputs - first),
                    )
        # an odd number of vectors: the last is empty
        if outputs - first <= LANES and first % WIDTH == 0:
            for k in range(blocks * width):
                panels[start + k * WIDTH + LANES : start + (k + 1) * WIDTH] = 0
    return panels, workspace


@register_jitable
def add_input_gradient(
    out,
    out_start,
    outputs,
    d,
    start,
    row_step,
    block_step,
    rows,
    panels,
    blocks,
    vectors,
    add,
    product,
):
    """Write d W^T to `rows` rows of out (.., outputs) from `out_start` on, or add it; `panels` are those of `pack_turned`.

    The gradients of a row begin at `start` in d, rows are `row_step` apart, blocks `block_step`.
    `product`: a buffer (GROUP, WIDTH).
    """
    depth = vectors * LANES
    part = max(1, NEAR // (depth * WIDTH))  # blocks whose panels stay in the nearest cache
    for begin in range(0, rows, GROUP):
        end = min(begin + GROUP, rows)
        for first in range(0, outputs, WIDTH):
            count = min(WIDTH, outputs - first)
            for block in range(0, blocks, part):
                some = min(part, blocks - block)
                panel = (first // WIDTH * blocks + block) * depth * WIDTH
                ahead = some * depth * WIDTH
                deep, outer = (some * depth, 1) if block_step == depth else (depth, some)
                row = begin
                while row < end:
                    high = tile_rows(2, end - row)
                    from_row, into = (
                        start + block * block_step + row * row_step,
                        product[(row - begin) * WIDTH :],
                    )
                    tile(
                        2,
                        high,
                        into,
                        d,
                        from_row,
                        row_step,
                        1,
                        panels,
                        panel,
                        WIDTH,
                        deep,
                        outer,
                        block_step,
                        ahead,
                        min(block, 1),
                    )
                    ahead += some * depth * LANES
                    row += high
            for row in range(begin, end):
                to, of = out_start + row * outputs + first, (row - begin) * WIDTH
                add_part(out, to, product, of, min(count, LANES), add)
                if count > LANES:
                    add_part(out, to + LANES, product, of + LANES, count - LANES, add)


@register_jitable
def pack_rows(packed, source, start, step, rows, columns, group):
    """Copy `rows` rows of a matrix to packed (ceil(columns / group), rows, group), zeros where there are no columns left."""
    for first in range(0, columns, group):
        count = min(group, columns - first)
        if count == ROWS and group == ROWS:
            copy_rows(packed, first * rows, source, start + first, step, rows)
            continue
        for k in range(rows):
            line, copy = source[start + k * step + first :], packed[first * rows + k * group :]
            for r in range(group):
                copy[r] = line[r] if r < count else 0


@register_jitable
def add_weight_gradient(
    sums, packed, columns_in, rows, d, start, row_step, block_step, blocks, vectors
):
    """Add x^T d to sums (blocks, ceil(columns_in / group), group, vectors, LANES); `packed` is x (rows, columns_in) from `pack_rows`."""
    width = vectors * LANES
    group = ROWS_OF_FOUR if vectors == 4 else ROWS
    groups = (columns_in + group - 1) // group
    for block in range(blocks):
        for k in range(0, rows, ROWS_NEAR):
            deep = min(ROWS_NEAR, rows - k)
            from_row = start + block * block_step + k * row_step
            for index in range(groups):
                into, of = (
                    sums[(block * groups + index) * group * width :],
                    index * group * rows + k * group,
                )
                if vectors == 4:
                    tile(
                        4,
                        ROWS_OF_FOUR,
                        into,
                        packed,
                        of,
                        1,
                        group,
                        d,
                        from_row,
                        row_step,
                        deep,
                        1,
                        0,
                        0,
                        1,
                    )
                elif vectors == 2:
                    tile(
                        2, ROWS, into, packed, of, 1, group, d, from_row, row_step, deep, 1, 0, 0, 1
                    )
                else:
                    tile(
                        3, ROWS, into, packed, of, 1, group, d, from_row, row_step, deep, 1, 0, 0, 1
                    )


@register_jitable
def unpack_sums(grad, sums, columns_in, blocks, vectors, turn, gates, size):
    """Add what `add_weight_gradient` has summed to grad (columns_in, G H)."""
    width, columns = vectors * LANES, gates * size
    group = ROWS_OF_FOUR if vectors == 4 else ROWS
    padded = (columns_in + group - 1) // group * group
    for row in range(columns_in):
        for block in range(blocks):
            for v in range(vectors):
                column, count = place(block, v, turn, gates, size)
                add_part(
                    grad,
                    row * columns + column,
                    sums,
                    (block * padded + row) * width + v * LANES,
                    count,
                    1,
                )


@register_jitable
def add_rows(sums, d, start, row_step, block_step, rows, blocks, width, workspace):
    """Add the sum over `rows` rows of d to sums (blocks, width)."""
    for block in range(blocks):
        total = sums[block * width : (block + 1) * width]
        for row in range(0, rows, ROWS_NEAR):
            part, _ = take_zeros(workspace, width)
            for k in range(row, min(row + ROWS_NEAR, rows)):
                base = start + block * block_step + k * row_step
                line = d[base : base + width]
                for j in range(width):
                    part[j] += line[j]
            for j in range(width):
                total[j] += part[j]


@register_jitable
def unpack_row(grad, sums, start, step, blocks, vectors, turn, gates, size):
    """Add vectors of sums (blocks, step), from the place `start` of each on, to grad (G H,): the gradient of a bias."""
    for block in range(blocks):
        for v in range(vectors):
            column, count = place(block, v, turn, gates, size)
            add_part(grad, column, sums, block * step + start + v * LANES, count, 1)
