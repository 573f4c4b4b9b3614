"""The layers of `Recurrent` on register tiles, for some rows; may be skipped.

    chain_forward(..)     the outputs of all layers of a chain
    chain_backward(..)    their errors before the activation, and the gradient of the chain's inputs

A layer's weights lie in the panels of an RNN, a cell with one gate. Without an activation its slope
is 1. `Layer`: kernels/chains.py; Memory: kernels/simd/vector.py. Offsets count floats.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic, register_jitable

from neural_networks.components.kernels.chains import layer_at
from neural_networks.components.kernels.simd.cell import WIDE, Rows
from neural_networks.components.kernels.simd.panels import add_input_gradient, multiply_two
from neural_networks.components.kernels.simd.vector import LANES, Memory, mask_of, spread
from neural_networks.components.kernels.simd.workspace import WIDTH


class Buffers(NamedTuple):
    """What the backward pass works in."""

    d: np.ndarray  # the errors of all layers, (blocks, rows of a chunk, WIDTH)
    block_step: int  # floats between two blocks of them
    dhidden: np.ndarray  # (rows of a chunk, H), the gradient of the states
    error: np.ndarray  # that of the inputs of a layer
    panels: np.ndarray  # W^T of all layers
    product: np.ndarray  # (GROUP, WIDTH)


@intrinsic
def _activate(
    typing_context, out, start, product, product_start, given, given_start, b, b_start, slope, count
):
    """Write product + given + bias for `count` <= LANES outputs of a row, through a leaky ReLU."""
    index = types.intp
    signature = types.void(out, index, product, index, given, index, b, index, types.float32, index)

    def generate(context, builder, signature, arguments):
        out, product, given, bias = (
            Memory(context, builder, signature.args[place], arguments[place], arguments[place + 1])
            for place in (0, 2, 4, 6)
        )
        slope, mask = spread(builder, arguments[8]), mask_of(builder, arguments[9])
        value = product.load(0) + given.load(0) + bias.load_part(mask, 0)
        out.store_part(value.where_positive(value, value * slope), mask, 0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _through(typing_context, d, start, error, error_start, value, value_start, slope, count):
    """Write LANES errors before a leaky ReLU: `count` of those behind it, then zeros."""
    index = types.intp
    signature = types.void(d, index, error, index, value, index, types.float32, index)

    def generate(context, builder, signature, arguments):
        d, error, value = (
            Memory(context, builder, signature.args[place], arguments[place], arguments[place + 1])
            for place in (0, 2, 4)
        )
        slope, mask = spread(builder, arguments[6]), mask_of(builder, arguments[7])
        behind = error.load_part(mask, 0)
        d.store(value.load_part(mask, 0).where_positive(behind, behind * slope), 0)
        return context.get_dummy_value()

    return signature, generate


@register_jitable
def _layer_forward(out, layer, source, rows, weights, panels, product, given, given_step, slope):
    """Write a layer's outputs (rows, outputs) from `source` (rows, inputs).

    `given` (blocks, .., WIDTH) is added to the products, blocks `given_step` apart; 0 for a row of
    zeros that all have.
    """
    these = panels[layer.panels :]
    multiply_two(product, rows * WIDTH, source, layer.inputs, rows, these, layer.blocks)
    row_step = WIDTH if given_step > 0 else 0
    for block in range(layer.blocks):
        for v in range(WIDE):
            column = block * WIDTH + v * LANES
            count = min(LANES, layer.outputs - column)
            if count > 0:
                for row in range(rows):
                    _activate(
                        out,
                        row * layer.outputs + column,
                        product,
                        (block * rows + row) * WIDTH + v * LANES,
                        given,
                        block * given_step + row * row_step + v * LANES,
                        weights,
                        layer.bias + column,
                        slope,
                        count,
                    )


@register_jitable
def _layer_backward(out, add, layer, d, error, values, slope, panels, product):
    """Write a layer's errors `d` before its activation from those behind it, (rows, outputs).

    The gradient of the inputs is written to `out`, or added if `add` is 1; `values` are the outputs
    of the layer, `product` is a buffer (GROUP, WIDTH).
    """
    for block in range(layer.blocks):
        for v in range(WIDE):
            column = block * WIDTH + v * LANES
            count = max(0, min(LANES, layer.outputs - column))
            for row in range(d.rows):
                place = row * layer.outputs + column
                to = block * d.block_step + row * WIDTH + v * LANES
                _through(d.values, to, error, place, values, place, slope, count)
    turned = panels[layer.turned :]
    add_input_gradient(out, layer.inputs, d, turned, layer.blocks, WIDE, add, product)


@register_jitable
def chain_forward(layers, memory, row, rows, weights, table, buffers, given, given_step, slope):
    """Send `rows` rows from `row` on through the layers of one chain."""
    panels, product, zeros = buffers
    for index in range(layers[0], layers[1]):
        layer, first = layer_at(table, index), index == layers[0]
        _layer_forward(
            memory[layer.values + row * layer.outputs :],
            layer,
            memory[layer.source + row * layer.inputs :],
            rows,
            weights,
            panels,
            product,
            given if first else zeros,
            given_step if first else 0,
            slope if index < layers[1] - 1 else np.float32(1),
        )


@register_jitable
def chain_backward(layers, memory, row, behind, out, add, table, buffers, start, rows, slope):
    """Go back through the layers of one chain, for `rows` rows from `row` on.

    `behind` is the gradient of the chain's outputs, `out` receives that of its inputs, and in the
    buffers the rows begin at `start`.
    """
    for index in range(layers[1] - 1, layers[0] - 1, -1):
        layer = layer_at(table, index)
        d = buffers.d[layer.first_block * buffers.block_step + start * WIDTH :]
        _layer_backward(
            out if index == layers[0] else buffers.error,
            add if index == layers[0] else 0,
            layer,
            Rows(d, rows, WIDTH, buffers.block_step),
            behind,
            memory[layer.values + row * layer.outputs :],
            slope if index < layers[1] - 1 else np.float32(1),
            buffers.panels,
            buffers.product,
        )
        behind = buffers.error
