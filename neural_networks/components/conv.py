"""Convolution over time: every output step depends on a few neighbouring input steps.

Shapes: x (T, B, I), y (T', B, O) with T' = (T + 2 padding - K) // stride + 1; K is the kernel's
size in time steps. The K neighbours of each step are copied side by side (im2col), so that forward
is one GEMM and backward is two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter


class Conv1d(Module):
    """Apply y_t = b + sum over k of x_(stride t + k - padding) W_k, with zeros outside of x.

    Args:
        inputs: features of x.
        outputs: features of y.
        kernel_size: neighbouring time steps that each output depends on.
        stride: time steps between two outputs.
        padding: zeros put before and after x, in time steps.
        rng: draws the first weights, W (K, inputs, outputs) and b (outputs,), uniform in +-1 /
            sqrt(K inputs).

    Examples:
        >>> layer = Conv1d(3, 8, 5, stride=2, padding=2, rng=np.random.default_rng(0))
        >>> layer.forward(np.ones((10, 4, 3)))[0].shape  # (T, B, F), half as many steps
        (5, 4, 8)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        rng: np.random.Generator,
    ) -> None:
        if min(inputs, outputs, kernel_size, stride) < 1 or padding < 0:
            raise ValueError(
                f"impossible convolution: {inputs} inputs, {outputs} outputs, "
                f"{kernel_size=}, {stride=}, {padding=}"
            )
        self.weight = Parameter(
            fan_in_uniform((kernel_size, inputs, outputs), kernel_size * inputs, rng=rng)
        )
        self.bias = Parameter(fan_in_uniform((outputs,), kernel_size * inputs, rng=rng))
        self.stride = stride
        self.padding = padding

    def output_steps(self, steps: int) -> int:
        """Return T' for an input of T steps."""
        return (steps + 2 * self.padding - self.weight.value.shape[0]) // self.stride + 1

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y (T', B, O) and the cache (neighbours (T' B, K I), shape of x).

        Raises:
            ValueError: if there are fewer time steps than the kernel has, or another shape.
        """
        kernel_size, inputs, outputs = self.weight.value.shape
        if x.ndim != 3 or x.shape[2] != inputs:
            raise ValueError(f"a Conv1d takes x of shape (T, B, {inputs}), not {x.shape}")
        steps, batch, _ = x.shape
        out_steps = self.output_steps(steps)
        if out_steps < 1:
            raise ValueError(
                f"{steps} time steps are too few for a kernel of {kernel_size} "
                f"with padding {self.padding}"
            )
        neighbours = np.empty((out_steps, batch, kernel_size, inputs), x.dtype)
        for k in range(kernel_size):
            first, stop = self._inside(k, steps, out_steps)
            neighbours[:first, :, k] = 0
            neighbours[first:stop, :, k] = x[self._source(k, first, stop)]
            neighbours[stop:, :, k] = 0
        columns = neighbours.reshape(out_steps * batch, kernel_size * inputs)
        y = columns @ self.weight.value.reshape(kernel_size * inputs, outputs)
        y += self.bias.value
        return y.reshape(out_steps, batch, outputs), (columns, x.shape)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (T, B, I); add dW and db.

        Raises:
            ValueError: if dy does not have the shape of the outputs.
        """
        (steps, batch, _), outputs = cache[1], self.weight.value.shape[2]
        if dy.shape != (self.output_steps(steps), batch, outputs):
            raise ValueError(f"dy has the shape {dy.shape}, which no outputs of this Conv1d have")
        self.add_gradients(dy, cache)
        return self.input_gradient(dy, cache)

    def input_gradient(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx alone, and add nothing."""
        _, shape = cache
        kernel_size, inputs, outputs = self.weight.value.shape
        out_steps, batch, _ = dy.shape
        dcolumns = (
            dy.reshape(-1, outputs) @ self.weight.value.reshape(kernel_size * inputs, outputs).T
        )
        dneighbours = dcolumns.reshape(out_steps, batch, kernel_size, inputs)
        dx = np.zeros(shape, dy.dtype)
        for k in range(kernel_size):
            first, stop = self._inside(k, shape[0], out_steps)
            dx[self._source(k, first, stop)] += dneighbours[first:stop, :, k]
        return dx

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add dW and db."""
        columns, _ = cache
        dy = dy.reshape(-1, dy.shape[2])
        self.weight.grad += (columns.T @ dy).reshape(self.weight.value.shape)
        self.bias.grad += dy.sum(axis=0)

    def _inside(self, k: int, steps: int, out_steps: int) -> tuple[int, int]:
        """Return the output steps [first, stop) whose neighbour k lies inside of x."""
        first = max(0, -(-(self.padding - k) // self.stride))
        stop = min(out_steps, (steps - 1 + self.padding - k) // self.stride + 1)
        first = min(first, out_steps)
        return first, max(first, stop)

    def _source(self, k: int, first: int, stop: int) -> slice:
        """Return the steps of x that are neighbour k of the output steps [first, stop)."""
        start = first * self.stride + k - self.padding
        return (
            slice(start, start + (stop - first) * self.stride, self.stride)
            if stop > first
            else slice(0, 0)
        )
