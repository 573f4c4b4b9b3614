"""Tangents of `Recurrent`: the contract is in rules.py, the equations in recurrent.py.

Both networks of the cell are piecewise linear, so tangents and errors pass the same matrices and
the same slopes of the leaky ReLUs as the forward pass, and there is no curvature.
"""

from __future__ import annotations

import numpy as np

from neural_networks.components.kernels.chains import Layers, Values, layers_of, values_of
from neural_networks.components.kernels.recurrent import (
    add_products,
    inputs_of,
    recurrent_errors,
)
from neural_networks.components.recurrent import Recurrent, RecurrentCache

Arrays = list[np.ndarray]


def traced_backward(
    layer: Recurrent, dy: np.ndarray, cache: RecurrentCache
) -> tuple[np.ndarray, Arrays]:
    """Return dx, shaped like the x of forward, and the errors before each layer's activation."""
    errors, dx, _ = recurrent_errors(dy, cache.values, layer.layers(), layer.slope)
    return (dx.sum(axis=0) if cache.repeated else dx), errors


def tangent_forward(
    layer: Recurrent, x_tangent: np.ndarray, cache: RecurrentCache
) -> tuple[np.ndarray, tuple[np.ndarray, Values]]:
    """Return the tangent of y (T, B, O); and those of x (T, B, F) and of all layers' values."""
    (inner, outer), outputs = layer.layers(), cache.values.outputs
    count = len(inner)
    tangents = values_of(np.zeros_like(cache.memory), cache.chains)  # the first state is a constant
    x_tangent = np.broadcast_to(x_tangent, (cache.chains.steps, *cache.x.shape[1:]))
    for t, given in enumerate(x_tangent):
        joined = np.concatenate([tangents.hidden[t], given], axis=1)
        now, values = ([a[t] for a in arrays[:count]] for arrays in (tangents.outputs, outputs))
        _chain_forward(now, joined, values, inner, layer.slope)
    read = tangents.hidden[1:]
    _chain_forward(tangents.outputs[count:], read, outputs[count:], outer, layer.slope)
    return tangents.outputs[-1], (x_tangent, tangents)


def tangent_backward(
    layer: Recurrent,
    dy_tangent: np.ndarray,
    cache: RecurrentCache,
    trace: Arrays,
    tangents: tuple[np.ndarray, Values],
) -> np.ndarray:
    """Return the tangent of dx (T, B, F); add those of the weights' gradients."""
    dx_tangent, errors = traced_backward(layer, dy_tangent, cache)
    layers, (x_tangent, changes) = layer.layers(), tangents
    grads = (
        layers_of(layer.input_weights.grad, layer.input_layers),
        layers_of(layer.output_weights.grad, layer.output_layers),
    )
    add_products(grads, inputs_of(cache.values, cache.x, layers), errors)
    unbiased = _without_biases(grads[0]), _without_biases(grads[1])
    add_products(unbiased, inputs_of(changes, x_tangent, layers), trace)
    return dx_tangent


def _chain_forward(
    tangents: Arrays, tangent: np.ndarray, outputs: Arrays, layers: Layers, slope: float
) -> None:
    """Write the tangents of a chain: a W, times the slope where the output is negative."""
    for index, (weight, _) in enumerate(layers):
        tangent = tangent @ weight
        if index < len(layers) - 1:
            tangent = np.where(outputs[index] > 0, tangent, slope * tangent)
        tangents[index][...] = tangent


def _without_biases(grads: Layers) -> Layers:
    return [(dweight, np.zeros_like(dbias)) for dweight, dbias in grads]
