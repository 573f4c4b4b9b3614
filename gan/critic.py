"""The critic: reads a whole song and gives it one score, high for real songs.

    x (S, B, F) -> scale (x - centre) -> the layers of its body (gan/critic_bodies.py)
    -> mean over time (B, H) -> dense -> score (B,)

Letters: S steps, B batch, F features of a step, H hidden size. Sources: Miyato et al. 2018,
arXiv:1802.05957 (spectral normalisation); Lim and Ye 2017 (the hinge loss); Pearlmutter 1994
(second derivatives, neural_networks/components/second_order/rules.py).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from gan.critic_bodies import Body, convolutional
from gan.spectral_norm import SpectralNorm, folded, spectral_norms
from neural_networks.components.checks import floats
from neural_networks.components.conv import Conv1d
from neural_networks.components.dense import Dense
from neural_networks.components.kernels import kernel
from neural_networks.components.mean_over_time import MeanOverTime
from neural_networks.components.module import Module, Sequential
from neural_networks.components.second_order import rules as tangents

INPUT_SCALE = 3.0  # frames lie between 0 and about 1, most near 0
# The mean of the frames: without it, a critic tells real songs from generated ones half as well
# after 25 to 100 steps (docs/gan_tries.md).
INPUT_CENTRE = 0.1


@kernel
def _scale(scaled: np.ndarray, x: np.ndarray, scale: float, shift: float) -> None:
    # One pass: songs are long, and the time goes into passes over memory.
    for i in range(x.size):
        scaled[i] = scale * x[i] - shift


class Trunk(Module):
    """The critic without its score: returns the activations of every layer.

    Args:
        layers: each (S, B, .) -> (S', B, H); the first reads scale (x - centre).
        centre: mean of the songs' values.
        scale: of all values, or (F,).
    """

    def __init__(
        self,
        layers: list[Module],
        centre: float = INPUT_CENTRE,
        scale: float | np.ndarray = INPUT_SCALE,
    ) -> None:
        self.layers = layers
        self.centre = centre
        self.scale = scale

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], Any]:  # type: ignore[override]
        """Return the activations of every layer for songs x (S, B, F), and the cache."""
        activations, caches = [self._scaled(x)], []
        for layer in self.layers:
            y, cache = layer.forward(activations[-1])
            activations.append(y)
            caches.append(cache)
        return activations[1:], caches

    def backward(self, dy: list[np.ndarray], cache: Any) -> np.ndarray:  # type: ignore[override]
        """Return dx (S, B, F) for a gradient of every layer's activations."""
        dx = self.layers[0].backward(self._backward_to_first(dy, cache), cache[0])
        return self.scale_backward(dx)

    def scale_backward(self, dx: np.ndarray) -> np.ndarray:
        """Multiply what was scaled, or its gradient, by the scale in place, and return it."""
        dx *= np.asarray(self.scale, dx.dtype)
        return dx

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        if np.ndim(self.scale):
            return (x - x.dtype.type(self.centre)) * np.asarray(self.scale, x.dtype)
        scaled = np.empty(x.shape, x.dtype)
        _scale(
            scaled.reshape(-1),
            np.ascontiguousarray(x).reshape(-1),
            x.dtype.type(self.scale),
            x.dtype.type(self.scale * self.centre),
        )
        return scaled

    def add_gradients(self, dy: list[np.ndarray], cache: Any) -> None:  # type: ignore[override]
        """Add the gradients of the parameters alone."""
        self.layers[0].add_gradients(self._backward_to_first(dy, cache), cache[0])

    def _backward_to_first(self, dy: list[np.ndarray], cache: Any) -> np.ndarray:
        gradient = dy[-1]
        for index in range(len(self.layers) - 1, 0, -1):
            gradient = self.layers[index].backward(gradient, cache[index]) + dy[index - 1]
        return gradient


class Critic(Module):
    """Score whole songs: (S, B, F) -> (B,), any number of steps.

    Args:
        features: F, values of a step.
        hidden: H, of every layer.
        body: builds the layers; see gan/critic_bodies.py.
        gain: the largest singular value of each normalised weight.
        centre: mean of the songs' values.
        scale: of all values, or (F,) of each.
        rng: draws the initial weights.

    Examples:
        >>> critic = Critic(6, 8, rng=np.random.default_rng(0))
        >>> songs = np.zeros((16, 3, 6), np.float32)  # 16 steps of three songs
        >>> scores, cache = critic.forward(songs)
        >>> dsongs = critic.backward(np.ones_like(scores), cache)
        >>> scores.shape, dsongs.shape
        ((3,), (16, 3, 6))
    """

    def __init__(
        self,
        features: int,
        hidden: int = 128,
        *,
        body: Body = convolutional,
        gain: float = 2.0,
        centre: float = INPUT_CENTRE,
        scale: float | np.ndarray = INPUT_SCALE,
        rng: np.random.Generator,
    ) -> None:
        self.features = features
        self.hidden = hidden
        self.body = body.__name__
        self.trunk = Trunk(body(features, hidden, gain, rng), centre, scale)
        self.pool = MeanOverTime()
        self.head: Module = SpectralNorm(Dense(hidden, 1, rng=rng), gain=gain, rng=rng)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return (scores (B,), cache) of songs x (S, B, F); the caller adds any instance noise.

        Raises:
            ValueError: if x does not have the shape (S, B, F).
            TypeError: if x is not of float32 or float64.
        """
        floats(x)
        if x.ndim != 3 or x.shape[2] != self.features or not len(x):
            raise ValueError(
                f"this critic reads songs of shape (S, B, {self.features}), not {x.shape}"
            )
        activations, trunk = self.trunk.forward(x)
        pooled, pool = self.pool.forward(activations[-1])
        score, head = self.head.forward(pooled)
        return score[:, 0], [*trunk, pool, head]

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (S, B, F), the effect of each moment on its song's score, for dy (B,)."""
        return self.trunk.backward(*self._backward_to_trunk(dy, cache))

    def add_gradients(self, dy: np.ndarray, cache: Any) -> None:
        """Add the gradients of the parameters alone; training the critic needs no dx."""
        self.trunk.add_gradients(*self._backward_to_trunk(dy, cache))

    def _backward_to_trunk(self, dy: np.ndarray, cache: Any) -> tuple[list[np.ndarray], Any]:
        *trunk, pool, head = cache
        dlast = self.pool.backward(self.head.backward(dy[:, None], head), pool)
        return [*(np.zeros((1, 1, 1), dlast.dtype) for _ in trunk[:-1]), dlast], trunk

    def input_gradient(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (S, B, F) as `backward` does; add nothing to the critic's gradients."""
        return self.traced_backward(dy, cache)[0]

    # Second derivatives, for gradient penalties: the contract is in
    # neural_networks/components/second_order/rules.py.

    def traced_backward(self, dy: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return dx (S, B, F) for the gradient dy (B,) of the scores, and its trace."""
        dx, trace = tangents.traced_backward(self._chain(), dy[:, None], cache)
        return self.trunk.scale_backward(dx), trace

    def tangent_forward(self, x_tangent: np.ndarray, cache: Any) -> tuple[np.ndarray, Any]:
        """Return the tangents of the scores (B,) and those of all layers."""
        score, found = tangents.tangent_forward(
            self._chain(), self.trunk.scale_backward(x_tangent.copy()), cache
        )
        return score[:, 0], found

    def tangent_backward(
        self, dy_tangent: np.ndarray, cache: Any, trace: Any, found: Any
    ) -> np.ndarray:
        """Return the tangent of dx (S, B, F); add those of the parameters' gradients."""
        dx_tangent = tangents.tangent_backward(
            self._chain(), dy_tangent[:, None], cache, trace, found
        )
        return self.trunk.scale_backward(dx_tangent)

    def _chain(self) -> Sequential:
        return Sequential(*self.trunk.layers, self.pool, self.head)

    def update_norms(self, iterations: int = 1) -> None:
        """Advance the power iteration of every weight, after each step of the critic."""
        for layer in self._named_norms().values():
            layer.update(iterations)

    def folded_trunk(self) -> Trunk:
        """Return a copy of the trunk with the spectral norms folded into plain weights."""
        return Trunk(
            [folded(layer) for layer in self.trunk.layers], self.trunk.centre, self.trunk.scale
        )

    def folded(self) -> Critic:
        """Return a copy with plain weights and its own gradients, for use by any thread."""
        plain = copy.copy(self)
        plain.trunk = self.folded_trunk()
        plain.head = folded(self.head)
        return plain

    def state(self) -> dict[str, np.ndarray]:
        """Return the vectors of the power iteration: no Parameters, but part of a checkpoint."""
        return {
            f"{name}_{side}": getattr(layer, side).copy()
            for name, layer in self._named_norms().items()
            for side in ("left", "right")
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Restore what `state` returned.

        Raises:
            ValueError: if a vector is missing or does not fit.
        """
        for name, layer in self._named_norms().items():
            for side in ("left", "right"):
                vector = state.get(f"{name}_{side}")
                if (
                    vector is None
                    or vector.shape != getattr(layer, side).shape
                    or not np.isfinite(vector).all()
                ):
                    raise ValueError(f"the critic's state has no fitting vector {name}_{side}")
                setattr(layer, side, vector.astype(np.float64))

    def _named_norms(self) -> dict[str, SpectralNorm]:
        """Return the normalised layers by their names in checkpoints and station files."""
        found: dict[str, SpectralNorm] = {}
        for norm in spectral_norms(self.trunk):
            if isinstance(norm.layer, Conv1d):
                found[f"convolution_{sum(name.startswith('convolution') for name in found)}"] = norm
            else:
                found["embed"] = norm
        for norm in spectral_norms(self.head):
            found["head"] = norm
        return found
