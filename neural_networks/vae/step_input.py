"""What a recurrent network reads at a step: a step's latents and the song's context, squashed.

    a_t = tanh(w_t W + k_t)
    k_t = z Z + plan_beat(t) Q + position_t P + b

is tanh(Dense([w_t; z; plan_beat(t); position_t])): the products of what all steps of a song, or of
a beat, have in common are made once. Shapes: w (S, B, D), k and a (S, B, E); k is (1, B, E) where
it is the same at all steps. The context is a SongContext.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.activations import Tanh
from neural_networks.components.initializers import fan_in_uniform
from neural_networks.components.kernels.simd.matrix import multiply
from neural_networks.components.module import Module
from neural_networks.components.parameters import Parameter
from neural_networks.vae.song_context import Conditioning, ContextGradient, SongContext


class StepInput(Module):
    """Embed a step's latents and its context.

    Args:
        latent_size: D.
        song_size: Z.
        conditioning: says what the context has beside z.
        size: E.
        groups: in which the latents of a step come, with the context of `SongContext.grouped`.
        rng: draws the first weights, uniform in +-1 / sqrt(all inputs).
    """

    def __init__(
        self,
        latent_size: int,
        song_size: int,
        conditioning: Conditioning,
        size: int,
        *,
        groups: int = 1,
        rng: np.random.Generator,
    ) -> None:
        position_size = conditioning.position_size + (groups if groups > 1 else 0)
        parts = (latent_size, song_size, conditioning.plan_size, position_size)

        def weight(inputs: int) -> Parameter:
            return Parameter(fan_in_uniform((inputs, size), sum(parts), rng=rng))

        self.latent_weight = weight(latent_size)
        self.song_weight = weight(song_size)
        self.plan_weight = weight(conditioning.plan_size) if conditioning.plan_size else None
        self.position_weight = weight(position_size) if position_size else None
        self.bias = Parameter(fan_in_uniform((size,), sum(parts), rng=rng))
        self.size = size
        self.squash = Tanh()

    def forward(self, x: np.ndarray, context: SongContext | None = None) -> tuple[np.ndarray, Any]:
        """Return a (S, B, E) of latents w (S, B, D), and the cache."""
        assert context is not None
        a = np.empty((*x.shape[:2], self.size), x.dtype)
        multiply(a.reshape(-1, self.size), x.reshape(-1, x.shape[2]), self.latent_weight.value)
        a += self.condition(context)
        np.tanh(a, out=a)
        return a, (x, a, context)

    def backward(self, dy: np.ndarray, cache: Any) -> Any:
        """Return dw (S, B, D) and the ContextGradient."""
        w, a, context = cache
        dlinear = self.squash.backward(dy, a)
        flat = dlinear.reshape(-1, self.size)
        multiply(self.latent_weight.grad, w.reshape(-1, w.shape[2]).T, flat, add=True)
        dw = np.empty(w.shape, dy.dtype)
        multiply(dw.reshape(-1, w.shape[2]), flat, self.latent_weight.value.T)
        return dw, self.condition_backward(dlinear, context)

    def condition(self, context: SongContext) -> np.ndarray:
        """Return k, (S, B, E) or (1, B, E)."""
        k = (context.z @ self.song_weight.value + self.bias.value)[None]
        if context.plan is not None and self.plan_weight is not None:
            k = (k + context.plan @ self.plan_weight.value)[context.beats]
        if context.position is not None and self.position_weight is not None:
            k = k + context.position @ self.position_weight.value
        return k

    def condition_backward(self, dk: np.ndarray, context: SongContext) -> ContextGradient:
        """Return the context's gradient of that of k at all steps (S, B, E); add the weights'."""
        dsong = dk.sum(axis=0)
        self.song_weight.grad += context.z.T @ dsong
        self.bias.grad += dsong.sum(axis=0)
        dplan = None
        if context.plan is not None and self.plan_weight is not None:
            dbeat = np.zeros((len(context.plan), *dk.shape[1:]), dk.dtype)
            for beat, dstep in zip(context.beats, dk, strict=True):
                dbeat[beat] += dstep
            rows = dbeat.reshape(-1, self.size)
            self.plan_weight.grad += context.plan.reshape(len(rows), -1).T @ rows
            dplan = dbeat @ self.plan_weight.value.T
        if context.position is not None and self.position_weight is not None:
            dposition = dk if context.position.shape[1] > 1 else dk.sum(axis=1)
            rows = dposition.reshape(-1, self.size)
            self.position_weight.grad += context.position.reshape(len(rows), -1).T @ rows
        return ContextGradient(dsong @ self.song_weight.value.T, dplan)


def shifted(w: np.ndarray) -> np.ndarray:
    """Return at each step the latents of the step before (S, B, D); zeros at the first."""
    before = np.empty_like(w)
    before[0] = 0
    before[1:] = w[:-1]
    return before
