"""What the backward passes of all gated cells have in common on register tiles: the sums over chunks of time steps.

The gradients of the gates of a chunk stay in the second cache until the weights' gradients are
summed from them; they are never written to memory as a whole. Letters and `d` as in
kernels/simd/panels.py; row_step, block_step = floats between two rows and two blocks of d.

    sum_chunk(..)          the weights' and biases' gradients of a chunk, in the order of the tiles
    sum_steps(..)          the gates' gradients themselves, of an input that every step gets
    finish(..)             what was summed into the order of the weights
"""

from __future__ import annotations

from numba.extending import register_jitable

from neural_networks.components.kernels.simd.panels import (
    ROWS_OF_FOUR,
    add_input_gradient,
    add_rows,
    add_weight_gradient,
    pack_rows,
    unpack_row,
    unpack_sums,
)
from neural_networks.components.kernels.simd.vector import ROWS


@register_jitable
def sum_chunk(
    sums,
    input_sums,
    biases,
    packed,
    hidden,
    x,
    d,
    begin,
    rows,
    size,
    features,
    row_step,
    block_step,
    blocks,
    vectors,
    input_start,
    repeated,
    workspace,
):
    """Add the gradients of U, W and of the biases of `rows` rows from row `begin` on."""
    group = ROWS_OF_FOUR if vectors == 4 else ROWS
    pack_rows(packed, hidden, begin * size, size, rows, size, group)
    add_weight_gradient(sums, packed, size, rows, d, 0, row_step, block_step, blocks, vectors)
    add_rows(biases, d, 0, row_step, block_step, rows, blocks, row_step, workspace)
    if not repeated:
        pack_rows(packed, x, begin * features, features, rows, features, group)
        add_weight_gradient(
            input_sums,
            packed,
            features,
            rows,
            d,
            input_start,
            row_step,
            block_step,
            blocks,
            vectors,
        )


@register_jitable
def sum_steps(sums, d, start, batch, row_step, block_step, blocks):
    """Add the gradients of one time step, which begin at `start` in each block, to sums (blocks, batch, row_step)."""
    for block in range(blocks):
        line = d[block * block_step + start : block * block_step + start + batch * row_step]
        whole = sums[block * batch * row_step : (block + 1) * batch * row_step]
        for j in range(line.size):
            whole[j] += line[j]


@register_jitable
def finish(
    dx,
    dW,
    dU,
    da,
    db,
    sums,
    input_sums,
    biases,
    packed,
    x,
    sums_of_time,
    input_panels,
    product,
    batch,
    size,
    features,
    row_step,
    blocks,
    vectors,
    input_start,
    turn,
    gates,
    repeated,
):
    """Bring the sums into the order of the weights, and add what an input that every step gets still lacks."""
    if repeated:
        step = batch * row_step
        pack_rows(packed, x, 0, features, batch, features, ROWS_OF_FOUR if vectors == 4 else ROWS)
        add_weight_gradient(
            input_sums,
            packed,
            features,
            batch,
            sums_of_time,
            input_start,
            row_step,
            step,
            blocks,
            vectors,
        )
        if dx.size > 0:
            add_input_gradient(
                dx,
                0,
                features,
                sums_of_time,
                input_start,
                row_step,
                step,
                batch,
                input_panels,
                blocks,
                vectors,
                0,
                product,
            )
    unpack_sums(dU, sums, size, blocks, vectors, turn, gates, size)
    unpack_sums(dW, input_sums, features, blocks, vectors, 0, gates, size)
    unpack_row(da, biases, input_start, row_step, blocks, vectors, 0, gates, size)
    if db.size > 0:
        unpack_row(db, biases, 0, row_step, blocks, vectors, turn, gates, size)
