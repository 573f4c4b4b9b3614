"""The loops over time of all gated cells on register tiles; a cell has the equations of a block.

    forward_over_time(fill_biases, gate_rows, multiply, cell, shape, states, weights, workspace)
    backward_over_time(
        gradient_rows, add_gradient, cell, shape, errors, grads, states, weights, workspace
    )

    fill_biases(biases, weights, shape)
        the biases in vectors, block after block
    multiply(..), add_gradient(..)
        those of panels.py for the cell's vectors
    gate_rows(given, product, biases, states, shape, t, block)
        the gates and the next states of all rows of a block, from the products of the input
        (`given`) and of the state (`product`)
    gradient_rows(d, now, above, errors, states, shape, t, block)
        the gate gradients of all rows of a block: to `d` for the weights, to `now` for the state
        before. `above` (B, H) is the gradient of the states from outside

Tuples and letters: see kernels/simd/cell.py; blocks and panels: kernels/simd/panels.py. Weights are
copied into panels once per call, which pays after a few time steps.
"""

from __future__ import annotations

from neural_networks.components.kernels import body
from neural_networks.components.kernels.simd.cell import Rows, Sums
from neural_networks.components.kernels.simd.chunks import add_sums, sum_chunk, sum_steps
from neural_networks.components.kernels.simd.panels import (
    add_input_gradient,
    pack,
    pack_turned,
)
from neural_networks.components.kernels.simd.vector import LANES, ROWS
from neural_networks.components.kernels.simd.workspace import (
    GROUP,
    WIDTH,
    chunk_steps,
    steps_ahead,
    take,
    take_zeros,
)


@body
def forward_over_time(fill_biases, gate_rows, multiply, cell, shape, states, weights, workspace):
    """Write the states, all but the first, and the gate values for the backward pass."""
    batch, features, size, blocks = shape.batch, shape.features, shape.size, shape.blocks
    width = cell.vectors * LANES
    input_panels, workspace = pack(weights.W, features, cell, size, workspace)
    panels, workspace = pack(weights.U, size, cell, size, workspace)
    biases, workspace = take(workspace, blocks * cell.row_vectors * LANES)
    fill_biases(biases, weights, shape)
    # The input's products of a few steps at a time, so that in between its panels do not push those
    # of the state out of the cache.
    chunk = steps_ahead(shape)
    given, workspace = take(workspace, blocks * chunk * batch * width)
    # The equations of a few rows wait for each other's results; those of several blocks don't.
    group = min(blocks, max(1, ROWS // batch))
    product, workspace = take(workspace, group * batch * width)
    for t in range(shape.steps):
        if t < shape.given_steps and t % chunk == 0:
            rows = min(chunk, shape.given_steps - t) * batch
            x = states.x[t * batch * features :]
            multiply(given, chunk * batch * width, x, features, rows, input_panels, blocks)
        now = t % chunk * batch
        hidden = states.hidden[t * batch * size :]
        for first in range(0, blocks, group):
            count = min(group, blocks - first)
            these = panels[first * size * width :]
            multiply(product, batch * width, hidden, size, batch, these, count)
            for block in range(first, first + count):
                of_input = given[(block * chunk * batch + now) * width :]
                of_state = product[(block - first) * batch * width :]
                gate_rows(of_input, of_state, biases, states, shape, t, block)


@body
def backward_over_time(
    gradient_rows, add_gradient, cell, shape, errors, grads, states, weights, workspace
):
    """Add the gradients of the weights and write those of the first states, and of x if asked."""
    batch, features, size, blocks = shape.batch, shape.features, shape.size, shape.blocks
    vectors, width, row_step = cell.vectors, cell.vectors * LANES, cell.row_vectors * LANES
    chunk = chunk_steps(cell, shape)
    block_step = chunk * batch * row_step
    repeated = shape.given_steps < shape.steps
    panels, workspace = pack_turned(weights.U, size, cell, cell.turn, size, workspace)
    input_panels = panels
    if errors.dx.size > 0:
        input_panels, workspace = pack_turned(weights.W, features, cell, 0, size, workspace)
    d, workspace = take(workspace, blocks * block_step)
    now, workspace = take(workspace, batch * blocks * width)
    over_time, workspace = take_zeros(workspace, blocks * batch * row_step if repeated else 0)
    packed, workspace = take(workspace, (max(size, features) + ROWS) * chunk * batch)
    product, workspace = take(workspace, GROUP * WIDTH)
    biases, workspace = take_zeros(workspace, blocks * row_step)
    of_state, workspace = take_zeros(workspace, blocks * (size + ROWS) * width)
    of_input, workspace = take_zeros(workspace, blocks * (features + ROWS) * width)
    sums = Sums(of_state, of_input, biases, over_time, packed)
    nothing, workspace = take_zeros(workspace, batch * size)
    before = Rows(now, batch, blocks * width, width)
    errors.dfirst[:] = 0
    errors.dcell[:] = 0
    for stop in range(shape.steps, 0, -chunk):
        begin = max(0, stop - chunk)
        for t in range(stop - 1, begin - 1, -1):
            step_above = t - shape.steps + shape.above_steps
            above = nothing
            if step_above >= 0:
                above = errors.dhidden[step_above * batch * size :]
            local = d[(t - begin) * batch * row_step :]
            for block in range(blocks):
                gradient_rows(
                    local[block * block_step :],
                    now[block * width :],
                    above,
                    errors,
                    states,
                    shape,
                    t,
                    block,
                )
            add_input_gradient(
                errors.dfirst, size, before, panels, blocks, vectors, cell.carries, product
            )
            if repeated:
                sum_steps(over_time, Rows(local, batch, row_step, block_step), blocks)
        rows = (stop - begin) * batch
        sum_chunk(
            add_gradient,
            cell,
            shape,
            sums,
            states,
            Rows(d, rows, row_step, block_step),
            begin * batch,
            workspace,
        )
        if errors.dx.size > 0 and not repeated:
            dx = errors.dx[begin * batch * features :]
            of_gates = Rows(d[cell.input_start :], rows, row_step, block_step)
            add_input_gradient(dx, features, of_gates, input_panels, blocks, vectors, 0, product)
    add_sums(add_gradient, cell, shape, errors, grads, sums, states.x, input_panels, product)
