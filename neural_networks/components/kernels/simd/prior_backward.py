"""Backpropagation through a prior's own draws, on register tiles in float32.

The plain loops in prior.py say what is computed. Here the gates' gradients of a few steps
stay in the second cache until the GRU's weight gradients are summed from them, as in
time.py. All arrays are flat; letters as in prior.py; blocks, panels and `d` as in
panels.py.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels import inner, kernel
from neural_networks.components.kernels.gru import gradient_rows
from neural_networks.components.kernels.simd.chunks import finish, sum_chunk
from neural_networks.components.kernels.simd.panels import (
    add_input_gradient,
    multiply_panels,
    pack,
    pack_turned,
)
from neural_networks.components.kernels.simd.prior_forward import (
    GATES,
    ROW_VECTORS,
    unpack,
    wide_space,
)
from neural_networks.components.kernels.simd.vector import LANES, ROWS, flush, unflush
from neural_networks.components.kernels.simd.workspace import (
    GROUP,
    LINE,
    WIDE,
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
    """Return a matrix (rows, columns) turned, and the workspace that is left."""
    turned, workspace = take(workspace, rows * columns)
    for row in range(rows):
        for column in range(columns):
            turned[column * rows + row] = matrix[row * columns + column]
    return turned, workspace


@register_jitable
def _draw_gradient(
    dinnovations, dstatistics, dlatents, innovations, statistics, t, batch, width, low, high
):
    """Write the gradients of the innovations and of the statistics of step t."""
    half = np.float32(0.5)
    for row in range(t * batch, (t + 1) * batch):
        line = statistics[row * 2 * width : (row + 1) * 2 * width]
        dline = dstatistics[row * 2 * width : (row + 1) * 2 * width]
        noise = innovations[row * width : (row + 1) * width]
        dnoise = dinnovations[row * width : (row + 1) * width]
        dw = dlatents[(row + batch) * width : (row + batch + 1) * width]
        for k in range(width):
            raw = line[width + k]
            p = np.exp(half * min(max(raw, low), high))
            dnoise[k] = dw[k] * p
            dline[k] = dw[k]
            inside = raw >= low and raw <= high
            dline[width + k] = half * dw[k] * p * noise[k] if inside else np.float32(0)


@register_jitable
def _backward(
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
    steps,
    batch,
    width,
    embedding,
    size,
    workspace,
):
    columns, row_step = GATES * LANES, ROW_VECTORS * LANES
    blocks, chunk = block_count(GATES, size), chunk_steps(steps, batch)
    block_step = chunk * batch * row_step
    one = np.float32(1)
    panels, workspace = pack_turned(U, size, GATES, 2, GATES, size, workspace)
    input_panels, workspace = pack_turned(W, embedding, GATES, 0, GATES, size, workspace)
    turned, workspace = _turned(E, width, embedding, workspace)
    latent_panels, workspace = pack(turned, embedding, WIDE, 0, 1, width, workspace)
    turned, workspace = _turned(F, size, 2 * width, workspace)
    head_panels, workspace = pack(turned, 2 * width, WIDE, 0, 1, size, workspace)
    wide, workspace = take(
        workspace, max(block_count(1, size), block_count(1, width)) * batch * WIDTH
    )
    above, workspace = take(workspace, batch * size)
    carried, workspace = take(workspace, batch * width)
    d, workspace = take(workspace, blocks * block_step)
    now, workspace = take(workspace, batch * blocks * columns)
    packed, workspace = take(workspace, (max(size, embedding) + ROWS) * chunk * batch)
    product, workspace = take(workspace, GROUP * WIDTH)
    biases, workspace = take_zeros(workspace, blocks * row_step)
    sums, workspace = take_zeros(workspace, blocks * (size + ROWS) * columns)
    input_sums, workspace = take_zeros(workspace, blocks * (embedding + ROWS) * columns)
    dfirst[:] = 0
    for stop in range(steps, 0, -chunk):
        begin = max(0, stop - chunk)
        for t in range(stop - 1, begin - 1, -1):
            _draw_gradient(
                dinnovations,
                dstatistics,
                dlatents,
                innovations,
                statistics,
                t,
                batch,
                width,
                low,
                high,
            )
            multiply_panels(
                wide,
                batch * WIDTH,
                dstatistics,
                t * batch * 2 * width,
                2 * width,
                batch,
                head_panels,
                block_count(1, size),
                WIDE,
            )
            unpack(above, 0, size, wide, batch, size)
            local = (t - begin) * batch * row_step
            for block in range(blocks):
                gradient_rows(
                    d,
                    block * block_step + local,
                    now,
                    block * columns,
                    dfirst,
                    dfirst[:0],
                    above,
                    0,
                    size,
                    hidden,
                    dfirst[:0],
                    gates,
                    t,
                    block,
                    blocks,
                    batch,
                    size,
                )
            add_input_gradient(
                dfirst,
                0,
                size,
                now,
                0,
                blocks * columns,
                columns,
                batch,
                panels,
                blocks,
                GATES,
                1,
                product,
            )
            add_input_gradient(
                dinputs,
                t * batch * embedding,
                embedding,
                d,
                local + LANES,
                row_step,
                block_step,
                batch,
                input_panels,
                blocks,
                GATES,
                0,
                product,
            )
            values = inputs[t * batch * embedding : (t + 1) * batch * embedding]
            dvalues = dinputs[t * batch * embedding : (t + 1) * batch * embedding]
            for j in range(batch * embedding):
                dvalues[j] *= one - values[j] * values[j]
            multiply_panels(
                wide,
                batch * WIDTH,
                dinputs,
                t * batch * embedding,
                embedding,
                batch,
                latent_panels,
                block_count(1, width),
                WIDE,
            )
            unpack(carried, 0, width, wide, batch, width)
            before = dlatents[t * batch * width : (t + 1) * batch * width]
            for j in range(batch * width):
                before[j] += carried[j]
        sum_chunk(
            sums,
            input_sums,
            biases,
            packed,
            hidden,
            inputs,
            d,
            begin * batch,
            (stop - begin) * batch,
            size,
            embedding,
            row_step,
            block_step,
            blocks,
            GATES,
            LANES,
            False,
            workspace,
        )
    finish(
        dfirst[:0],
        dW,
        dU,
        da,
        db,
        sums,
        input_sums,
        biases,
        packed,
        inputs,
        sums,
        input_panels,
        product,
        batch,
        size,
        embedding,
        row_step,
        blocks,
        GATES,
        LANES,
        2,
        GATES,
        False,
    )


@register_jitable
def _backward_space(steps, batch, width, embedding, size):
    """Return the floats that `_backward` takes beside those of a GRU."""
    floats = (
        2 * width * size
        + width * embedding
        + wide_space(embedding, width)
        + wide_space(2 * width, size)
    )
    floats += wide_space(batch, max(size, width)) + batch * (size + width) + 10 * LINE
    return floats + backward_space(GATES, ROW_VECTORS, GATES, steps, steps, batch, embedding, size)


_inner = inner(_backward)


@kernel
def prior_backward_tiles(
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
):
    """Do what prior.py says; the gradients of E, F and f are left to the caller."""
    steps, batch, width = innovations.shape
    embedding, size = inputs.shape[2], hidden.shape[2]
    workspace = aligned(_backward_space(steps, batch, width, embedding, size))
    mode = flush()
    _inner(
        dinnovations.reshape(-1),
        dinputs.reshape(-1),
        dstatistics.reshape(-1),
        dlatents.reshape(-1),
        dfirst.reshape(-1),
        dW.reshape(-1),
        dU.reshape(-1),
        da,
        db,
        innovations.reshape(-1),
        latents.reshape(-1),
        hidden.reshape(-1),
        inputs.reshape(-1),
        statistics.reshape(-1),
        gates.reshape(-1),
        E.reshape(-1),
        W.reshape(-1),
        U.reshape(-1),
        F.reshape(-1),
        np.float32(low),
        np.float32(high),
        steps,
        batch,
        width,
        embedding,
        size,
        workspace,
    )
    unflush(mode)
