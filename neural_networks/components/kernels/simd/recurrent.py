"""The recurrence of `Recurrent` on register tiles; may be skipped: kernels/recurrent.py is plain.

Backward, the errors of all layers stay in the second-level cache for a chunk of time steps, until
the gradients of the weights are summed from them. `Chains` and `table`: kernels/chains.py.
"""

from __future__ import annotations

from typing import NamedTuple

from numba.extending import register_jitable

from neural_networks.components.kernels import kernel_in_workspace
from neural_networks.components.kernels.chains import layer_at
from neural_networks.components.kernels.simd.cell import RNN, WIDE, Rows
from neural_networks.components.kernels.simd.chunks import sum_steps
from neural_networks.components.kernels.simd.panels import (
    add_gradient_two,
    add_input_gradient,
    add_rows,
    multiply_two,
    pack,
    pack_rows,
    pack_turned,
    unpack_row,
    unpack_sums,
)
from neural_networks.components.kernels.simd.recurrent_layer import (
    Buffers,
    chain_backward,
    chain_forward,
)
from neural_networks.components.kernels.simd.vector import ROWS, flush, unflush
from neural_networks.components.kernels.simd.workspace import (
    AHEAD,
    CHUNK,
    CHUNK_ROWS,
    GROUP,
    LINE,
    WIDTH,
    aligned,
    block_count,
    take,
    take_zeros,
)


class Sizes(NamedTuple):
    """The sizes of a pass."""

    batch: int  # B
    steps: int  # T
    out_steps: int  # that the second chain reads
    size: int  # H
    inner: int  # layers of the first chain
    widest: int  # the most inputs or outputs of a layer
    given_steps: int  # of x
    features: int  # F


def recurrent_forward_on_tiles(memory, x, weights, chains, slope):
    """Do what `recurrent_forward` does."""
    end, ahead = chains.end, _steps_ahead(len(x), chains.batch)
    first, widest = chains.layers[0].blocks, block_count(1, chains.widest)
    floats = end.panels + WIDTH * (
        first * (x.shape[2] + ahead * chains.batch) + widest * max(chains.batch, GROUP) + 1
    )
    workspace = aligned(floats + 5 * LINE)
    _forward(memory, x, *weights, chains.table, _sizes(chains, x), slope, workspace)


def recurrent_backward_on_tiles(dx, dfirst, grads, dy, memory, x, weights, chains, slope):
    """Do what `recurrent_backward` does."""
    end, blocks = chains.end, chains.layers[0].blocks
    rows = _chunk_steps(end.first_block, chains.steps, chains.batch) * chains.batch
    floats = end.turned + end.sums + rows * (2 * chains.widest + ROWS + chains.size)
    floats += WIDTH * (end.first_block * (rows + 2) + GROUP)
    floats += WIDTH * blocks * (chains.batch + 2 * x.shape[2] + WIDTH + ROWS)
    workspace, sizes = aligned(floats + 12 * LINE), _sizes(chains, x)
    arrays = dx, dfirst, *grads, dy, memory, x, *weights, chains.table
    _backward(*arrays, sizes, slope, workspace)


def _sizes(chains, x):
    return (*chains[:6], len(x), x.shape[2])


@register_jitable
def _steps_ahead(given_steps, batch):
    """Return the number of time steps whose input products are computed at a time."""
    return min(given_steps, max(1, AHEAD // batch))


@register_jitable
def _chunk_steps(blocks, steps, batch):
    """Return the number of time steps in a chunk of the backward pass."""
    rows = max(CHUNK_ROWS[0], min(CHUNK_ROWS[1], CHUNK // (blocks * WIDTH)))
    return min(steps, max(1, rows // batch))


@kernel_in_workspace
def _forward(memory, x, input_weights, output_weights, table, sizes, slope, workspace):
    # NOTE: plain tuples, since a call from Python takes longer with named ones.
    shape, mode = Sizes(*sizes), flush()
    batch, inner, features = shape.batch, shape.inner, shape.features
    x, count, top = x.reshape(-1), len(table) - 1, layer_at(table, 0)
    of_x = input_weights[shape.size * top.outputs :]
    x_panels, workspace = pack(of_x, features, RNN, top.outputs, workspace)
    zeros, workspace = take_zeros(workspace, WIDTH)
    ahead = _steps_ahead(shape.given_steps, batch)
    given_step = ahead * batch * WIDTH
    given, workspace = take(workspace, top.blocks * given_step)
    product, panels = take(workspace, block_count(1, shape.widest) * max(batch, GROUP) * WIDTH)
    buffers, room = (panels, product, zeros), panels
    for index in range(count):
        layer, weights = layer_at(table, index), input_weights if index < inner else output_weights
        _, room = pack(weights[layer.weight :], layer.inputs, RNN, layer.outputs, room)
    for t in range(shape.steps):
        row = t * batch
        if t < shape.given_steps and t % ahead == 0:
            some, these = min(ahead, shape.given_steps - t) * batch, x[row * features :]
            multiply_two(given, given_step, these, features, some, x_panels, top.blocks)
        of_step = given[t % ahead * batch * WIDTH :]
        chain_forward(
            (0, inner),
            memory,
            row,
            batch,
            input_weights,
            table,
            buffers,
            of_step,
            given_step,
            slope,
        )
    for row in range(0, shape.out_steps * batch, GROUP):
        rows = min(GROUP, shape.out_steps * batch - row)
        chain_forward(
            (inner, count), memory, row, rows, output_weights, table, buffers, zeros, 0, slope
        )
    unflush(mode)


@register_jitable
def _add_gradients(sums, packed, source, inputs, d, blocks):
    """Add the gradient of a weight, the inputs (rows, inputs) times the errors of all rows."""
    pack_rows(packed, source, d.rows, inputs, ROWS)
    add_gradient_two(sums, packed, inputs, d, blocks)


@kernel_in_workspace
def _backward(
    dx,
    dfirst,
    input_grads,
    output_grads,
    dy,
    memory,
    x,
    input_weights,
    output_weights,
    table,
    sizes,
    slope,
    workspace,
):
    shape, mode = Sizes(*sizes), flush()
    batch, steps, inner, features = shape.batch, shape.steps, shape.inner, shape.features
    dx, dfirst, dy, x = dx.reshape(-1), dfirst.reshape(-1), dy.reshape(-1), x.reshape(-1)
    count, top, end = len(table) - 1, layer_at(table, 0), layer_at(table, len(table) - 1)
    outputs, skipped = table[count - 1, 1], (steps - shape.out_steps) * batch
    repeated = shape.given_steps < steps
    chunk = _chunk_steps(end.first_block, steps, batch)
    block_step = chunk * batch * WIDTH

    of_x = input_weights[shape.size * top.outputs :]
    x_panels, workspace = pack_turned(of_x, features, RNN, 0, top.outputs, workspace)
    x_sums, workspace = take_zeros(workspace, top.blocks * (features + ROWS) * WIDTH)
    over_time, workspace = take_zeros(workspace, top.blocks * batch * WIDTH if repeated else 0)
    sums, workspace = take_zeros(workspace, end.sums)
    biases, workspace = take_zeros(workspace, end.first_block * WIDTH)
    d, workspace = take(workspace, end.first_block * block_step)
    dhidden, workspace = take(workspace, chunk * batch * shape.size)
    error, workspace = take(workspace, chunk * batch * shape.widest)
    packed, workspace = take(workspace, chunk * batch * (shape.widest + ROWS))
    product, workspace = take(workspace, GROUP * WIDTH)
    buffers = Buffers(d, block_step, dhidden, error, workspace, product)
    for index in range(count):
        layer, weights = layer_at(table, index), input_weights if index < inner else output_weights
        matrix = weights[layer.weight :]
        _, workspace = pack_turned(matrix, layer.inputs, RNN, 0, layer.outputs, workspace)

    dfirst[:] = 0
    for stop in range(steps, 0, -chunk):
        begin = max(0, stop - chunk)
        row, rows = begin * batch, (stop - begin) * batch
        start = min(rows, max(0, skipped - row))  # where the rows of the second chain begin
        dhidden[: rows * shape.size] = 0
        if start < rows:
            of_y = row + start - skipped
            chain_backward(
                (inner, count),
                memory,
                of_y,
                dy[of_y * outputs :],
                dhidden[start * shape.size :],
                0,
                table,
                buffers,
                start,
                rows - start,
                slope,
            )
        last = dhidden[(rows - batch) * shape.size :]
        for j in range(batch * shape.size):
            last[j] += dfirst[j]
        for now in range(rows - batch, -1, -batch):
            chain_backward(
                (0, inner),
                memory,
                row + now,
                dhidden[now * shape.size :],
                dhidden[(now - batch) * shape.size :] if now > 0 else dfirst,
                1 if now > 0 else 0,
                table,
                buffers,
                now,
                batch,
                slope,
            )
            if repeated:
                sum_steps(over_time, Rows(d[now * WIDTH :], batch, WIDTH, block_step), top.blocks)
        for index in range(count):
            layer, first, at = layer_at(table, index), 0, row
            if index >= inner:
                first, at = start, row + start - skipped
            of_layer = d[layer.first_block * block_step + first * WIDTH :]
            these = Rows(of_layer, rows - first, WIDTH, block_step)
            source = memory[layer.source + at * layer.inputs :]
            _add_gradients(sums[layer.sums :], packed, source, layer.inputs, these, layer.blocks)
            add_rows(biases[layer.first_block * WIDTH :], these, layer.blocks, workspace)
        if not repeated:
            these, at = Rows(d, rows, WIDTH, block_step), row * features
            _add_gradients(x_sums, packed, x[at:], features, these, top.blocks)
            if dx.size > 0:
                add_input_gradient(dx[at:], features, these, x_panels, top.blocks, WIDE, 0, product)
    if repeated:
        these = Rows(over_time, batch, WIDTH, batch * WIDTH)
        _add_gradients(x_sums, packed, x, features, these, top.blocks)
        if dx.size > 0:
            add_input_gradient(dx, features, these, x_panels, top.blocks, WIDE, 0, product)
    unpack_sums(input_grads[shape.size * top.outputs :], x_sums, features, RNN, 0, top.outputs)
    for index in range(count):
        layer, grads = layer_at(table, index), input_grads if index < inner else output_grads
        unpack_sums(grads[layer.weight :], sums[layer.sums :], layer.inputs, RNN, 0, layer.outputs)
        of_bias = biases[layer.first_block * WIDTH :]
        unpack_row(grads[layer.bias :], of_bias, RNN, 0, layer.outputs)
    unflush(mode)
