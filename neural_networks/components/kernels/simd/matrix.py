"""The matrix product of the layers, on the calling thread alone.

NumPy hands a product to a library with threads of its own, and two training threads that both ask
for all of them wait for each other. In float32 this product runs in the caller's thread at the
processor's speed, the same bytes whatever the threads.

    multiply(out, left, right)           out  = left @ right
    multiply(out, left, right, add=True) out += left @ right
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.simd.tile import (
    add_part,
    fill,
    fill_transposed,
    tile,
    tile_rows,
)
from neural_networks.components.kernels.simd.vector import LANES, ROWS, TILE
from neural_networks.components.kernels.simd.workspace import (
    COLUMNS,
    DEPTH,
    WIDTH,
    aligned,
    product_space,
    take,
)


def multiply(
    out: np.ndarray, left: np.ndarray, right: np.ndarray, *, add: bool = False
) -> np.ndarray:
    """Write the matrix product to `out`, or add it.

    Args:
        out: (M, N), contiguous.
        left: (M, K), contiguous or the transpose of a contiguous matrix.
        right: (K, N), contiguous or the transpose of a contiguous matrix.
        add: whether to add to what is in `out`.

    Returns:
        out.

    Raises:
        ValueError: if the shapes don't fit.
    """
    if left.shape[1] != right.shape[0] or out.shape != (left.shape[0], right.shape[1]):
        raise ValueError(
            f"the product of {left.shape} and {right.shape} can't be written to {out.shape}"
        )
    if TILE is None or not out.dtype == left.dtype == right.dtype == np.float32:
        if add:
            out += np.matmul(left, right)
        else:
            np.matmul(left, right, out=out)
        return out
    _multiply(out, *_steps(left), *_steps(right), left.shape[1], int(add))
    return out


def _steps(matrix: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Return a matrix's floats as one vector, and the distances from row to row and from column to column."""
    rows, columns = matrix.shape
    if matrix.flags.c_contiguous or not matrix.flags.f_contiguous:
        return np.ascontiguousarray(matrix).reshape(-1), columns, 1
    return matrix.T.reshape(-1), 1, rows


@register_jitable
def fill_panel(panel, panel_start, right, start, row_step, step, depth, count):
    """Copy `depth` rows and `count` <= 2 LANES columns of a matrix, given by its steps, one of them 1, to a panel of that width."""
    if step == 1:
        for k in range(depth):
            place, source = panel_start + k * WIDTH, start + k * row_step
            fill(panel, place, right, source, min(count, LANES))
            fill(panel, place + LANES, right, source + LANES, max(count - LANES, 0))
        return
    for k in range(0, depth, LANES):
        for n in range(0, WIDTH, LANES):
            place, source = panel_start + k * WIDTH + n, start + k + n * step
            fill_transposed(
                panel,
                place,
                WIDTH,
                right,
                source,
                step,
                min(LANES, depth - k),
                min(LANES, count - n),
            )


@register_jitable
def multiply_tiles(
    out,
    height,
    width,
    left,
    left_row,
    left_step,
    right,
    right_row,
    right_step,
    depth,
    add,
    workspace,
):
    """Do what `multiply` does, on flat vectors: out (height, width); left and right by the distances of their rows and columns."""
    product, workspace = take(workspace, ROWS * WIDTH)
    panels, workspace = take(
        workspace, min(depth, DEPTH) * ((min(width, COLUMNS) + WIDTH - 1) // WIDTH) * WIDTH
    )
    if depth == 0 and not add:
        out[: height * width] = 0
    for k in range(0, depth, DEPTH):
        deep = min(DEPTH, depth - k)
        more = 1 if add or k > 0 else 0
        for begin in range(0, width, COLUMNS):
            end = min(begin + COLUMNS, width)
            # One tile of rows reads each weight once: what is whole is read where it lies, the rest
            # is packed first.
            packed = begin
            if height <= ROWS and right_step == 1:
                packed = end - (end - begin) % WIDTH
            for column in range(packed, end, WIDTH):
                start = k * right_row + column * right_step
                fill_panel(
                    panels,
                    (column - begin) * deep,
                    right,
                    start,
                    right_row,
                    right_step,
                    deep,
                    min(WIDTH, end - column),
                )
            row = 0
            while row < height:
                rows = tile_rows(2, height - row)
                start = row * left_row + k * left_step
                for column in range(begin, end, WIDTH):
                    count = min(WIDTH, end - column)
                    weights, first, step = panels, (column - begin) * deep, WIDTH
                    if column < packed:
                        weights, first, step = right, k * right_row + column, right_row
                    tile(
                        2,
                        rows,
                        product,
                        left,
                        start,
                        left_row,
                        left_step,
                        weights,
                        first,
                        step,
                        deep,
                        1,
                        0,
                        0,
                        0,
                    )
                    for r in range(rows):
                        place = (row + r) * width + column
                        add_part(out, place, product, r * WIDTH, min(count, LANES), more)
                        if count > LANES:
                            add_part(
                                out, place + LANES, product, r * WIDTH + LANES, count - LANES, more
                            )
                row += rows


_multiply_inner = inner(multiply_tiles)


@kernel
def _multiply(out, left, left_row, left_step, right, right_row, right_step, depth, add):
    height, width = out.shape
    workspace = aligned(product_space(width, depth))
    _multiply_inner(
        out.reshape(-1),
        height,
        width,
        left,
        left_row,
        left_step,
        right,
        right_row,
        right_step,
        depth,
        add,
        workspace,
    )
