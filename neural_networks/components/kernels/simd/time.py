"""The loops over time of all gated cells on register tiles; a cell brings its equations for the rows of one block of units.

    forward_over_time(fill_biases, gate_rows, vectors, row_vectors, gates, ..)
    backward_over_time(gradient_rows, vectors, row_vectors, gates, turn, input_start, add, ..)

    fill_biases(biases, a, b, blocks, size) gate_rows(given, given_start, product, biases, hidden,
    cells, values, t, block, blocks, batch, size)
        the gates and the next states of all rows, from the input's products `given` and the state's
        `product`
    gradient_rows(d, to, now, to_now, dfirst, dcell, above, above_start, above_step, hidden, cells,
    values, t, block, blocks, batch, size)
        the gradients of the gates of all rows, to `d` for the weights and to `now` for the state
        before

    T, B, F, H, G = time steps, batch, input size, hidden size, gates; blocks and panels as in
    kernels/simd/panels.py
    hidden, cells    (T+1, B, H)  the states; a cell without a second one has cells (0,)
    values           what the gates leave for the backward pass, (T, blocks, B, 4 LANES)
    x                (given_steps, B, F): T steps, or one input that every step gets
    dhidden          (above_steps, B, H): T steps, or the last alone
    dfirst, dcell    (B, H)       out: the gradients of the first states
    W, U, a, b       the weights of the input and of the state, and their biases; a cell with one bias has b (0,)
    vectors          that a block's weights have in a row; row_vectors: that its gradients have
    turn             the gate that the first vector of the state's weights belongs to; input_start: the place in a row of the gradients
                     of the input's products
    add              whether `gradient_rows` leaves in dfirst what passes around the gates

All arrays are flat. Weights are copied into panels once per call, which T steps pay for.
"""

from __future__ import annotations

from numba.extending import register_jitable

from neural_networks.components.kernels.simd.chunks import finish, sum_chunk, sum_steps
from neural_networks.components.kernels.simd.panels import (
    add_input_gradient,
    multiply_panels,
    pack,
    pack_turned,
)
from neural_networks.components.kernels.simd.vector import LANES, ROWS
from neural_networks.components.kernels.simd.workspace import (
    GROUP,
    WIDTH,
    block_count,
    chunk_steps,
    steps_ahead,
    take,
    take_zeros,
)


@register_jitable
def forward_over_time(
    fill_biases,
    gate_rows,
    vectors,
    row_vectors,
    gates,
    hidden,
    cells,
    values,
    x,
    given_steps,
    steps,
    batch,
    features,
    size,
    W,
    U,
    a,
    b,
    workspace,
):
    """Write the states, all but the first, and what the backward pass needs of the gates."""
    width = vectors * LANES
    blocks = block_count(gates, size)
    input_panels, workspace = pack(W, features, vectors, 0, gates, size, workspace)
    panels, workspace = pack(U, size, vectors, 0, gates, size, workspace)
    biases, workspace = take(workspace, blocks * row_vectors * LANES)
    fill_biases(biases, a, b, blocks, size)
    # The input's products of a few steps at a time, so that in between its panels do not push those
    # of the state out of the cache.
    chunk = steps_ahead(given_steps, batch)
    given, workspace = take(workspace, blocks * chunk * batch * width)
    # The equations of a few rows wait for each other's results: those of several blocks at a time
    # don't.
    group = min(blocks, max(1, ROWS // batch))
    product, workspace = take(workspace, group * batch * width)
    for t in range(steps):
        if t < given_steps and t % chunk == 0:
            rows = min(chunk, given_steps - t) * batch
            multiply_panels(
                given,
                chunk * batch * width,
                x,
                t * batch * features,
                features,
                rows,
                input_panels,
                blocks,
                vectors,
            )
        now = t % chunk * batch
        for first in range(0, blocks, group):
            count = min(group, blocks - first)
            these = panels[first * size * width :]
            multiply_panels(
                product, batch * width, hidden, t * batch * size, size, batch, these, count, vectors
            )
            for block in range(first, first + count):
                given_start = (block * chunk * batch + now) * width
                of_block = product[(block - first) * batch * width :]
                gate_rows(
                    given,
                    given_start,
                    of_block,
                    biases,
                    hidden,
                    cells,
                    values,
                    t,
                    block,
                    blocks,
                    batch,
                    size,
                )


@register_jitable
def backward_over_time(
    gradient_rows,
    vectors,
    row_vectors,
    gates,
    turn,
    input_start,
    add,
    dx,
    dfirst,
    dcell,
    dW,
    dU,
    da,
    db,
    dhidden,
    given_steps,
    above_steps,
    hidden,
    cells,
    values,
    x,
    steps,
    batch,
    features,
    size,
    W,
    U,
    workspace,
):
    """Add the gradients of the weights and write those of the first states, and of x if dx is not empty."""
    width, row_step = vectors * LANES, row_vectors * LANES
    blocks = block_count(gates, size)
    chunk = chunk_steps(steps, batch)
    block_step = chunk * batch * row_step
    repeated = given_steps < steps
    panels, workspace = pack_turned(U, size, vectors, turn, gates, size, workspace)
    input_panels = panels
    if dx.size > 0:
        input_panels, workspace = pack_turned(W, features, vectors, 0, gates, size, workspace)
    d, workspace = take(workspace, blocks * block_step)
    now, workspace = take(workspace, batch * blocks * width)
    sums_of_time, workspace = take_zeros(workspace, blocks * batch * row_step if repeated else 0)
    packed, workspace = take(workspace, (max(size, features) + ROWS) * chunk * batch)
    product, workspace = take(workspace, GROUP * WIDTH)
    biases, workspace = take_zeros(workspace, blocks * row_step)
    sums, workspace = take_zeros(workspace, blocks * (size + ROWS) * width)
    input_sums, workspace = take_zeros(workspace, blocks * (features + ROWS) * width)
    nothing, workspace = take_zeros(workspace, size)
    dfirst[:] = 0
    dcell[:] = 0
    for stop in range(steps, 0, -chunk):
        begin = max(0, stop - chunk)
        rows = (stop - begin) * batch
        for t in range(stop - 1, begin - 1, -1):
            from_above = (t - steps + above_steps) * batch * size
            above, above_start, above_step = dhidden, from_above, size
            if from_above < 0:
                above, above_start, above_step = nothing, 0, 0
            local = (t - begin) * batch
            for block in range(blocks):
                gradient_rows(
                    d,
                    block * block_step + local * row_step,
                    now,
                    block * width,
                    dfirst,
                    dcell,
                    above,
                    above_start,
                    above_step,
                    hidden,
                    cells,
                    values,
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
                blocks * width,
                width,
                batch,
                panels,
                blocks,
                vectors,
                add,
                product,
            )
            if repeated:
                sum_steps(sums_of_time, d, local * row_step, batch, row_step, block_step, blocks)
        sum_chunk(
            sums,
            input_sums,
            biases,
            packed,
            hidden,
            x,
            d,
            begin * batch,
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
        )
        if dx.size > 0 and not repeated:
            to = begin * batch * features
            add_input_gradient(
                dx,
                to,
                features,
                d,
                input_start,
                row_step,
                block_step,
                rows,
                input_panels,
                blocks,
                vectors,
                0,
                product,
            )
    finish(
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
    )
