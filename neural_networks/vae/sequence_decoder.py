"""From a song's latents to its steps: a GRU that is told z, plan and position at every step.

    a_t = tanh(Dense([w_t; context_t]))
    h_t = GRU(a_t, h_(t-1))
    u_t = Dense([h_t; a_t; w_t])

Latents reach the components directly too, or all they say would have to pass through the E values
of a_t. Shapes: w (S, B, D), a (S, B, E), h (S, B, H), u (S, B, K). The song's beginning depends on
nothing that comes later, so a song can go on for ever: the state after the last step is all that
the next one needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.checks import of_shape
from neural_networks.components.gru import GRU
from neural_networks.components.joint_dense import JointDense
from neural_networks.components.module import Module
from neural_networks.vae.song_context import Conditioning, SongContext
from neural_networks.vae.step_input import StepInput


class SequenceDecoder(Module):
    """Write songs from latents that move in time.

    Args:
        components: K, values of a step.
        latent_size: D.
        song_size: Z.
        conditioning: makes the contexts.
        embedding: E.
        hidden: H.
        rng: draws the first weights.
    """

    def __init__(
        self,
        components: int,
        latent_size: int,
        song_size: int,
        conditioning: Conditioning,
        *,
        embedding: int,
        hidden: int,
        rng: np.random.Generator,
    ) -> None:
        self.input = StepInput(latent_size, song_size, conditioning, embedding, rng=rng)
        self.cell = GRU(embedding, hidden, rng=rng)
        self.head = JointDense((hidden, embedding, latent_size), components, rng=rng)

    def forward(
        self, x: np.ndarray, context: SongContext | None = None, first: np.ndarray | None = None
    ) -> tuple[np.ndarray, Any]:
        """Return u (S, B, K) of latents w (S, B, D), and the cache.

        Args:
            x: w (S, B, D).
            context: of the songs.
            first: (B, H), the state before the first step; zeros if not given.
        """
        if context is not None:
            of_shape(x, (context.steps, context.songs, self.head.inputs[-1]), "w")
        given, embed = self.input.forward(x, context)
        states, cell = self.cell.forward(given, first)
        y, head = self.head.forward((states, given, x))
        return y, (embed, cell, head)

    def backward(self, dy: np.ndarray, cache: Any) -> Any:
        """Return dw (S, B, D) and the ContextGradient."""
        embed, cell, head = cache
        dstates, dgiven, direct = self.head.backward(dy, head)
        dgiven += self.cell.backward(dstates, cell)
        dw, told = self.input.backward(dgiven, embed)
        dw += direct
        return dw, told

    def last_state(self, cache: Any) -> np.ndarray:
        """Return the state (B, H) after the last step."""
        return cache[1].hidden[-1]
