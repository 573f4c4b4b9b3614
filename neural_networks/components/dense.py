"""A fully connected layer: one matrix product over all leading axes, so a whole song is one GEMM.

Shapes: x (..., I) with I inputs, y (..., O) with O outputs; N is the product of the leading axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter


class Dense(Module):
    """Apply y = x W + b to the last axis.

    Args:
        inputs: length of the last axis of x.
        outputs: length of the last axis of y.
        rng: draws the first weights, W (inputs, outputs) and b (outputs,), uniform in +-1 /
            sqrt(inputs).

    Examples:
        >>> layer = Dense(3, 2, rng=np.random.default_rng(0))
        >>> y, cache = layer.forward(np.ones((5, 3)))
        >>> dx = layer.backward(np.ones_like(y), cache)
        >>> y.shape, dx.shape, layer.bias.grad.tolist()
        ((5, 2), (5, 3), [5.0, 5.0])
    """

    def __init__(self, inputs: int, outputs: int, *, rng: np.random.Generator) -> None:
        if inputs < 1 or outputs < 1:
            raise ValueError(
                f"a dense layer needs at least one input and one output, not {inputs} and {outputs}"
            )
        self.weight = Parameter(fan_in_uniform((inputs, outputs), inputs, rng=rng))
        self.bias = Parameter(fan_in_uniform((outputs,), inputs, rng=rng))

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y (..., O) and the cache, which is x itself: do not change x before backward."""
        weight = self.weight.value
        rows = x.reshape(-1, weight.shape[0])
        y = np.empty((len(rows), weight.shape[1]), np.result_type(rows, weight))
        multiply(y, rows, weight)
        y += self.bias.value
        return y.reshape(*x.shape[:-1], weight.shape[1]), x

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx = dy W^T; add dW = x^T dy and db = sum of dy."""
        self.add_gradients(dy, cache)
        return self.input_gradient(dy, cache)

    def input_gradient(self, dy: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return dx alone, and add nothing."""
        weight = self.weight.value
        dx = np.empty((x.size // len(weight), len(weight)), np.result_type(dy, weight))
        return multiply(dx, dy.reshape(-1, weight.shape[1]), weight.T).reshape(x.shape)

    def add_gradients(self, dy: np.ndarray, x: np.ndarray) -> None:
        """Add dW and db."""
        inputs, outputs = self.weight.value.shape
        dy = dy.reshape(-1, outputs)
        multiply(self.weight.grad, x.reshape(-1, inputs).T, dy, add=True)
        self.bias.grad += dy.sum(axis=0)
