"""A dense layer and the squared error inside other kernels: dense.py and losses.py for some rows at a time, on flat vectors.

dense(out, x, rows, inputs, outputs, weight, bias, workspace) dense_backward(dx, dweight, dbias,
dy, x, rows, inputs, outputs, weight, workspace) squared_error(y, target, rows, outputs, scale,
workspace) -> the sum of the squares; y becomes its gradient
"""

from __future__ import annotations

from numba.extending import register_jitable

from neural_networks.components.kernels.simd.matrix import multiply_tiles
from neural_networks.components.kernels.simd.workspace import take_zeros


@register_jitable
def dense(out, x, rows, inputs, outputs, weight, bias, workspace):
    """Write out (rows, outputs) = x W + b."""
    multiply_tiles(out, rows, outputs, x, inputs, 1, weight, outputs, 1, inputs, 0, workspace)
    for row in range(rows):
        line = out[row * outputs : (row + 1) * outputs]
        for j in range(outputs):
            line[j] += bias[j]


@register_jitable
def dense_backward(dx, dweight, dbias, dy, x, rows, inputs, outputs, weight, workspace):
    """Write dx = dy W^T and add dW = x^T dy, db = sum of dy."""
    multiply_tiles(dx, rows, inputs, dy, outputs, 1, weight, 1, outputs, outputs, 0, workspace)
    multiply_tiles(dweight, inputs, outputs, x, 1, inputs, dy, outputs, 1, rows, 1, workspace)
    sums, workspace = take_zeros(workspace, outputs)
    for row in range(rows):
        line = dy[row * outputs : (row + 1) * outputs]
        for j in range(outputs):
            sums[j] += line[j]
    for j in range(outputs):
        dbias[j] += sums[j]


@register_jitable
def squared_error(y, target, rows, outputs, scale, workspace):
    """Replace y by dy = scale (y - target) and return the sum of (y - target)^2."""
    # a column's each, so that vectors of them can be added
    squares, workspace = take_zeros(workspace, outputs)
    for row in range(rows):
        line, wanted = (
            y[row * outputs : (row + 1) * outputs],
            target[row * outputs : (row + 1) * outputs],
        )
        for j in range(outputs):
            error = line[j] - wanted[j]
            squares[j] += error * error
            line[j] = scale * error
    total = 0.0
    for j in range(outputs):
        total += squares[j]
    return total
