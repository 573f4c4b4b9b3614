"""The posterior of a song: where its steps lie, and where the whole of it, seen from both ends.

    e = BiGRU(tanh(Dense(u)))
    [mu_t; log s_t^2] = head([e_t; u_t])                 of a step's latents w_t
    [mu_z; log s_z^2] = song_head(mean over time of e)   of the song's coordinate z

Shapes: u (S, B, K), e (S, B, 2H), steps (S, B, 2D), songs (B, 2Z). Log-variances are still without
bounds. Bidirectional layers: Schuster and Paliwal 1997; a posterior that sees the whole sequence:
Krishnan et al. 2017, arXiv:1609.09869, section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.activations import Tanh
from neural_networks.components.bidirectional import Bidirectional
from neural_networks.components.dense import Dense
from neural_networks.components.gru import GRU
from neural_networks.components.joint_dense import JointDense
from neural_networks.components.module import Module


class PosteriorEncoder(Module):
    """Read songs into the statistics of their steps and of themselves.

    Args:
        components: K, values of a step.
        latent_size: D.
        song_size: Z.
        hidden: H of each direction, and of the embedding.
        rng: draws the first weights.
    """

    def __init__(
        self,
        components: int,
        latent_size: int,
        song_size: int,
        *,
        hidden: int,
        rng: np.random.Generator,
    ) -> None:
        self.hidden_size = hidden
        self.embed = Dense(components, hidden, rng=rng)
        self.squash = Tanh()
        self.cell = Bidirectional(GRU(hidden, hidden, rng=rng), GRU(hidden, hidden, rng=rng))
        self.head = JointDense((2 * hidden, components), 2 * latent_size, rng=rng)
        self.song_head = Dense(2 * hidden, 2 * song_size, rng=rng)
        # Begins almost certain, so that the first gradients carry the songs, not noise.
        self.head.bias.value[latent_size:] = -3
        self.song_head.bias.value[song_size:] = -3

    def forward(self, x: np.ndarray) -> tuple[Any, Any]:
        """Return ((steps (S, B, 2D), songs (B, 2Z)), cache) of songs u (S, B, K)."""
        embedded, embed = self.embed.forward(x)
        squashed, squash = self.squash.forward(embedded)
        states, cell = self.cell.forward(squashed)
        steps, head = self.head.forward((states, x))
        songs, song_head = self.song_head.forward(states.mean(axis=0))
        return (steps, songs), (embed, squash, cell, head, song_head)

    def backward(self, dy: Any, cache: Any) -> np.ndarray:
        """Return du (S, B, K) of the gradients of (steps, songs)."""
        dembedded, embed = self._to_embedding(dy, cache)
        return self.embed.backward(dembedded, embed) + self.head.input_gradient(dy[0], cache[3], 1)

    def add_gradients(self, dy: Any, cache: Any) -> None:
        """Add the gradients of the parameters alone: songs of the training set need none."""
        self.embed.add_gradients(*self._to_embedding(dy, cache))

    def _to_embedding(self, dy: Any, cache: Any) -> tuple[np.ndarray, Any]:
        dsteps, dsongs = dy
        embed, squash, cell, head, song_head = cache
        self.head.add_gradients(dsteps, head)
        dstates = self.head.input_gradient(dsteps, head, 0)
        dstates += self.song_head.backward(dsongs, song_head) / dsongs.dtype.type(len(dsteps))
        return self.squash.backward(self.cell.backward(dstates, cell), squash), embed
