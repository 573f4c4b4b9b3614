"""Tangents of the layers without a state: the contract is in second_order/rules.py.

    linear      y = x W + b             y' = x' W                   dW' = x^T dy' + x'^T dy
    activation  y = f(x)                y' = f'(x) x'               dx' = f'(x) dy' + f''(x) x' dy
    gated unit, layer normalisation     at their functions

Arrays have the shapes that the layers' forward passes give them, (.., F), and a tangent that of its
array. A prime after an array is its tangent, written x_tangent in the code; f' and f'' are
derivatives of f.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from neural_networks.components.activations import (
    ELU,
    GatedLinearUnit,
    Sigmoid,
    Softplus,
    Tanh,
    sigmoid,
)
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.layer_norm import LayerNorm
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter

Curvature = Callable[[Any, Any], np.ndarray]  # (layer, cache) -> f''(x)


def linear_backward(layer: Dense | Conv1d, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
    """Return dx and the trace dy."""
    return layer.input_gradient(dy, cache), dy


def linear_tangent_forward(
    layer: Dense | Conv1d, x_tangent: np.ndarray, cache: Any
) -> tuple[np.ndarray, Any]:
    """Return y' = x' W, and what forward would have cached of x'."""
    return _without_bias(layer).forward(x_tangent)


def linear_tangent_backward(
    layer: Dense | Conv1d, dy_tangent: np.ndarray, cache: Any, dy: np.ndarray, tangents: Any
) -> np.ndarray:
    """Return dx' = dy' W^T; add dW' = x^T dy' + x'^T dy and db' = sum of dy'."""
    layer.add_gradients(dy_tangent, cache)
    _without_bias(layer).add_gradients(dy, tangents)
    return layer.input_gradient(dy_tangent, cache)


def _without_bias(layer: Dense | Conv1d) -> Dense | Conv1d:
    """Return the layer's linear part: it shares W and adds into W's gradient."""
    part = copy.copy(layer)
    part.bias = Parameter(np.zeros_like(layer.bias.value))
    return part


def fixed_backward(layer: Module, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
    """Return dx of a linear map without parameters, and no trace."""
    return layer.backward(dy, cache), None


def fixed_tangent_forward(
    layer: Module, x_tangent: np.ndarray, cache: Any
) -> tuple[np.ndarray, Any]:
    """Return y': the same map of x'."""
    return layer.forward(x_tangent)[0], None


def fixed_tangent_backward(
    layer: Module, dy_tangent: np.ndarray, cache: Any, trace: None, tangents: None
) -> np.ndarray:
    """Return dx'."""
    return layer.backward(dy_tangent, cache)


def elementwise(
    curvature: Curvature | None,
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Return the three functions of an activation y = f(x).

    Its backward pass multiplies by f'(x), whatever is given to it: a gradient, the tangent of one,
    or the tangent of x.

    Args:
        curvature: (layer, cache) -> f''(x), or None where f is piecewise linear.
    """

    def backward(layer: Module, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        return layer.backward(dy, cache), dy

    def tangent_forward(layer: Module, x_tangent: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        return layer.backward(x_tangent, cache), x_tangent

    def tangent_backward(
        layer: Module, dy_tangent: np.ndarray, cache: Any, dy: np.ndarray, x_tangent: np.ndarray
    ) -> np.ndarray:
        dx_tangent = layer.backward(dy_tangent, cache)
        if curvature is None:
            return dx_tangent
        curved = curvature(layer, cache)
        curved *= x_tangent
        curved *= dy
        curved += dx_tangent
        return curved

    return backward, tangent_forward, tangent_backward


def elu_curvature(layer: ELU, y: np.ndarray) -> np.ndarray:
    """Return f'' = 0 where y > 0, else y + alpha."""
    return np.where(y > 0, y.dtype.type(0), y + y.dtype.type(layer.alpha))


def tanh_curvature(layer: Tanh, y: np.ndarray) -> np.ndarray:
    """Return f'' = -2 y (1 - y^2)."""
    return 2 * y * (y * y - 1)


def sigmoid_curvature(layer: Sigmoid, y: np.ndarray) -> np.ndarray:
    """Return f'' = y (1 - y) (1 - 2 y)."""
    return y * (1 - y) * (1 - 2 * y)


def softplus_curvature(layer: Softplus, x: np.ndarray) -> np.ndarray:
    """Return f'' = s (1 - s), s = sigmoid(x)."""
    slope = sigmoid(x)
    return slope * (1 - slope)


def gate_backward(layer: GatedLinearUnit, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
    """Return dx and the trace dy."""
    return layer.backward(dy, cache), dy


def gate_tangent_forward(
    layer: GatedLinearUnit, x_tangent: np.ndarray, cache: Any
) -> tuple[np.ndarray, Any]:
    """Return y' = a' g + a g', with g = sigmoid(b) and g' = g (1 - g) b'."""
    x, gate = cache
    size = gate.shape[-1]
    gate_tangent = gate * (1 - gate) * x_tangent[..., size:]
    return x_tangent[..., :size] * gate + x[..., :size] * gate_tangent, (x_tangent, gate_tangent)


def gate_tangent_backward(
    layer: GatedLinearUnit, dy_tangent: np.ndarray, cache: Any, dy: np.ndarray, tangents: Any
) -> np.ndarray:
    """Return dx': beside what dy' gives, da' has dy g' and db' has dy (a g (1 - g))'."""
    x, gate = cache
    x_tangent, gate_tangent = tangents
    size = gate.shape[-1]
    dx_tangent = layer.backward(dy_tangent, cache)
    dx_tangent[..., :size] += dy * gate_tangent
    # g (1 - g) has the tangent (1 - 2 g) g'.
    dx_tangent[..., size:] += dy * (
        x_tangent[..., :size] * gate * (1 - gate) + x[..., :size] * (1 - 2 * gate) * gate_tangent
    )
    return dx_tangent


def norm_backward(layer: LayerNorm, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
    """Return dx = s (d - mean d - n mean(d n)), d = dy gain, and the trace (dy, dx).

    n is the normalised x and s its scale.
    """
    normalised, scale = cache
    dx = scale * _off_constant_and(dy * layer.gain.value, normalised)
    return dx, (dy, dx)


def norm_tangent_forward(
    layer: LayerNorm, x_tangent: np.ndarray, cache: Any
) -> tuple[np.ndarray, Any]:
    """Return y' = gain n', n' = s (x' - mean x' - n mean(x' n)), and (n', s' / s).

    s' / s = -s mean(x' n).
    """
    normalised, scale = cache
    normalised_tangent = scale * _off_constant_and(x_tangent, normalised)
    return layer.gain.value * normalised_tangent, (
        normalised_tangent,
        -scale * _mean(x_tangent * normalised),
    )


def norm_tangent_backward(
    layer: LayerNorm, dy_tangent: np.ndarray, cache: Any, trace: Any, tangents: Any
) -> np.ndarray:
    """Return dx' and add dgain' and dshift'.

    dx' = s' / s dx + s (d' - mean d' - n mean(d' n) - n' mean(d n) - n mean(d n'))
    """
    normalised, scale = cache
    dy, dx = trace
    normalised_tangent, growth = tangents
    features = dy.shape[-1]
    layer.gain.grad += (
        (dy_tangent * normalised + dy * normalised_tangent).reshape(-1, features).sum(axis=0)
    )
    layer.shift.grad += dy_tangent.reshape(-1, features).sum(axis=0)
    gained = dy * layer.gain.value
    inner = _off_constant_and(dy_tangent * layer.gain.value, normalised)
    inner -= normalised_tangent * _mean(gained * normalised) + normalised * _mean(
        gained * normalised_tangent
    )
    return growth * dx + scale * inner


def _off_constant_and(array: np.ndarray, normalised: np.ndarray) -> np.ndarray:
    """Subtract the parts of an array along the constant vector and along n, over the last axis."""
    return array - _mean(array) - normalised * _mean(array * normalised)


def _mean(array: np.ndarray) -> np.ndarray:
    return array.mean(axis=-1, keepdims=True)
