"""Tangents of `Recurrent`: the contract is in rules.py, the equations in recurrent.py.

Both networks of the cell are piecewise linear, so tangents and errors pass the same matrices and
the same slopes of the leaky ReLUs as the forward pass, and there is no curvature. Rows are [input |
every layer's values], as in kernels/recurrent.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_networks.components.recurrent import Recurrent, RecurrentCache

Layers = list[tuple[np.ndarray, np.ndarray]]  # (W, b) of each layer


class RecurrentRows(NamedTuple):
    """Errors before each activation, or tangents of the values, arranged as the cache's values."""

    inner: np.ndarray  # (T, B, sum of input_layers)
    outer: np.ndarray  # (T, B, sum of output_layers)


def traced_backward(
    layer: Recurrent, dy: np.ndarray, cache: RecurrentCache
) -> tuple[np.ndarray, RecurrentRows]:
    """Return dx, shaped like the x of forward, and the errors of all layers."""
    inner_layers, outer_layers = layer.layers()
    errors = RecurrentRows(np.empty_like(cache.inner), np.empty_like(cache.outer))
    hidden, inputs = layer.hidden_size, layer.hidden_size + layer.input_size
    errors.outer[..., -layer.output_size :] = dy
    _chain_backward(errors.outer, cache.outer, outer_layers, layer.slope)
    later = np.zeros_like(errors.inner[0, :, :hidden])
    for t in range(len(dy) - 1, -1, -1):
        errors.inner[t, :, -hidden:] = errors.outer[t, :, :hidden] + later
        _chain_backward(errors.inner[t], cache.inner[t], inner_layers, layer.slope)
        later = errors.inner[t, :, :hidden]
    dx = errors.inner[:, :, hidden:inputs]
    return (dx.sum(axis=0) if cache.repeated else np.ascontiguousarray(dx)), errors


def tangent_forward(
    layer: Recurrent, x_tangent: np.ndarray, cache: RecurrentCache
) -> tuple[np.ndarray, RecurrentRows]:
    """Return the tangent of y (T, B, O), and those of all layers' values."""
    inner_layers, outer_layers = layer.layers()
    tangents = RecurrentRows(np.empty_like(cache.inner), np.empty_like(cache.outer))
    hidden, inputs = layer.hidden_size, layer.hidden_size + layer.input_size
    tangents.inner[:, :, hidden:inputs] = x_tangent
    tangents.inner[0, :, :hidden] = 0  # the first state is a constant
    for t in range(len(tangents.inner)):
        if t:
            tangents.inner[t, :, :hidden] = tangents.inner[t - 1, :, -hidden:]
        _chain_forward(tangents.inner[t], cache.inner[t], inner_layers, layer.slope)
    tangents.outer[..., :hidden] = tangents.inner[..., -hidden:]
    _chain_forward(tangents.outer, cache.outer, outer_layers, layer.slope)
    return np.ascontiguousarray(tangents.outer[..., -layer.output_size :]), tangents


def tangent_backward(
    layer: Recurrent,
    dy_tangent: np.ndarray,
    cache: RecurrentCache,
    trace: RecurrentRows,
    tangents: RecurrentRows,
) -> np.ndarray:
    """Return the tangent of dx (T, B, F); add those of the weights' gradients."""
    dx_tangent, errors = traced_backward(layer, dy_tangent, cache)
    inner_layers, outer_layers = layer.layers()
    _add_gradients(
        layer.input_weights.grad,
        inner_layers,
        cache.inner,
        trace.inner,
        tangents.inner,
        errors.inner,
    )
    _add_gradients(
        layer.output_weights.grad,
        outer_layers,
        cache.outer,
        trace.outer,
        tangents.outer,
        errors.outer,
    )
    return dx_tangent


def _chain_forward(tangents: np.ndarray, rows: np.ndarray, layers: Layers, slope: float) -> None:
    """Fill the tangents (..., N) after the input: a W, times the slope for negative values."""
    begin = 0
    for index, (weight, _) in enumerate(layers):
        middle = begin + len(weight)
        stop = middle + weight.shape[1]
        tangents[..., middle:stop] = tangents[..., begin:middle] @ weight
        if index < len(layers) - 1:
            tangents[..., middle:stop] *= _slopes(rows[..., middle:stop], slope)
        begin = middle


def _chain_backward(errors: np.ndarray, rows: np.ndarray, layers: Layers, slope: float) -> None:
    """Fill the errors (..., N) before those of the last layer."""
    stop = rows.shape[-1]
    for index, (weight, _) in reversed(list(enumerate(layers))):
        middle = stop - weight.shape[1]
        begin = middle - len(weight)
        errors[..., begin:middle] = errors[..., middle:stop] @ weight.T
        if index:
            errors[..., begin:middle] *= _slopes(rows[..., begin:middle], slope)
        stop = middle


def _add_gradients(
    grads: np.ndarray,
    layers: Layers,
    rows: np.ndarray,
    errors: np.ndarray,
    rows_tangent: np.ndarray,
    errors_tangent: np.ndarray,
) -> None:
    """Add dW' = a^T e' + a'^T e and db' = sum of e' of each layer, a its input, e its error."""
    values, errors, changes, error_changes = (
        array.reshape(-1, array.shape[-1]) for array in (rows, errors, rows_tangent, errors_tangent)
    )
    begin, used = 0, 0
    for weight, bias in layers:
        middle = begin + len(weight)
        stop = middle + bias.size
        dweight = (
            values[:, begin:middle].T @ error_changes[:, middle:stop]
            + changes[:, begin:middle].T @ errors[:, middle:stop]
        )
        grads[used : used + weight.size] += dweight.ravel()
        used += weight.size
        grads[used : used + bias.size] += error_changes[:, middle:stop].sum(axis=0)
        used += bias.size
        begin = middle


def _slopes(values: np.ndarray, slope: float) -> np.ndarray:
    return np.where(values > 0, values.dtype.type(1), values.dtype.type(slope))
