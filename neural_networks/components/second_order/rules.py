"""Second derivatives by hand: exact tangents of the forward and the backward pass of each layer.

The tangent of an array is its derivative along one direction of the input, x + e x_tangent at e = 0
(Pearlmutter 1994, doi:10.1162/neco.1994.6.1.147, the R-operator). After `y, cache =
layer.forward(x)`:

    dx, trace = traced_backward(layer, dy, cache)
        as backward, but adds nothing
    y_tangent, tangents = tangent_forward(layer, x_tangent, cache)
    dx_tangent = tangent_backward(layer, dy_tangent, cache, trace, tangents)
        adds the tangent of every parameter's gradient

Each is one call of the layer's rule, in RULES. A module outside of this package may have the three
functions as methods. docs/gradient_penalty.md derives why a gradient penalty is trained this way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from neural_networks.components import activations
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.dropout import Dropout
from neural_networks.components.gru import GRU
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.mean_over_time import MeanOverTime
from neural_networks.components.module import Module, Sequential
from neural_networks.components.recurrent import Recurrent
from neural_networks.components.second_order import (
    gru as tangents_gru,
    layers as tangents_layers,
    recurrent as tangents_recurrent,
)


class Rule(NamedTuple):
    """The three functions of one kind of layer; see the contract above."""

    traced_backward: Callable[..., tuple[np.ndarray, Any]]
    tangent_forward: Callable[..., tuple[np.ndarray, Any]]
    tangent_backward: Callable[..., np.ndarray]


def traced_backward(layer: Module, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
    """Return dx, and the errors inside the layer that its tangent needs; add no gradient."""
    return _rule(layer).traced_backward(layer, dy, cache)


def tangent_forward(layer: Module, x_tangent: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
    """Return y_tangent, how y changes with e, and what `tangent_backward` needs."""
    return _rule(layer).tangent_forward(layer, x_tangent, cache)


def tangent_backward(
    layer: Module, dy_tangent: np.ndarray, cache: Any, trace: Any, tangents: Any
) -> np.ndarray:
    """Return dx_tangent, how dx changes with e; add the change of each parameter's grad."""
    return _rule(layer).tangent_backward(layer, dy_tangent, cache, trace, tangents)


def _rule(layer: Module) -> Rule:
    for kind in type(layer).__mro__:
        if kind in RULES:
            return RULES[kind]
        if "tangent_backward" in vars(kind):
            return Rule(*(getattr(kind, name) for name in Rule._fields))
    raise TypeError(
        f"a {type(layer).__name__} has no second derivatives here, "
        "so no gradient penalty can go through it"
    )


def _sequential_backward(layer: Sequential, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
    traces = []
    for part, part_cache in zip(reversed(layer.layers), reversed(cache), strict=True):
        dy, trace = traced_backward(part, dy, part_cache)
        traces.append(trace)
    return dy, traces[::-1]


def _sequential_tangent_forward(
    layer: Sequential, x_tangent: np.ndarray, cache: Any
) -> tuple[np.ndarray, Any]:
    found = []
    for part, part_cache in zip(layer.layers, cache, strict=True):
        x_tangent, tangents = tangent_forward(part, x_tangent, part_cache)
        found.append(tangents)
    return x_tangent, found


def _sequential_tangent_backward(
    layer: Sequential, dy_tangent: np.ndarray, cache: Any, trace: Any, tangents: Any
) -> np.ndarray:
    for part, *kept in reversed(list(zip(layer.layers, cache, trace, tangents, strict=True))):
        dy_tangent = tangent_backward(part, dy_tangent, *kept)
    return dy_tangent


def _bidirectional_backward(
    layer: Bidirectional, dy: np.ndarray, cache: Any
) -> tuple[np.ndarray, Any]:
    forward_cache, backward_cache, size, _ = cache
    ahead, forward_trace = traced_backward(layer.forward_cell, dy[:, :, :size], forward_cache)
    back, backward_trace = traced_backward(layer.backward_cell, dy[::-1, :, size:], backward_cache)
    return ahead + back[::-1], (forward_trace, backward_trace)


def _bidirectional_tangent_forward(
    layer: Bidirectional, x_tangent: np.ndarray, cache: Any
) -> tuple[np.ndarray, Any]:
    ahead, forward_tangents = tangent_forward(layer.forward_cell, x_tangent, cache[0])
    back, backward_tangents = tangent_forward(layer.backward_cell, x_tangent[::-1], cache[1])
    return np.concatenate([ahead, back[::-1]], axis=2), (forward_tangents, backward_tangents)


def _bidirectional_tangent_backward(
    layer: Bidirectional, dy_tangent: np.ndarray, cache: Any, trace: Any, tangents: Any
) -> np.ndarray:
    forward_cache, backward_cache, size, _ = cache
    ahead = tangent_backward(
        layer.forward_cell, dy_tangent[:, :, :size], forward_cache, trace[0], tangents[0]
    )
    back = tangent_backward(
        layer.backward_cell, dy_tangent[::-1, :, size:], backward_cache, trace[1], tangents[1]
    )
    return ahead + back[::-1]


def _elementwise(curvature: Callable[[Any, Any], np.ndarray] | None) -> Rule:
    backward, forward, tangent = tangents_layers.elementwise(curvature)
    return Rule(backward, forward, tangent)


_LINEAR = Rule(
    tangents_layers.linear_backward,
    tangents_layers.linear_tangent_forward,
    tangents_layers.linear_tangent_backward,
)

_FIXED = Rule(
    tangents_layers.fixed_backward,
    tangents_layers.fixed_tangent_forward,
    tangents_layers.fixed_tangent_backward,
)

RULES: dict[type, Rule] = {
    Sequential: Rule(
        _sequential_backward, _sequential_tangent_forward, _sequential_tangent_backward
    ),
    Bidirectional: Rule(
        _bidirectional_backward, _bidirectional_tangent_forward, _bidirectional_tangent_backward
    ),
    Dense: _LINEAR,
    Conv1d: _LINEAR,
    MeanOverTime: _FIXED,
    LayerNorm: Rule(
        tangents_layers.norm_backward,
        tangents_layers.norm_tangent_forward,
        tangents_layers.norm_tangent_backward,
    ),
    GRU: Rule(
        tangents_gru.traced_backward, tangents_gru.tangent_forward, tangents_gru.tangent_backward
    ),
    Recurrent: Rule(
        tangents_recurrent.traced_backward,
        tangents_recurrent.tangent_forward,
        tangents_recurrent.tangent_backward,
    ),
    activations.Linear: _elementwise(None),
    activations.LeakyReLU: _elementwise(None),
    Dropout: _elementwise(None),
    activations.ELU: _elementwise(tangents_layers.elu_curvature),
    activations.Tanh: _elementwise(tangents_layers.tanh_curvature),
    activations.Sigmoid: _elementwise(tangents_layers.sigmoid_curvature),
    activations.Softplus: _elementwise(tangents_layers.softplus_curvature),
    activations.GatedLinearUnit: Rule(
        tangents_layers.gate_backward,
        tangents_layers.gate_tangent_forward,
        tangents_layers.gate_tangent_backward,
    ),
}
