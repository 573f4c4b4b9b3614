"""The sums of the backward passes of all gated cells, over chunks of time steps.

The gate gradients of a chunk stay in the second-level cache until the weights' gradients are summed
from them, and are never written to memory as a whole. Tuples: see kernels/simd/cell.py.

    sum_chunk(..)    add the gradients of weights and biases of a chunk, in the order of the tiles
    sum_steps(..)    add up the gate gradients themselves, for an input that every step gets
    add_sums(..)     add the sums to the gradients, in the order of the weights
"""

from __future__ import annotations

from numba.extending import register_jitable

from neural_networks.components.kernels import body
from neural_networks.components.kernels.simd.cell import Rows
from neural_networks.components.kernels.simd.panels import (
    add_input_gradient,
    add_rows,
    group_rows,
    pack_rows,
    unpack_row,
    unpack_sums,
)
from neural_networks.components.kernels.simd.vector import LANES


@body
def sum_chunk(add_gradient, cell, shape, sums, states, d, first, workspace):
    """Add the gradients of U, W and the biases of the rows `d`, which begin at row `first`."""
    group = group_rows(cell.vectors)
    pack_rows(sums.packed, states.hidden[first * shape.size :], d.rows, shape.size, group)
    add_gradient(sums.U, sums.packed, shape.size, d, shape.blocks)
    add_rows(sums.biases, d, shape.blocks, workspace)
    if shape.given_steps == shape.steps:
        pack_rows(sums.packed, states.x[first * shape.features :], d.rows, shape.features, group)
        of_input = Rows(d.values[cell.input_start :], d.rows, d.row_step, d.block_step)
        add_gradient(sums.W, sums.packed, shape.features, of_input, shape.blocks)


@register_jitable
def sum_steps(sums, d, blocks):
    """Add the gradients of one time step, the rows `d`, to sums (blocks, rows, row_step)."""
    size = d.rows * d.row_step
    for block in range(blocks):
        line = d.values[block * d.block_step : block * d.block_step + size]
        whole = sums[block * size : (block + 1) * size]
        for j in range(size):
            whole[j] += line[j]


@body
def add_sums(add_gradient, cell, shape, errors, grads, sums, x, input_panels, product):
    """Add the sums to the weights' gradients, and what an input that every step gets still lacks.

    `input_panels` are W for `add_input_gradient`, `product` is its buffer.
    """
    row_step, blocks, vectors = cell.row_vectors * LANES, shape.blocks, cell.vectors
    if shape.given_steps < shape.steps:
        pack_rows(sums.packed, x, shape.batch, shape.features, group_rows(vectors))
        of_input = Rows(
            sums.over_time[cell.input_start :], shape.batch, row_step, shape.batch * row_step
        )
        add_gradient(sums.W, sums.packed, shape.features, of_input, blocks)
        if errors.dx.size > 0:
            add_input_gradient(
                errors.dx, shape.features, of_input, input_panels, blocks, vectors, 0, product
            )
    unpack_sums(grads.U, sums.U, shape.size, cell, cell.turn, shape.size)
    unpack_sums(grads.W, sums.W, shape.features, cell, 0, shape.size)
    unpack_row(grads.a, sums.biases[cell.input_start :], cell, 0, shape.size)
    if cell.biases > 1:
        unpack_row(grads.b, sums.biases, cell, cell.turn, shape.size)
