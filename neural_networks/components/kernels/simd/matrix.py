"""The matrix product of the layers, on the calling thread alone.

NumPy hands a product to a library with threads of its own, and two training threads that both ask
for all of them wait for each other. In float32 this product runs in the caller's thread at the
processor's speed, and gives the same bytes for any number of threads.

    multiply(out, left, right)           out  = left @ right
    multiply(out, left, right, add=True) out += left @ right
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import body, kernel_in_workspace
from neural_networks.components.kernels.simd.copies import add_part, fill, fill_transposed
from neural_networks.components.kernels.simd.tile import tile, tile_rows
from neural_networks.components.kernels.simd.vector import LANES, ROWS, TILE
from neural_networks.components.kernels.simd.workspace import (
    COLUMNS,
    DEPTH,
    LINE,
    WIDTH,
    product_space,
    take,
)


class Matrix(NamedTuple):
    """A matrix as a flat vector: its elements, and how many floats apart rows and columns are."""

    values: np.ndarray
    row: int
    column: int


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
    depth = left.shape[1]
    workspace = np.empty(product_space(out.shape[1], depth) + LINE, np.float32)
    _multiply(out, *_steps(left), *_steps(right), depth, int(add), workspace)
    return out


def _steps(matrix: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Return a matrix's elements as a vector, and the distances between rows and columns."""
    rows, columns = matrix.shape
    if matrix.flags.c_contiguous or not matrix.flags.f_contiguous:
        return np.ascontiguousarray(matrix).reshape(-1), columns, 1
    return matrix.T.reshape(-1), 1, rows


@register_jitable
def _fill_panel(panel, right, start, depth, count):
    """Copy `depth` rows and `count` <= WIDTH columns of a matrix to a panel (depth, WIDTH)."""
    if right.column == 1:
        for k in range(depth):
            source = start + k * right.row
            fill(panel, k * WIDTH, right.values, source, min(count, LANES))
            fill(panel, k * WIDTH + LANES, right.values, source + LANES, max(count - LANES, 0))
        return
    for k in range(0, depth, LANES):
        for n in range(0, WIDTH, LANES):
            source, step = start + k + n * right.column, right.column
            rows, columns = min(LANES, depth - k), min(LANES, count - n)
            fill_transposed(panel, k * WIDTH + n, WIDTH, right.values, source, step, rows, columns)


@register_jitable
def multiply_tiles(out, height, width, left, right, depth, add, workspace):
    """Do what `multiply` does for a flat out (height, width) and two of type Matrix."""
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
            # One tile of rows reads each weight once: whole panels are read where they are, and the
            # rest is packed first.
            packed = begin
            if height <= ROWS and right.column == 1:
                packed = end - (end - begin) % WIDTH
            for column in range(packed, end, WIDTH):
                start = k * right.row + column * right.column
                panel = panels[(column - begin) * deep :]
                _fill_panel(panel, right, start, deep, min(WIDTH, end - column))
            row = 0
            while row < height:
                rows = tile_rows(2, height - row)
                start = row * left.row + k * left.column
                for column in range(begin, end, WIDTH):
                    count = min(WIDTH, end - column)
                    weights, first, step = panels, (column - begin) * deep, WIDTH
                    if column < packed:
                        weights, first, step = right.values, k * right.row + column, right.row
                    tile(
                        2,
                        rows,
                        product,
                        left.values,
                        start,
                        left.row,
                        left.column,
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
                        to, of = (row + r) * width + column, r * WIDTH
                        add_part(out, to, product, of, min(count, LANES), more)
                        if count > LANES:
                            add_part(out, to + LANES, product, of + LANES, count - LANES, more)
                row += rows


_product = body(multiply_tiles)


@kernel_in_workspace
def _multiply(
    out, left, left_row, left_column, right, right_row, right_column, depth, add, workspace
):
    # NOTE: single arguments, since a call from Python takes longer with tuples.
    height, width = out.shape
    skip = (-(workspace.ctypes.data // 4)) % LINE
    _product(
        out.reshape(-1),
        height,
        width,
        Matrix(left, left_row, left_column),
        Matrix(right, right_row, right_column),
        depth,
        add,
        workspace[skip:],
    )
