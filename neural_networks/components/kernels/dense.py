"""A dense layer and the squared error for other kernels: some rows at a time, on flat vectors.

    dense(out, x, rows, layer, workspace)
    dense_backward(dx, grads, dy, x, rows, layer, workspace)
    squared_error(y, target, rows, outputs, scale, workspace)    the sum; y becomes its gradient

The mathematics is that of components/dense.py and components/losses.py; the matrix products run on
register tiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from neural_networks.components.kernels.simd.matrix import Matrix, multiply_tiles
from neural_networks.components.kernels.simd.workspace import take_zeros


class Layer(NamedTuple):
    """The weights of a dense layer; the vectors may be longer."""

    inputs: int
    outputs: int
    weight: np.ndarray  # (inputs, outputs), flat
    bias: np.ndarray  # (outputs,)


@register_jitable
def layer_of(weights, inputs, outputs):
    """Return the layer whose weight and bias begin a vector."""
    return Layer(inputs, outputs, weights, weights[inputs * outputs :])


@register_jitable
def dense(out, x, rows, layer, workspace):
    """Write out (rows, outputs) = x W + b."""
    inputs, outputs, weight, bias = layer
    left, right = Matrix(x, inputs, 1), Matrix(weight, outputs, 1)
    multiply_tiles(out, rows, outputs, left, right, inputs, 0, workspace)
    for row in range(rows):
        line = out[row * outputs : (row + 1) * outputs]
        for j in range(outputs):
            line[j] += bias[j]


@register_jitable
def dense_backward(dx, grads, dy, x, rows, layer, workspace):
    """Write dx = dy W^T and add dW = x^T dy, db = sum of dy to a Layer of gradients."""
    inputs, outputs, weight, _ = layer
    errors, transposed = Matrix(dy, outputs, 1), Matrix(weight, 1, outputs)
    multiply_tiles(dx, rows, inputs, errors, transposed, outputs, 0, workspace)
    multiply_tiles(grads.weight, inputs, outputs, Matrix(x, 1, inputs), errors, rows, 1, workspace)
    sums, workspace = take_zeros(workspace, outputs)
    for row in range(rows):
        line = dy[row * outputs : (row + 1) * outputs]
        for j in range(outputs):
            sums[j] += line[j]
    for j in range(outputs):
        grads.bias[j] += sums[j]


@register_jitable
def squared_error(y, target, rows, outputs, scale, workspace):
    """Replace y by dy = scale (y - target) and return the sum of (y - target)^2."""
    # one sum per column, so that they can be added as vectors
    squares, workspace = take_zeros(workspace, outputs)
    for row in range(rows):
        start, stop = row * outputs, (row + 1) * outputs
        line, wanted = y[start:stop], target[start:stop]
        for j in range(outputs):
            error = line[j] - wanted[j]
            squares[j] += error * error
            line[j] = scale * error
    total = 0.0
    for j in range(outputs):
        total += squares[j]
    return total
