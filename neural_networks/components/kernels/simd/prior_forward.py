"""A recurrent prior fed with its own draws, on register tiles; kernels/prior.py explains.

The plain loops there say what is computed. Here the weights lie in panels, and the loop over time
allocates nothing. Tuples: kernels/simd/prior.py and cell.py; panels: kernels/simd/panels.py.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import body, kernel_in_workspace
from neural_networks.components.kernels.mixture import draw_row
from neural_networks.components.kernels.simd.cell import GRU, RNN, WIDE, Shape, States, Weights
from neural_networks.components.kernels.simd.gru import gru_biases, gru_gate_rows
from neural_networks.components.kernels.simd.panels import multiply_three, multiply_two, pack
from neural_networks.components.kernels.simd.prior import (
    Choices,
    Heads,
    Latents,
    Sizes,
    unpack,
    wide_space,
)
from neural_networks.components.kernels.simd.prior_gates import tanh_sum
from neural_networks.components.kernels.simd.vector import LANES, ROWS, flush, unflush
from neural_networks.components.kernels.simd.workspace import (
    LINE,
    WIDTH,
    aligned,
    block_count,
    take,
)


@body
def _squash(out, product, condition, batch, size):
    """Write tanh(product + condition) to rows of out (batch, size), as `unpack` does."""
    for block in range(block_count(1, size)):
        for row in range(batch):
            place = (block * batch + row) * WIDTH
            for vector in range(WIDE):
                column = (block * WIDE + vector) * LANES
                if column < size:
                    to, of = row * size + column, place + vector * LANES
                    tanh_sum(out, to, product, of, condition, to, min(LANES, size - column))


@body
def _draw(drawn, choices, heads, bias, t, batch, sizes, inverse):
    """Add the bias to the statistics of step t; write its latents, or its innovations."""
    width, columns = sizes.latents, sizes.statistics
    for row in range(t * batch, (t + 1) * batch):
        line = drawn.statistics[row * columns : (row + 1) * columns]
        noise = drawn.innovations[row * width : (row + 1) * width]
        w = drawn.latents[(row + batch) * width : (row + batch + 1) * width]
        for k in range(columns):
            line[k] += bias[k]
        choices.chosen[row], choices.levels[row] = draw_row(
            w, noise, line, choices.levels[row], heads.low, heads.high, inverse
        )


@body
def _forward(
    shape, sizes, drawn, choices, condition, states, weights, heads, bias, inverse, workspace
):
    batch, embedding, size, blocks = shape.batch, shape.features, shape.size, shape.blocks
    width, head, columns = sizes.latents, sizes.statistics, GRU.vectors * LANES
    latent_panels, workspace = pack(heads.E, width, RNN, embedding, workspace)
    input_panels, workspace = pack(weights.W, embedding, GRU, size, workspace)
    panels, workspace = pack(weights.U, size, GRU, size, workspace)
    head_panels, workspace = pack(heads.F, size, RNN, head, workspace)
    biases, workspace = take(workspace, blocks * GRU.row_vectors * LANES)
    gru_biases(biases, weights, shape)
    # The equations of a few rows wait for each other's results; those of several blocks don't.
    group = min(blocks, max(1, ROWS // batch))
    given, workspace = take(workspace, group * batch * columns)
    product, workspace = take(workspace, group * batch * columns)
    wide, workspace = take(workspace, wide_space(batch, max(embedding, head)))
    input_blocks, head_blocks = block_count(1, embedding), block_count(1, head)
    for t in range(shape.steps):
        w, a = drawn.latents[t * batch * width :], drawn.inputs[t * batch * embedding :]
        multiply_two(wide, batch * WIDTH, w, width, batch, latent_panels, input_blocks)
        told = condition[min(t, sizes.conditions - 1) * batch * embedding :]
        _squash(a, wide, told, batch, embedding)
        h = states.hidden[t * batch * size :]
        for first in range(0, blocks, group):
            count = min(group, blocks - first)
            these = input_panels[first * embedding * columns :]
            multiply_three(given, batch * columns, a, embedding, batch, these, count)
            these = panels[first * size * columns :]
            multiply_three(product, batch * columns, h, size, batch, these, count)
            for block in range(first, first + count):
                start = (block - first) * batch * columns
                gru_gate_rows(given[start:], product[start:], biases, states, shape, t, block)
        h = states.hidden[(t + 1) * batch * size :]
        multiply_two(wide, batch * WIDTH, h, size, batch, head_panels, head_blocks)
        unpack(drawn.statistics[t * batch * head :], wide, batch, head)
        _draw(drawn, choices, heads, bias, t, batch, sizes, inverse)


@register_jitable
def _space(shape, sizes):
    """Return the number of floats that `_forward` takes."""
    batch, embedding, size = shape.batch, shape.features, shape.size
    panels = shape.blocks * (embedding + size) * GRU.vectors * LANES
    panels += wide_space(sizes.latents, embedding) + wide_space(size, sizes.statistics)
    products = 2 * shape.blocks * batch * GRU.vectors * LANES
    products += wide_space(batch, max(embedding, sizes.statistics))
    return panels + products + shape.blocks * GRU.row_vectors * LANES + 10 * LINE


@register_jitable
def _sizes(condition, innovations, hidden, inputs, statistics):
    (steps, batch, width), size = innovations.shape, hidden.shape[2]
    shape = Shape(steps, steps, steps, batch, inputs.shape[2], size, block_count(3, size))
    return shape, Sizes(width, statistics.shape[2], len(condition))


def prior_forward_tiles(
    condition, levels, innovations, chosen, latents, hidden, inputs, statistics, *others
):
    """Do what the contract in kernels/prior.py says."""
    workspace = aligned(_space(*_sizes(condition, innovations, hidden, inputs, statistics)))
    drawn = levels, innovations, chosen, latents, hidden, inputs, statistics
    _forward_kernel(condition, *drawn, *others, workspace)


@kernel_in_workspace
def _forward_kernel(
    condition,
    levels,
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
    a,
    b,
    F,
    f,
    low,
    high,
    inverse,
    workspace,
):
    shape, sizes = _sizes(condition, innovations, hidden, inputs, statistics)
    flat = inputs.reshape(-1)
    drawn = Latents(innovations.reshape(-1), latents.reshape(-1), flat, statistics.reshape(-1))
    states = States(hidden.reshape(-1), a[:0], gates.reshape(-1), flat)
    heads = Heads(E.reshape(-1), F.reshape(-1), np.float32(low), np.float32(high))
    mode = flush()
    _forward(
        shape,
        sizes,
        drawn,
        Choices(levels.reshape(-1), chosen.reshape(-1)),
        condition.reshape(-1),
        states,
        Weights(W.reshape(-1), U.reshape(-1), a, b),
        heads,
        f,
        inverse,
        workspace,
    )
    unflush(mode)
