"""Adversarial losses of a VAE whose latents move in time.

    generator_loss    lambda SequenceVAE.loss(S0) - weight mean D(G(z, eps)),  eps ~ N(0, 1)

z is drawn from the distribution of the encoded songs. G is the sampled recurrence, the prior fed
with its own draws, and the gradient goes through all of its steps. Without an adversarial weight
the generator stands still, and the critic alone learns to tell its songs.
Letters: S steps, B batch, K components of a step, D latents of a step, Z values of z, N songs.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from gan.adversarial_losses import AdversarialLosses, Generated, Songs, diversity
from gan.critic import Critic
from gan.options import GANOptions
from neural_networks.components.gaussians import moments
from neural_networks.components.parameters import FlatParameters
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.batches import Piece
from neural_networks.training.streams import Stream
from neural_networks.vae.sequence_vae import POSTERIOR_BOUNDS, SequenceVAE

ENCODED_AT_ONCE = 16  # songs


class SequenceAdversarialLosses(AdversarialLosses):
    """The losses of a SequenceVAE and its critic.

    Args:
        vae: packed.
        critic: its scores train the generator.
        songs: components (S, B, K).
        options: see GANOptions; `kl_weight` is the beta of SequenceVAE.loss, and a share
            `reconstructed` of the generated songs have the z of S0, with innovations of their own.
        seed: of the first encodings and the noise.
        communicator: processes that share the pieces.
    """

    def __init__(
        self,
        vae: FlatParameters,
        critic: Critic,
        songs: Songs,
        options: GANOptions,
        *,
        seed: int,
        communicator: Communicator = ALONE,
    ) -> None:
        module: SequenceVAE = vae.module  # type: ignore[assignment]
        rng = np.random.default_rng((seed, Stream.ENCODINGS))
        with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
            parts = [
                _encoding(module.posterior(songs.draw(indices, rng))[1])
                for indices in np.split(
                    np.arange(len(songs)), range(ENCODED_AT_ONCE, len(songs), ENCODED_AT_ONCE)
                )
            ]
        super().__init__(
            critic, songs, options, np.concatenate(parts), seed=seed, communicator=communicator
        )

    def generator_loss(self, vae: SequenceVAE, batch: Piece) -> float:
        """Return the generator's loss on a piece of a mini-batch; add its gradient."""
        options, rng = self.options, batch.rng
        real = self.songs.draw(batch.indices, rng)
        own, error, nats = 0.0, 0.0, 0.0
        statistics = self.statistics[batch.indices]
        if options.adversarial_weight:
            parts = vae.loss(
                real, beta=options.kl_weight, scale=options.reconstruction_weight, rng=rng
            )
            own, error = parts.loss, parts.error
            nats = len(real) * parts.step_nats + parts.song_nats
            statistics = _encoding(parts.songs)

        drawn, reused = self.draw(real.shape[1], rng)
        means = statistics[:reused, : vae.generator.song_size]
        z = np.concatenate([drawn.astype(self.dtype), means])
        shape = *real.shape[:2], vae.generator.innovation_size
        innovations = rng.standard_normal(shape, np.float32).astype(self.dtype)
        songs, cache = vae.generator.generate(z, innovations)
        judged = self.judge(songs, batch)
        if options.adversarial_weight:
            dsongs = self.critic.input_gradient(judged.dscores, judged.cache)
            vae.generator.generate_backward(dsongs, cache)

        self.generated[batch.piece] = Generated(
            fakes=songs,
            real=real,
            statistics=statistics,
            reconstruction=error,
            kl=nats,
            diversity=diversity(songs, real),
            scores=judged.scores,
            cache=judged.cache,
            indices=batch.indices,
        )
        return own + judged.value


def _encoding(statistics: np.ndarray) -> np.ndarray:
    """Return mean and log-variance (B, 2 Z), the latter within its bounds."""
    return np.concatenate(moments(statistics, POSTERIOR_BOUNDS), axis=1)
