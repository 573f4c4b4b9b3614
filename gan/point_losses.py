"""Adversarial losses of a VAE that tells a song by one point.

    generator_loss    lambda (mse(G(P), S0) + smoothness roughness + beta KL) - weight mean D(G(P))

Letters: S steps, B batch, F features of a step, Z latent size, N songs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gan.adversarial_losses import AdversarialLosses, Generated, diversity
from gan.critic import Critic
from gan.options import GANOptions
from neural_networks.components.losses import gaussian_kl, sequence_error
from neural_networks.components.parameters import FlatParameters
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.batches import Piece

ENCODED_AT_ONCE = 16  # songs


class SongArray:
    """Songs (N, S, F) as the trainer draws them; read each time, so they may change in between."""

    def __init__(self, songs: np.ndarray, dtype: Any) -> None:
        self._songs, self._dtype = songs, dtype

    def __len__(self) -> int:
        return len(self._songs)

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return songs (S, B, F) of numbers (B,)."""
        return np.ascontiguousarray(self._songs[indices].transpose(1, 0, 2), self._dtype)


class PointAdversarialLosses(AdversarialLosses):
    """The losses of a VAE and its critic.

    Args:
        vae: packed; a module with `encoder`: x (S, B, F) -> [mean; log-variance] (B, 2 Z) and
            `decoder`: z (B, Z) -> (S, B, F).
        critic: its scores train the generator.
        songs: (N, S, F).
        options: see GANOptions.
        seed: of the noise.
        communicator: processes that share the pieces.
    """

    def __init__(
        self,
        vae: FlatParameters,
        critic: Critic,
        songs: np.ndarray,
        options: GANOptions,
        *,
        seed: int,
        communicator: Communicator = ALONE,
    ) -> None:
        if songs.ndim != 3:
            raise ValueError(f"songs have the shape (N, S, F), not {songs.shape}")
        encode = vae.module.encoder  # type: ignore[attr-defined]
        parts = [
            np.ascontiguousarray(
                songs[i : i + ENCODED_AT_ONCE].transpose(1, 0, 2), vae.values.dtype
            )
            for i in range(0, len(songs), ENCODED_AT_ONCE)
        ]
        statistics = np.concatenate([encode.forward(x)[0] for x in parts])
        super().__init__(
            critic,
            SongArray(songs, vae.values.dtype),
            options,
            statistics,
            seed=seed,
            communicator=communicator,
        )

    def generator_loss(self, vae: Any, batch: Piece) -> float:
        """Return the generator's loss on a piece of a mini-batch; add its gradient."""
        options = self.options
        real = self.songs.draw(batch.indices, batch.rng)
        count = real.shape[1]
        statistics, encoder = vae.encoder.forward(real)
        mean, log_variance = np.split(statistics, 2, axis=1)
        epsilon = batch.rng.standard_normal(mean.shape, dtype=np.float32).astype(mean.dtype)
        deviation = np.exp(log_variance / 2)
        encoded = mean + deviation * epsilon
        drawn, reused = self.draw(count, batch.rng)

        # Columns: reconstructions of all songs, then the songs of the drawn P. The critic scores
        # the last `reused` reconstructions and all songs of drawn P.
        songs, decoder = vae.decoder.forward(np.concatenate([encoded, drawn.astype(encoded.dtype)]))
        error, roughness, derror = sequence_error(
            songs[:, :count], real, smoothness=options.smoothness, rows=options.rows
        )
        kl, dmean_kl, dlog_variance_kl = gaussian_kl(mean, log_variance)

        # dL/dS of the scored songs comes from the critic, whose own gradients are not needed here.
        scored = songs[:, count - reused :]
        judged = self.judge(scored, batch)

        dsongs = np.empty_like(songs)
        np.multiply(derror, derror.dtype.type(options.reconstruction_weight), out=dsongs[:, :count])
        dsongs[:, count - reused : count] += judged.dsongs[:, :reused]
        dsongs[:, count:] = judged.dsongs[:, reused:]
        dz = vae.decoder.backward(dsongs, decoder)[:count]
        beta = options.reconstruction_weight * options.kl_weight
        # z = mean + exp(log_variance / 2) epsilon, so dz/dlog_variance = deviation epsilon / 2.
        dmean = dz + beta * dmean_kl
        dlog_variance = dz * epsilon * deviation / 2 + beta * dlog_variance_kl
        vae.encoder.add_gradients(
            np.concatenate([dmean, dlog_variance], axis=1).astype(real.dtype), encoder
        )

        self.generated[batch.piece] = Generated(
            fakes=scored,
            real=real,
            statistics=statistics,
            reconstruction=error,
            kl=kl,
            diversity=diversity(scored, real),
            scores=judged.scores,
            cache=judged.cache,
            indices=batch.indices,
        )
        return (
            options.reconstruction_weight * (error + options.smoothness * roughness)
            + beta * kl
            + judged.value
        )
