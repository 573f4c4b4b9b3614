"""Tangents of the GRU over whole sequences: one kernel each way, and GEMMs over all steps.

The contract is in second_order/rules.py, the equations in gru.py and kernels/tangent.py. The first
state is a constant: its tangent is 0. T, B, F, H = time steps, batch, input size, hidden size. With
W the input's weights and U the recurrent ones:

    x'_t W, h'_{t-1} U          enter the gates where x_t W and h_{t-1} U do, without biases
    dW' = sum of x_t^T dsum'_t + x'_t^T dsum_t      dsum: the gradient with respect to x_t W
    dU' = sum of h_{t-1}^T dproduct'_t + h'_{t-1}^T dproduct_t
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_networks.components.gru import GRU
from neural_networks.components.kernels.gru import gru_errors, gru_values
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.kernels.tangent import gru_tangent_backward, gru_tangent_forward
from neural_networks.components.recurrent_layer import LayerCache


class GRUTrace(NamedTuple):
    """What the tangent of a backward pass needs of it."""

    dy: np.ndarray  # (T, B, H)
    dproduct: np.ndarray  # (T, B, 3H), with respect to h_{t-1} U + b
    dcandidate: np.ndarray  # (T, B, H), with respect to x_t W_n
    dsum: np.ndarray  # (T, B, 3H), with respect to x_t W


class GRUTangents(NamedTuple):
    """The tangents of a GRU's cache."""

    x: np.ndarray  # (T, B, F)
    hidden: np.ndarray  # (T+1, B, H)
    gates: np.ndarray  # (T, B, 3H)
    candidate: np.ndarray  # (T, B, H)


def traced_backward(layer: GRU, dy: np.ndarray, cache: LayerCache) -> tuple[np.ndarray, GRUTrace]:
    """Return dx (T, B, F) and the trace."""
    hidden, gates, candidate = _values(layer, cache)
    dy = np.ascontiguousarray(dy, hidden.dtype)
    dproduct, dcandidate = gru_errors(
        np.empty_like(hidden[0]), dy, hidden, gates, candidate, layer.recurrent_weight.value
    )
    dsum = _sums(dproduct, dcandidate)
    return _to_input(layer, dsum), GRUTrace(dy, dproduct, dcandidate, dsum)


def tangent_forward(
    layer: GRU, x_tangent: np.ndarray, cache: LayerCache
) -> tuple[np.ndarray, GRUTangents]:
    """Return the tangents of the states (T, B, H), and those of the whole cache."""
    hidden, gates, candidate = _values(layer, cache)
    found = GRUTangents(
        np.ascontiguousarray(x_tangent, hidden.dtype),
        np.empty_like(hidden),
        np.empty_like(gates),
        np.empty_like(candidate),
    )
    multiply(_rows(found.gates), _rows(found.x), layer.input_weight.value)
    found.hidden[0] = 0
    gru_tangent_forward(*found[1:], hidden, gates, candidate, layer.recurrent_weight.value)
    return found.hidden[1:], found


def tangent_backward(
    layer: GRU, dy_tangent: np.ndarray, cache: LayerCache, trace: GRUTrace, tangents: GRUTangents
) -> np.ndarray:
    """Return the tangent of dx (T, B, F); add those of the parameters' gradients."""
    hidden, gates, candidate = _values(layer, cache)
    weight = layer.recurrent_weight.value
    dproduct, dcandidate = np.empty_like(gates), np.empty_like(candidate)
    through = np.empty_like(candidate)
    multiply(_rows(through), _rows(trace.dproduct), weight.T)
    gru_tangent_backward(
        (dproduct, dcandidate, np.ascontiguousarray(dy_tangent, hidden.dtype)),
        (trace.dy, through, trace.dcandidate),
        (hidden, gates, candidate),
        tuple(tangents[1:]),
        weight,
    )
    multiply(layer.recurrent_weight.grad, _rows(hidden[:-1]).T, _rows(dproduct), add=True)
    multiply(
        layer.recurrent_weight.grad, _rows(tangents.hidden[:-1]).T, _rows(trace.dproduct), add=True
    )
    # first over time, then over songs: sums of sums lose fewer digits
    layer.recurrent_bias.grad += dproduct.sum(0).sum(0)
    dsum = _sums(dproduct, dcandidate)
    multiply(layer.input_weight.grad, _rows(cache.x).T, _rows(dsum), add=True)
    multiply(layer.input_weight.grad, _rows(tangents.x).T, _rows(trace.dsum), add=True)
    layer.input_bias.grad += dsum.sum(0).sum(0)
    return _to_input(layer, dsum)


def _values(layer: GRU, cache: LayerCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hidden, gates and candidate, or raise TypeError where there is no rule."""
    if layer.before is not None or layer.after is not None or cache.repeated or cache.last:
        raise TypeError(
            "a GRU has second derivatives for an input and an output per step, "
            "without networks around it"
        )
    return cache.hidden, *gru_values(*cache.kept)


def _sums(dproduct: np.ndarray, dcandidate: np.ndarray) -> np.ndarray:
    """Return the gradient of x_t W (T, B, 3H), which enters the candidate beside the reset gate."""
    dsum = dproduct.copy()
    dsum[:, :, 2 * dcandidate.shape[2] :] = dcandidate
    return dsum


def _to_input(layer: GRU, dsum: np.ndarray) -> np.ndarray:
    weight = layer.input_weight.value
    dx = np.empty((*dsum.shape[:2], len(weight)), dsum.dtype)
    multiply(_rows(dx), _rows(dsum), weight.T)
    return dx


def _rows(array: np.ndarray) -> np.ndarray:
    """Return (T, B, N) as (T B, N), the same memory."""
    return array.reshape(-1, array.shape[2])
