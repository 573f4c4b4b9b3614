"""A fully connected layer over several inputs, without laying them side by side first.

    y = x_1 W_1 + x_2 W_2 + .. + b

which is a dense layer of [x_1; x_2; ..], whose weight's rows are those of W_1, then W_2. To
concatenate the inputs of a whole song would write all of them to memory once more, and their
gradients too. Shapes: x_i (.., I_i), y (.., O); the leading axes are the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter


class JointDense(Module):
    """Apply y = sum over i of x_i W_i + b to the last axes.

    Args:
        inputs: lengths of the last axes of the x_i.
        outputs: length of the last axis of y.
        rng: draws the first weights, uniform in +-1 / sqrt(sum of the inputs).
    """

    def __init__(self, inputs: Sequence[int], outputs: int, *, rng: np.random.Generator) -> None:
        if not inputs or min(*inputs, outputs, 1) < 1:
            raise ValueError(f"a dense layer needs inputs and outputs, not {inputs} and {outputs}")
        self.inputs = tuple(inputs)
        total = sum(inputs)
        self.weight = Parameter(fan_in_uniform((total, outputs), total, rng=rng))
        self.bias = Parameter(fan_in_uniform((outputs,), total, rng=rng))

    def forward(self, x: Any) -> tuple[np.ndarray, Any]:
        """Return y and the cache, which are the inputs themselves: do not change them.

        Args:
            x: tuple of the x_i.
        """
        weight = self.weight.value
        y = np.empty((*x[0].shape[:-1], weight.shape[1]), weight.dtype)
        flat = y.reshape(-1, weight.shape[1])
        for index, (part, rows) in enumerate(zip(x, self._rows(), strict=True)):
            multiply(flat, part.reshape(-1, part.shape[-1]), weight[rows], add=index > 0)
        flat += self.bias.value
        return y, x

    def backward(self, dy: np.ndarray, cache: Any) -> Any:
        """Return the tuple of the dx_i = dy W_i^T; add dW_i = x_i^T dy and db = sum of dy."""
        self.add_gradients(dy, cache)
        return tuple(self.input_gradient(dy, cache, index) for index in range(len(cache)))

    def input_gradient(self, dy: np.ndarray, cache: Any, index: int) -> np.ndarray:
        """Return the gradient of one of the inputs alone, and add nothing."""
        dx = np.empty(cache[index].shape, dy.dtype)
        weight = self.weight.value[self._rows()[index]]
        multiply(dx.reshape(-1, len(weight)), dy.reshape(-1, dy.shape[-1]), weight.T)
        return dx

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of the weight and of the bias."""
        flat = dy.reshape(-1, dy.shape[-1])
        for part, rows in zip(cache, self._rows(), strict=True):
            x = part.reshape(-1, part.shape[-1])
            multiply(self.weight.grad[rows], x.T, flat, add=True)
        self.bias.grad += flat.sum(axis=0)

    def _rows(self) -> list[slice]:
        ends = np.cumsum(self.inputs)
        return [
            slice(int(end) - size, int(end)) for end, size in zip(ends, self.inputs, strict=True)
        ]
