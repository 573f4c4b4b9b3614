"""Activations: Modules without parameters that apply a function to arrays of any shape.

The derivative of each function follows from its output, so the cache is the output y alone (except
for softplus and the gated unit). Passes over memory take most of the time: a rule with a comparison
is a kernel with one pass; tanh and exp are from NumPy, which vectorises them where a kernel does
not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from neural_networks.components.checks import floats, same_shape
from neural_networks.components.kernels import kernel
from neural_networks.components.module import Module

Array = np.ndarray


@kernel
def _leaky_relu(y: Array, x: Array, slope: float) -> None:
    for i in range(x.size):
        value = x[i]
        if value > 0:
            y[i] = value
        else:
            y[i] = slope * value if slope != 0 or value != -np.inf else 0


@kernel
def _leaky_relu_backward(dx: Array, dy: Array, y: Array, slope: float) -> None:
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > 0 else slope * dy[i]


@kernel
def _elu_backward(dx: Array, dy: Array, y: Array, alpha: float) -> None:
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > 0 else dy[i] * (y[i] + alpha)


@kernel
def _tanh_backward(dx: Array, dy: Array, y: Array) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dy[i] * (one - y[i] * y[i])


@kernel
def _sigmoid_backward(dx: Array, dy: Array, y: Array) -> None:
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dy[i] * y[i] * (one - y[i])


@kernel
def _gate_backward(dx: Array, dy: Array, x: Array, gate: Array) -> None:
    one = dy.dtype.type(1)
    rows, size = dy.shape
    for row in range(rows):
        dvalue, dgate = dx[row, :size], dx[row, size:]
        value, open_, d = x[row, :size], gate[row], dy[row]
        for i in range(size):
            dvalue[i] = d[i] * open_[i]
            dgate[i] = d[i] * value[i] * open_[i] * (one - open_[i])


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), exact in both tails.

    Examples:
        >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
        array([0. , 0.5, 1. ])
    """
    y: np.ndarray = expit(floats(x))
    return y


class Linear(Module):
    """Apply y = x: the activation of a last layer."""

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (x, None)."""
        return x, None

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dy."""
        return dy


class LeakyReLU(Module):
    """Apply y = x where x > 0, else slope x.

    Args:
        slope: not negative, or the sign of x could not be read from y.

    Examples:
        >>> LeakyReLU(0.1).forward(np.array([-2.0, 3.0]))[0]
        array([-0.2,  3. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        if slope < 0:
            raise ValueError(f"the slope of a leaky ReLU must not be negative: {slope}")
        self.slope = slope

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache y."""
        y = np.empty(x.shape, floats(x).dtype)
        _leaky_relu(y.reshape(-1), x.reshape(-1), x.dtype.type(self.slope))
        return y, y

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = dy where y > 0, else slope dy."""
        same_shape(dy, cache)
        dx = np.empty(dy.shape, dy.dtype)
        _leaky_relu_backward(
            dx.reshape(-1), dy.reshape(-1), cache.reshape(-1), dy.dtype.type(self.slope)
        )
        return dx


class ReLU(LeakyReLU):
    """Apply y = max(x, 0).

    Examples:
        >>> y, cache = ReLU().forward(np.array([-2.0, 3.0]))
        >>> ReLU().backward(np.ones(2), cache)
        array([0., 1.])
    """

    def __init__(self) -> None:
        super().__init__(0.0)


class ELU(Module):
    """Apply y = x where x > 0, else alpha (exp(x) - 1) (Clevert et al. 2016).

    Args:
        alpha: not negative, or the sign of x could not be read from y.

    Examples:
        >>> ELU().forward(np.array([-1.0, 3.0]))[0].round(3)
        array([-0.632,  3.   ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        if alpha < 0:
            raise ValueError(f"the alpha of an ELU must not be negative: {alpha}")
        self.alpha = alpha

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache y."""
        y = np.minimum(floats(x), x.dtype.type(0))
        np.expm1(y, out=y)
        y *= x.dtype.type(self.alpha)
        np.copyto(y, x, where=x > 0)
        return y, y

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = dy where y > 0, else dy (y + alpha)."""
        same_shape(dy, cache)
        dx = np.empty(dy.shape, dy.dtype)
        _elu_backward(dx.reshape(-1), dy.reshape(-1), cache.reshape(-1), dy.dtype.type(self.alpha))
        return dx


class Tanh(Module):
    """Apply y = tanh(x).

    Examples:
        >>> y, cache = Tanh().forward(np.array([0.0, 1.0]))
        >>> Tanh().backward(np.ones(2), cache).round(3)  # 1 - tanh(x)^2
        array([1.  , 0.42])
    """

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache y."""
        y = np.tanh(floats(x))
        return y, y

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = dy (1 - y^2)."""
        same_shape(dy, cache)
        dx = np.empty(dy.shape, dy.dtype)
        _tanh_backward(dx.reshape(-1), dy.reshape(-1), cache.reshape(-1))
        return dx


class Sigmoid(Module):
    """Apply y = 1 / (1 + exp(-x)).

    Examples:
        >>> y, cache = Sigmoid().forward(np.array([0.0, 2.0]))
        >>> y.round(3), Sigmoid().backward(np.ones(2), cache).round(3)
        (array([0.5  , 0.881]), array([0.25 , 0.105]))
    """

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache y."""
        y = sigmoid(x)
        return y, y

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = dy y (1 - y)."""
        same_shape(dy, cache)
        dx = np.empty(dy.shape, dy.dtype)
        _sigmoid_backward(dx.reshape(-1), dy.reshape(-1), cache.reshape(-1))
        return dx


class Softplus(Module):
    """Apply y = log(1 + exp(x)), computed as max(x, 0) + log(1 + exp(-|x|)).

    Examples:
        >>> Softplus().forward(np.array([-20.0, 0.0, 20.0]))[0].round(3)
        array([ 0.   ,  0.693, 20.   ])
    """

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache x."""
        y = np.abs(floats(x))
        np.negative(y, out=y)
        np.exp(y, out=y)
        np.log1p(y, out=y)
        y += np.maximum(x, x.dtype.type(0))
        return y, x

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = dy sigmoid(x)."""
        same_shape(dy, cache)
        dx = sigmoid(cache)
        dx *= dy
        return dx


class GatedLinearUnit(Module):
    """Apply y = a sigmoid(b) for halves a and b of the last axis (Dauphin et al. 2017, eq. 1).

    Shapes: x (..., 2F), y (..., F).

    Examples:
        >>> x = np.array([[1.0, 2.0, 0.0, -99.0]])  # two values, and a gate for each
        >>> GatedLinearUnit().forward(x)[0].round(3)
        array([[0.5, 0. ]])
    """

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y and the cache (x, sigmoid(b)).

        Raises:
            ValueError: if x has an odd number of features.
        """
        size, odd = divmod(x.shape[-1], 2)
        if odd:
            raise ValueError(f"a gated unit halves the last axis, which has {x.shape[-1]} features")
        gate = sigmoid(x[..., size:])
        return x[..., :size] * gate, (x, gate)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx: da = dy sigmoid(b), db = dy a sigmoid(b) (1 - sigmoid(b))."""
        x, gate = cache
        same_shape(dy, gate)
        dx = np.empty(x.shape, dy.dtype)
        size = dy.shape[-1]
        _gate_backward(
            dx.reshape(-1, 2 * size),
            dy.reshape(-1, size),
            x.reshape(-1, 2 * size),
            gate.reshape(-1, size),
        )
        return dx
