"""Spectral normalisation: bounds how fast a layer's output can change with its input.

Only `update` advances the power iteration behind the norm, so `forward` stays pure. Source: Miyato
et al. 2018, arXiv:1802.05957, eq. 8 (the norm), eq. 12 (its gradient), algorithm 1 (the power
iteration).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.kernels import kernel
from neural_networks.components.module import Module, Sequential, named_parts
from neural_networks.components.parameters import Parameter
from neural_networks.components.second_order import rules as tangents

FIRST_POWER_ITERATIONS = 20
SMALLEST = 1e-12  # norm to divide by


@kernel
def _add_normalised(
    grad: np.ndarray,
    dweight: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    factor: float,
    along: float,
) -> None:
    """Add factor (dweight - along left right^T) to grad (rows, columns), then set dweight to 0."""
    rows, columns = grad.shape
    times = grad.dtype.type(factor)
    for row in range(rows):
        share = grad.dtype.type(along * left[row])
        line, new = grad[row], dweight[row]
        for j in range(columns):
            line[j] += times * (new[j] - share * right[j])
            new[j] = 0


class SpectralNorm(Module):
    """Run a layer with the weight gain * W / sigma(W), sigma = u^T W v its largest singular value.

    u and v are constants of the forward pass, so d sigma / dW = u v^T. They are not Parameters:
    `update` refines them, `Critic.state` saves them.

    Args:
        layer: Dense or Conv1d; the W of a convolution is reshaped to the matrix (K I, O).
        gain: the largest singular value of the weight in use.
        rng: draws the initial u.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> layer = SpectralNorm(Dense(4, 3, rng=rng), gain=2.0, rng=rng)
        >>> layer.update(iterations=50)
        >>> float(np.linalg.svd(layer.folded().weight.value)[1].max().round(3))
        2.0
    """

    def __init__(
        self, layer: Dense | Conv1d, *, gain: float = 2.0, rng: np.random.Generator
    ) -> None:
        self.layer = layer
        self.gain = gain
        matrix = self._matrix()
        self.left: np.ndarray = np.asarray(rng.standard_normal(matrix.shape[0]))
        self.right: np.ndarray = np.zeros(matrix.shape[1])
        self.update(FIRST_POWER_ITERATIONS)

    def update(self, iterations: int = 1) -> None:
        """Advance the power iteration: v = W^T u / |W^T u|, then u = W v / |W v|."""
        matrix = self._matrix().astype(np.float64)
        for _ in range(iterations):
            self.right = _unit(self.left @ matrix, self.right)
            self.left = _unit(matrix @ self.right, self.left)

    def sigma(self) -> float:
        """Return u^T W v, never 0, so that a weight of zeros causes no division by zero."""
        matrix = self._matrix()
        # without a copy of the matrix in float64
        sigma = float(self.left @ (matrix @ self.right.astype(matrix.dtype)))
        return SMALLEST if abs(sigma) < SMALLEST else sigma

    def folded(self) -> Dense | Conv1d:
        """Return a plain layer with its own weight gain * W / sigma."""
        return self._folded(self.sigma())

    def _folded(self, sigma: float) -> Dense | Conv1d:
        plain = copy.copy(self.layer)
        weight = self.layer.weight.value
        plain.weight = Parameter(weight * weight.dtype.type(self.gain / sigma))
        plain.bias = Parameter(self.layer.bias.value.copy())
        return plain

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the layer's output under the normalised weight, and the cache."""
        sigma = self.sigma()
        plain = self._folded(sigma)
        y, cache = plain.forward(x)
        return y, (plain, cache, sigma)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx; add the gradients of W, through its norm, and of b."""
        plain, layer_cache, sigma = cache
        dx = plain.backward(dy, layer_cache)
        self._add(plain, sigma)
        return dx

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of W and b alone, for a first layer, whose input needs none."""
        plain, layer_cache, sigma = cache
        plain.add_gradients(dy, layer_cache)
        self._add(plain, sigma)

    def traced_backward(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return dx and its trace; see neural_networks/components/second_order/rules.py."""
        plain, layer_cache, _ = cache
        return tangents.traced_backward(plain, dy, layer_cache)

    def tangent_forward(self, x_tangent: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return y_tangent: sigma does not depend on x."""
        plain, layer_cache, _ = cache
        return tangents.tangent_forward(plain, x_tangent, layer_cache)

    def tangent_backward(
        self, dy_tangent: np.ndarray, cache: Any, trace: Any, x_tangents: Any
    ) -> np.ndarray:
        """Return dx_tangent; add the tangents of the gradients of W, through its norm, and of b."""
        plain, layer_cache, sigma = cache
        dx_tangent = tangents.tangent_backward(plain, dy_tangent, layer_cache, trace, x_tangents)
        self._add(plain, sigma)
        return dx_tangent

    def _add(self, plain: Dense | Conv1d, sigma: float) -> None:
        # W' = g W / sigma, dsigma/dW = u v^T:  dW = (g / sigma) (dW' - <dW', W> / sigma u v^T)
        weight, dweight = self.layer.weight, plain.weight.grad
        along = float(np.vdot(dweight, weight.value)) / sigma
        rows, columns = self.left.size, self.right.size
        _add_normalised(
            weight.grad.reshape(rows, columns),
            dweight.reshape(rows, columns),
            self.left,
            self.right.astype(dweight.dtype),
            self.gain / sigma,
            along,
        )
        self.layer.bias.grad += plain.bias.grad
        plain.bias.grad.fill(0)

    def _matrix(self) -> np.ndarray:
        weight = self.layer.weight.value
        return weight.reshape(-1, weight.shape[-1])


def spectral_norms(module: Module) -> Iterator[SpectralNorm]:
    """Yield every normalised layer of a module, in the order of its parameters.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> critic = Sequential(SpectralNorm(Dense(4, 3, rng=rng), rng=rng), Dense(3, 1, rng=rng))
        >>> [float(layer.gain) for layer in spectral_norms(critic)]
        [2.0]
    """
    if isinstance(module, SpectralNorm):
        yield module
        return
    for _, part in named_parts(module):
        if isinstance(part, Module):
            yield from spectral_norms(part)


def folded(module: Module) -> Module:
    """Return a copy with its own gradients and the spectral norms folded into plain weights.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> layer, x = SpectralNorm(Dense(4, 3, rng=rng), rng=rng), rng.standard_normal((5, 4))
        >>> bool(np.allclose(folded(layer).forward(x)[0], layer.forward(x)[0], atol=1e-6))
        True
    """
    if isinstance(module, SpectralNorm):
        return module.folded()
    if isinstance(module, Sequential):
        return Sequential(*(folded(layer) for layer in module.layers))
    return copy.deepcopy(module)


def _unit(vector: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return a vector of length 1; the one before for a matrix of zeros, which has no direction."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > SMALLEST else before
