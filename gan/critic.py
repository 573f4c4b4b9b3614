"""The critic: reads a whole song and gives it one score, high for real songs and low for generated ones.

    x (S, B, F) -> 3x -> dense H -> convolution -> convolution -> mean over time (B, H) -> score (B,)

Each weight is divided by its spectral norm, so the score can't change faster than a fixed multiple of the song does; the power
iteration behind the norm is advanced by `update_norms()` alone, and `forward` stays pure.
Letters: S steps, B batch, F features of a step, H hidden size. Sources: Miyato et al. 2018, arXiv:1802.05957 (spectral normalisation,
eq. 8 and 12); Lim and Ye 2017 (the hinge that it is trained with).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from neural_networks.components.activations import LeakyReLU
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter

INPUT_SCALE = 3.0  # frames lie in 0 to about 1, most near 0
FIRST_POWER_ITERATIONS = 20


class SpectralNorm(Module):
    """Run a layer with the weight gain * W / sigma(W), where sigma = u^T W v is the largest singular value.

    u and v are constants of the forward pass, so d sigma / dW = u v^T. They are no Parameters: `update` refines them, `state` saves them.

    Args:
        layer: Dense or Conv1d; of a convolution, W is seen as the matrix (K I, O).
        gain: the largest singular value of the weight in use.
        rng: draws the first u.
    """

    def __init__(self, layer: Dense | Conv1d, *, gain: float = 2.0, rng: np.random.Generator) -> None:
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
            self.right = _unit(self.left @ matrix)
            self.left = _unit(matrix @ self.right)

    def sigma(self) -> float:
        """Return u^T W v."""
        return float(self.left @ (self._matrix() @ self.right))

    def folded(self) -> Dense | Conv1d:
        """Return a plain layer of its own whose weight is gain * W / sigma."""
        plain = copy.copy(self.layer)
        weight = self.layer.weight.value
        plain.weight = Parameter(weight * weight.dtype.type(self.gain / self.sigma()))
        plain.bias = Parameter(self.layer.bias.value.copy())
        return plain

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the layer's output under the normalised weight, and the cache."""
        plain = self.folded()
        y, cache = plain.forward(x)
        return y, (plain, cache, self.sigma())

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx; add the gradients of W, through its norm, and of b."""
        plain, layer_cache, sigma = cache
        plain.weight.grad.fill(0)
        plain.bias.grad.fill(0)
        dx = plain.backward(dy, layer_cache)
        self._add(plain, sigma)
        return dx

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of a dense layer's W and b alone: for a first layer, whose input needs none."""
        plain, layer_cache, sigma = cache
        plain.weight.grad.fill(0)
        plain.bias.grad.fill(0)
        plain.add_gradients(dy, layer_cache)
        self._add(plain, sigma)

    def _add(self, plain: Dense | Conv1d, sigma: float) -> None:
        # W' = g W / sigma, dsigma/dW = u v^T:  dW = (g / sigma) (dW' - <dW', W> / sigma u v^T)
        weight, dweight = self.layer.weight, plain.weight.grad
        along = float(np.vdot(dweight, weight.value)) / sigma
        outer = np.outer(self.left, self.right).astype(dweight.dtype).reshape(dweight.shape)
        weight.grad += dweight.dtype.type(self.gain / sigma) * (dweight - dweight.dtype.type(along) * outer)
        self.layer.bias.grad += plain.bias.grad

    def _matrix(self) -> np.ndarray:
        weight = self.layer.weight.value
        return weight.reshape(-1, weight.shape[-1])


class Trunk(Module):
    """The critic without its score: three layers of activations (S, B, H), (S / 2, B, H), (S / 4, B, H).

    Args:
        embed: F -> H, a layer of its own for each step.
        convolutions: over time, each of stride 2.
    """

    def __init__(self, embed: Module, convolutions: list[Module]) -> None:
        self.embed = embed
        self.convolutions = convolutions
        self.rectify = LeakyReLU(0.2)

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], Any]:  # type: ignore[override]
        """Return the activations of every layer for songs x (S, B, F), and the cache."""
        scaled = x * x.dtype.type(INPUT_SCALE)
        activations, caches = [scaled], []
        for layer in (self.embed, *self.convolutions):
            linear, layer_cache = layer.forward(activations[-1])
            rectified, rectify_cache = self.rectify.forward(linear)
            activations.append(rectified)
            caches.append((layer_cache, rectify_cache))
        return activations[1:], caches

    def backward(self, dy: list[np.ndarray], cache: Any) -> np.ndarray:  # type: ignore[override]
        """Return dx (S, B, F) for a gradient of every layer's activations."""
        dx = self.embed.backward(*self._backward_to_embedding(dy, cache))
        dx *= dx.dtype.type(INPUT_SCALE)
        return dx

    def add_gradients(self, dy: list[np.ndarray], cache: Any) -> None:
        """Add the gradients of the parameters alone."""
        self.embed.add_gradients(*self._backward_to_embedding(dy, cache))  # type: ignore[attr-defined]

    def _backward_to_embedding(self, dy: list[np.ndarray], cache: Any) -> tuple[np.ndarray, Any]:
        gradient = dy[-1]
        for index in range(len(self.convolutions), 0, -1):
            layer_cache, rectify_cache = cache[index]
            gradient = self.convolutions[index - 1].backward(self.rectify.backward(gradient, rectify_cache), layer_cache)
            gradient = gradient + dy[index - 1]
        layer_cache, rectify_cache = cache[0]
        return self.rectify.backward(gradient, rectify_cache), layer_cache


class Critic(Module):
    """Score whole songs: (S, B, F) -> (B,), any number of steps.

    Args:
        features: F, values of a step.
        hidden: H, of every layer.
        gain: the largest singular value of each normalised weight.
        rng: draws the first weights.
    """

    def __init__(self, features: int, hidden: int = 128, *, gain: float = 2.0, rng: np.random.Generator) -> None:
        self.features = features
        self.hidden = hidden
        embed = SpectralNorm(Dense(features, hidden, rng=rng), gain=gain, rng=rng)
        convolutions = [
            SpectralNorm(Conv1d(hidden, hidden, 5, stride=2, padding=2, rng=rng), gain=gain, rng=rng) for _ in range(2)
        ]
        self.trunk = Trunk(embed, list[Module](convolutions))
        self.head = SpectralNorm(Dense(hidden, 1, rng=rng), gain=gain, rng=rng)
        self._normalised = {"embed": embed, "convolution_0": convolutions[0], "convolution_1": convolutions[1], "head": self.head}

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (scores (B,), cache) of songs x (S, B, F); instance noise is the caller's x + noise.

        Raises:
            ValueError: if x does not have the shape (S, B, F).
        """
        if x.ndim != 3 or x.shape[2] != self.features or not len(x):
            raise ValueError(f"this critic reads songs of shape (S, B, {self.features}), not {x.shape}")
        activations, trunk = self.trunk.forward(x)
        score, head = self.head.forward(activations[-1].mean(axis=0))
        return score[:, 0], ([a.shape for a in activations], trunk, head)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (S, B, F) for the gradient of the scores (B,): what each moment of each song did to its score."""
        return self.trunk.backward(*self._backward_to_trunk(dy, cache))

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of the parameters alone: when the critic learns, nobody asks for dx."""
        self.trunk.add_gradients(*self._backward_to_trunk(dy, cache))

    def _backward_to_trunk(self, dy: np.ndarray, cache: Any) -> tuple[list[np.ndarray], Any]:
        shapes, trunk, head = cache
        dmean = self.head.backward(dy[:, None], head)
        dtype = dmean.dtype
        unused = [np.zeros((1, 1, 1), dtype) for _ in shapes[:-1]]
        return [*unused, np.broadcast_to(dmean / dtype.type(shapes[-1][0]), shapes[-1])], trunk

    def layer_means(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (means over time of each layer's activations, side by side (B, 3 H), cache) of songs x (S, B, F)."""
        activations, trunk = self.trunk.forward(x)
        return np.concatenate([a.mean(axis=0) for a in activations], axis=1), ([a.shape for a in activations], trunk)

    def layer_means_backward(self, dfeatures: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (S, B, F) for the gradient of the layer means (B, 3 H)."""
        shapes, trunk = cache
        parts = np.split(dfeatures, len(shapes), axis=1)
        dlayers = [np.broadcast_to(part / part.dtype.type(s[0]), s) for part, s in zip(parts, shapes, strict=True)]
        return self.trunk.backward(dlayers, trunk)

    def update_norms(self, iterations: int = 1) -> None:
        """Advance the power iteration of every weight; the trainer calls it after each step of the critic."""
        for layer in self._normalised.values():
            layer.update(iterations)

    def folded_trunk(self) -> Trunk:
        """Return a copy of the trunk in plain weights, the norms folded in: the beginning of a taste network."""
        embed, first, second = (self._normalised[key].folded() for key in ("embed", "convolution_0", "convolution_1"))
        return Trunk(embed, [first, second])

    def folded(self) -> Critic:
        """Return a copy in plain weights: the same scores, and gradients of its own, so any thread may use it."""
        plain = copy.copy(self)
        plain.trunk = self.folded_trunk()
        plain.head = self.head.folded()  # type: ignore[assignment]
        plain._normalised = {}
        return plain

    def state(self) -> dict[str, np.ndarray]:
        """Return the vectors of the power iteration, which are not Parameters but belong to a checkpoint."""
        return {
            f"{name}_{side}": getattr(layer, side).copy() for name, layer in self._normalised.items() for side in ("left", "right")
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned.

        Raises:
            ValueError: if a vector is missing or does not fit.
        """
        for name, layer in self._normalised.items():
            for side in ("left", "right"):
                vector = state.get(f"{name}_{side}")
                if vector is None or vector.shape != getattr(layer, side).shape or not np.isfinite(vector).all():
                    raise ValueError(f"the critic's state has no fitting vector {name}_{side}")
                setattr(layer, side, vector.astype(np.float64))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
