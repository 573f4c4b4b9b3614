"""A recurrent prior that is fed with its own draws, on register tiles in float32.

The plain loops in prior.py say what is computed. Here the weights lie in panels, and
nothing is allocated within the loop. All arrays are flat; letters as in prior.py; blocks
and panels as in panels.py, a matrix that belongs to no gates is one of a cell with one
gate.

    unpack(..)       such a matrix's product into rows
    wide_space(..)   the floats of its panels, or of its product
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.gru import fill_biases, gate_rows
from neural_networks.components.kernels.simd.panels import multiply_panels, pack
from neural_networks.components.kernels.simd.prior_gates import tanh_sum
from neural_networks.components.kernels.simd.tile import add_part
from neural_networks.components.kernels.simd.vector import LANES, ROWS, flush, unflush
from neural_networks.components.kernels.simd.workspace import (
    LINE,
    WIDE,
    WIDTH,
    aligned,
    block_count,
    take,
)

GATES, ROW_VECTORS = 3, 4  # vectors of a GRU's block, and of its gradients


@register_jitable
def unpack(out, start, row_step, product, batch, size):
    """Copy a product (blocks, batch, WIDTH) of a matrix of one gate to rows of out (.., size)."""
    for block in range(block_count(1, size)):
        for row in range(batch):
            place = (block * batch + row) * WIDTH
            for vector in range(WIDE):
                column = (block * WIDE + vector) * LANES
                if column < size:
                    to = start + row * row_step + column
                    add_part(out, to, product, place + vector * LANES, min(LANES, size - column), 0)


@register_jitable
def wide_space(depth, size):
    """Return the floats of panels of a matrix (depth, size), or of a product of so many rows."""
    return depth * block_count(1, size) * WIDTH


@register_jitable
def _squash(out, start, product, told, told_start, batch, size):
    """Write tanh(product + told) to rows of out (.., size), the product as `_unpack` takes it."""
    for block in range(block_count(1, size)):
        for row in range(batch):
            place = (block * batch + row) * WIDTH
            for vector in range(WIDE):
                column = (block * WIDE + vector) * LANES
                if column < size:
                    to, count = row * size + column, min(LANES, size - column)
                    tanh_sum(
                        out,
                        start + to,
                        product,
                        place + vector * LANES,
                        told,
                        told_start + to,
                        count,
                    )


@register_jitable
def _draw(innovations, latents, statistics, f, t, batch, width, low, high, inverse):
    """Add the head's bias to the statistics of step t; write its latents, or its innovations."""
    half = np.float32(0.5)
    for row in range(t * batch, (t + 1) * batch):
        line = statistics[row * 2 * width : (row + 1) * 2 * width]
        noise = innovations[row * width : (row + 1) * width]
        w = latents[(row + batch) * width : (row + batch + 1) * width]
        for k in range(2 * width):
            line[k] += f[k]
        for k in range(width):
            p = np.exp(half * min(max(line[width + k], low), high))
            if inverse:
                noise[k] = (w[k] - line[k]) / p
            else:
                w[k] = line[k] + p * noise[k]


@register_jitable
def _forward(
    condition,
    innovations,
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
    given_steps,
    steps,
    batch,
    width,
    embedding,
    size,
    workspace,
):
    blocks, columns = block_count(GATES, size), GATES * LANES
    latent_panels, workspace = pack(E, width, WIDE, 0, 1, embedding, workspace)
    input_panels, workspace = pack(W, embedding, GATES, 0, GATES, size, workspace)
    panels, workspace = pack(U, size, GATES, 0, GATES, size, workspace)
    head_panels, workspace = pack(F, size, WIDE, 0, 1, 2 * width, workspace)
    biases, workspace = take(workspace, blocks * ROW_VECTORS * LANES)
    fill_biases(biases, a, b, blocks, size)
    # The equations of a few rows wait for each other's results, those of several blocks don't.
    group = min(blocks, max(1, ROWS // batch))
    given, workspace = take(workspace, group * batch * columns)
    product, workspace = take(workspace, group * batch * columns)
    wide_blocks = max(block_count(1, embedding), block_count(1, 2 * width))
    wide, workspace = take(workspace, wide_blocks * batch * WIDTH)
    for t in range(steps):
        rows = batch * embedding
        multiply_panels(
            wide,
            batch * WIDTH,
            latents,
            t * batch * width,
            width,
            batch,
            latent_panels,
            block_count(1, embedding),
            WIDE,
        )
        _squash(inputs, t * rows, wide, condition, min(t, given_steps - 1) * rows, batch, embedding)
        for first in range(0, blocks, group):
            count = min(group, blocks - first)
            these, those = (
                input_panels[first * embedding * columns :],
                panels[first * size * columns :],
            )
            multiply_panels(
                given, batch * columns, inputs, t * rows, embedding, batch, these, count, GATES
            )
            multiply_panels(
                product,
                batch * columns,
                hidden,
                t * batch * size,
                size,
                batch,
                those,
                count,
                GATES,
            )
            for block in range(first, first + count):
                start = (block - first) * batch * columns
                gate_rows(
                    given,
                    start,
                    product[start:],
                    biases,
                    hidden,
                    a[:0],
                    gates,
                    t,
                    block,
                    blocks,
                    batch,
                    size,
                )
        states = (t + 1) * batch * size
        multiply_panels(
            wide,
            batch * WIDTH,
            hidden,
            states,
            size,
            batch,
            head_panels,
            block_count(1, 2 * width),
            WIDE,
        )
        unpack(statistics, t * batch * 2 * width, 2 * width, wide, batch, 2 * width)
        _draw(innovations, latents, statistics, f, t, batch, width, low, high, inverse)


@register_jitable
def _forward_space(batch, width, embedding, size):
    """Return the floats that `_forward` takes."""
    blocks = block_count(GATES, size)
    panels = blocks * (embedding + size) * GATES * LANES
    panels += wide_space(width, embedding) + wide_space(size, 2 * width)
    products = 2 * blocks * batch * GATES * LANES + wide_space(batch, max(embedding, 2 * width))
    return panels + products + blocks * ROW_VECTORS * LANES + 10 * LINE


_inner = inner(_forward)


@kernel
def prior_forward_tiles(
    condition,
    innovations,
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
):
    """Do what the contract of prior.py says."""
    steps, batch, width = innovations.shape
    embedding, size = inputs.shape[2], hidden.shape[2]
    workspace = aligned(_forward_space(batch, width, embedding, size))
    mode = flush()
    _inner(
        condition.reshape(-1),
        innovations.reshape(-1),
        latents.reshape(-1),
        hidden.reshape(-1),
        inputs.reshape(-1),
        statistics.reshape(-1),
        gates.reshape(-1),
        E.reshape(-1),
        W.reshape(-1),
        U.reshape(-1),
        a,
        b,
        F.reshape(-1),
        f,
        np.float32(low),
        np.float32(high),
        inverse,
        len(condition),
        steps,
        batch,
        width,
        embedding,
        size,
        workspace,
    )
    unflush(mode)
