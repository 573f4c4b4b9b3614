"""Backpropagation through a prior's own draws on register tiles; kernels/prior.py explains.

The plain loops there say what is computed. Here the gate gradients of a few steps stay in the
second cache until the GRU's weight gradients are summed from them, as in kernels/simd/time.py.
Tuples: kernels/simd/prior.py and cell.py; panels: kernels/simd/panels.py.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import body, kernel_in_workspace
from neural_networks.components.kernels.mixture import draw_gradient_row
from neural_networks.components.kernels.simd.cell import (
    GRU,
    RNN,
    Errors,
    Rows,
    Shape,
    States,
    Sums,
    Weights,
)
from neural_networks.components.kernels.simd.chunks import add_sums, sum_chunk
from neural_networks.components.kernels.simd.gru import gru_gradient_rows
from neural_networks.components.kernels.simd.panels import (
    add_gradient_three,
    add_input_gradient,
    multiply_two,
    pack,
    pack_turned,
)
from neural_networks.components.kernels.simd.prior import Heads, Latents, Sizes, unpack, wide_space
from neural_networks.components.kernels.simd.vector import LANES, ROWS, flush, unflush
from neural_networks.components.kernels.simd.workspace import (
    GROUP,
    LINE,
    WIDTH,
    aligned,
    backward_space,
    block_count,
    chunk_steps,
    take,
    take_zeros,
)


@register_jitable
def _turned(matrix, rows, columns, workspace):
    """Return the transpose of a matrix (rows, columns), and the workspace that is left."""
    turned, workspace = take(workspace, rows * columns)
    for row in range(rows):
        for column in range(columns):
            turned[column * rows + row] = matrix[row * columns + column]
    return turned, workspace


@body
def _draw_gradient(dlatents, drawn, chosen, heads, t, batch, sizes):
    """Write the gradients of the innovations of step t, and add those of its statistics."""
    width, columns = sizes.latents, sizes.statistics
    for row in range(t * batch, (t + 1) * batch):
        line = drawn.statistics[row * columns : (row + 1) * columns]
        dline = dlatents.statistics[row * columns : (row + 1) * columns]
        noise = drawn.innovations[row * width : (row + 1) * width]
        dnoise = dlatents.innovations[row * width : (row + 1) * width]
        dw = dlatents.latents[(row + batch) * width : (row + batch + 1) * width]
        draw_gradient_row(dnoise, dline, dw, noise, line, chosen[row], heads.low, heads.high)


@body
def _backward(
    shape, sizes, dlatents, drawn, chosen, errors, grads, states, weights, heads, workspace
):
    batch, embedding, size, blocks = shape.batch, shape.features, shape.size, shape.blocks
    columns, row_step = GRU.vectors * LANES, GRU.row_vectors * LANES
    width, head = sizes.latents, sizes.statistics
    chunk = chunk_steps(GRU, shape)
    block_step = chunk * batch * row_step
    one = np.float32(1)
    panels, workspace = pack_turned(weights.U, size, GRU, GRU.turn, size, workspace)
    input_panels, workspace = pack_turned(weights.W, embedding, GRU, 0, size, workspace)
    turned, workspace = _turned(heads.E, width, embedding, workspace)
    latent_panels, workspace = pack(turned, embedding, RNN, width, workspace)
    turned, workspace = _turned(heads.F, size, head, workspace)
    head_panels, workspace = pack(turned, head, RNN, size, workspace)
    wide, workspace = take(workspace, wide_space(batch, max(size, width)))
    above, workspace = take(workspace, batch * size)
    carried, workspace = take(workspace, batch * width)
    d, workspace = take(workspace, blocks * block_step)
    now, workspace = take(workspace, batch * blocks * columns)
    packed, workspace = take(workspace, (max(size, embedding) + ROWS) * chunk * batch)
    product, workspace = take(workspace, GROUP * WIDTH)
    biases, workspace = take_zeros(workspace, blocks * row_step)
    of_state, workspace = take_zeros(workspace, blocks * (size + ROWS) * columns)
    of_input, workspace = take_zeros(workspace, blocks * (embedding + ROWS) * columns)
    sums = Sums(of_state, of_input, biases, biases[:0], packed)
    before = Rows(now, batch, blocks * columns, columns)
    width_blocks, size_blocks = block_count(1, width), block_count(1, size)
    errors.dfirst[:] = 0
    for stop in range(shape.steps, 0, -chunk):
        begin = max(0, stop - chunk)
        for t in range(stop - 1, begin - 1, -1):
            _draw_gradient(dlatents, drawn, chosen, heads, t, batch, sizes)
            dhead = dlatents.statistics[t * batch * head :]
            multiply_two(wide, batch * WIDTH, dhead, head, batch, head_panels, size_blocks)
            unpack(above, wide, batch, size)
            local = d[(t - begin) * batch * row_step :]
            for block in range(blocks):
                of_block, of_now = local[block * block_step :], now[block * columns :]
                gru_gradient_rows(of_block, of_now, above, errors, states, shape, t, block)
            add_input_gradient(
                errors.dfirst, size, before, panels, blocks, GRU.vectors, GRU.carries, product
            )
            da = dlatents.inputs[t * batch * embedding : (t + 1) * batch * embedding]
            gates = Rows(local[GRU.input_start :], batch, row_step, block_step)
            add_input_gradient(da, embedding, gates, input_panels, blocks, GRU.vectors, 0, product)
            a = drawn.inputs[t * batch * embedding : (t + 1) * batch * embedding]
            for j in range(batch * embedding):
                da[j] *= one - a[j] * a[j]
            multiply_two(wide, batch * WIDTH, da, embedding, batch, latent_panels, width_blocks)
            unpack(carried, wide, batch, width)
            dw = dlatents.latents[t * batch * width : (t + 1) * batch * width]
            for j in range(batch * width):
                dw[j] += carried[j]
        rows = Rows(d, (stop - begin) * batch, row_step, block_step)
        sum_chunk(add_gradient_three, GRU, shape, sums, states, rows, begin * batch, workspace)
    add_sums(add_gradient_three, GRU, shape, errors, grads, sums, states.x, input_panels, product)


@register_jitable
def _space(shape, sizes):
    """Return the number of floats that `_backward` takes."""
    batch, embedding, size = shape.batch, shape.features, shape.size
    width, head = sizes.latents, sizes.statistics
    floats = head * size + width * embedding + batch * (size + width) + 10 * LINE
    floats += wide_space(embedding, width) + wide_space(head, size)
    return floats + wide_space(batch, max(size, width)) + backward_space(GRU, shape)


@register_jitable
def _sizes(innovations, hidden, inputs, statistics):
    (steps, batch, width), size = innovations.shape, hidden.shape[2]
    shape = Shape(steps, steps, steps, batch, inputs.shape[2], size, block_count(3, size))
    return shape, Sizes(width, statistics.shape[2], steps)


def prior_backward_tiles(*arrays):
    """Do what kernels/prior.py says; the gradients of E, F and f are left to the caller."""
    innovations, _, _, hidden, inputs, statistics = arrays[9:15]
    workspace = aligned(_space(*_sizes(innovations, hidden, inputs, statistics)))
    _backward_kernel(*arrays, workspace)


@kernel_in_workspace
def _backward_kernel(
    dinnovations,
    dinputs,
    dstatistics,
    dlatents,
    dfirst,
    dW,
    dU,
    da,
    db,
    innovations,
    chosen,
    latents,
    hidden,
    inputs,
    statistics,
    gates,
    E,
    W,
    U,
    F,
    low,
    high,
    workspace,
):
    shape, sizes = _sizes(innovations, hidden, inputs, statistics)
    given = Latents(
        dinnovations.reshape(-1), dlatents.reshape(-1), dinputs.reshape(-1), dstatistics.reshape(-1)
    )
    flat = inputs.reshape(-1)
    drawn = Latents(innovations.reshape(-1), latents.reshape(-1), flat, statistics.reshape(-1))
    states = States(hidden.reshape(-1), da[:0], gates.reshape(-1), flat)
    heads = Heads(E.reshape(-1), F.reshape(-1), np.float32(low), np.float32(high))
    errors = Errors(da[:0], dfirst.reshape(-1), da[:0], da[:0])
    weights = Weights(W.reshape(-1), U.reshape(-1), da[:0], da[:0])
    grads = Weights(dW.reshape(-1), dU.reshape(-1), da, db)
    mode = flush()
    _backward(
        shape,
        sizes,
        given,
        drawn,
        chosen.reshape(-1),
        errors,
        grads,
        states,
        weights,
        heads,
        workspace,
    )
    unflush(mode)
