"""A layer of `Recurrent` on register tiles, for some rows; may be skipped.

    layer_forward(..)     outputs from inputs
    layer_backward(..)    errors before the activation, and the gradient of the inputs

A layer's weights lie in the panels of an RNN, a cell with one gate. Without an activation its slope
is 1. `Layer`: kernels/chains.py; Memory: kernels/simd/vector.py. Offsets count floats.
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic, register_jitable

from neural_networks.components.kernels.simd.cell import WIDE
from neural_networks.components.kernels.simd.panels import add_input_gradient, multiply_panels
from neural_networks.components.kernels.simd.vector import LANES, Memory, mask_of, spread
from neural_networks.components.kernels.simd.workspace import WIDTH


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
def layer_forward(out, layer, source, rows, weights, panels, product, given, given_step, slope):
    """Write a layer's outputs (rows, outputs) from `source` (rows, inputs).

    `given` (blocks, .., WIDTH) is added to the products, blocks `given_step` apart; 0 for a row of
    zeros that all have.
    """
    multiply_panels(
        product,
        rows * WIDTH,
        source,
        layer.inputs,
        rows,
        panels[layer.panels :],
        layer.blocks,
        WIDE,
    )
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
def layer_backward(out, add, layer, d, error, values, slope, panels, product):
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
