"""One round of the game: what generator and critic lose on the same half of a mini-batch, and which songs they see.

    generator_loss(vae, batch)      300 (mse(G(P), S0) + beta KL) - weight mean D(G(P)), with its gradient in encoder and decoder
    critic_loss(critic, batch)      hinge on D(S0) and D(G(P)), on the songs that the generator made of this half, with its gradient

Both have the form that a `Trainer` asks for and run on two threads at once; what they leave behind
is kept by the half it is of. Letters: S steps, B batch, F features of a step, Z latent size, N
songs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gan.critic import INPUT_SCALE, Critic
from gan.latent import LatentDistribution
from gan.options import GANOptions
from neural_networks.components.kernels import kernel
from neural_networks.components.losses import gaussian_kl, sequence_error
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.trainer import Batch

# a table of noise that is longer than a song has values in many steps; read from random places
NOISE_VALUES = 1 << 20


@kernel
def _add_noise(
    noisy: np.ndarray, x: np.ndarray, noise: np.ndarray, place: int, scale: float
) -> None:
    """Write noisy (S, B, F) = x + scale noise, the noise read round from a place on."""
    steps, batch, features = x.shape
    for s in range(steps):
        for b in range(batch):
            done = 0
            while done < features:
                count = min(features - done, noise.size - place)
                line, given, added = (
                    noisy[s, b, done : done + count],
                    x[s, b, done : done + count],
                    noise[place : place + count],
                )
                for j in range(count):
                    line[j] = given[j] + scale * added[j]
                done += count
                place += count
                if place == noise.size:
                    place = 0


class Made(NamedTuple):
    """What the generator made of one half of a mini-batch."""

    fakes: np.ndarray  # (S, B, F)
    statistics: np.ndarray  # (B, 2 Z)
    reconstruction: float
    kl: float
    diversity: float
    real: np.ndarray  # (S, B, F), the songs of the half
    scores: np.ndarray  # (B,), of the fakes by the critic, which learns from what it said then
    cache: Any  # of the critic


class Scores(NamedTuple):
    """What the critic said of one half of a mini-batch, before its step."""

    real: np.ndarray  # (B,)
    fake: np.ndarray  # (B,)


class Round:
    """The two losses, and what they share.

    Args:
        critic: whose scores teach the generator.
        songs: (N, S, F); read at each step.
        options: see GANOptions.
        dtype: of the networks.
        seed: of the table of noise.

    Attributes:
        statistics: (N, 2 Z) of every song, [mean; log-variance], as it was encoded last; `begin`
            draws by them.
        made: of each half, by the bytes of its songs' numbers.
        scores: likewise.
    """

    def __init__(
        self,
        critic: Critic,
        songs: np.ndarray,
        options: GANOptions,
        dtype: Any,
        statistics: np.ndarray,
        seed: int,
        communicator: Communicator = ALONE,
    ) -> None:
        self.critic, self.songs, self.options, self.dtype = critic, songs, options, dtype
        self.statistics = statistics
        self._gather = communicator.gather
        self.made: dict[bytes, Made] = {}
        self.scores: dict[bytes, Scores] = {}
        self._noise = np.random.default_rng((seed, 1)).standard_normal(
            NOISE_VALUES, dtype=np.float32
        )
        self.begin()

    def begin(self) -> None:
        """Forget the last round, and draw from where the songs lie now."""
        mean, log_variance = np.split(self.statistics, 2, axis=1)
        self.latents = LatentDistribution(mean, log_variance, "gaussian")
        self.made, self.scores = {}, {}

    def end(self) -> tuple[list[Made], tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Keep how the songs of all processes were encoded.

        Returns:
            What this process made, in an order that no thread decides; the scores (B,) of real and
            of generated songs; the means (3,) of reconstruction error, KL and diversity.
        """
        keys = sorted(self.made)
        made, scores = [self.made[key] for key in keys], [self.scores[key] for key in keys]
        gather = self._gather
        indices = gather(
            np.concatenate([np.empty(0, np.int64), *(np.frombuffer(key, np.int64) for key in keys)])
        )
        self.statistics[indices] = gather(
            np.concatenate([self.statistics[:0], *(one.statistics for one in made)])
        )
        empty = np.empty(0, self.statistics.dtype)
        real, fake = (
            gather(np.concatenate([empty, *(getattr(half, side) for half in scores)]))
            for side in ("real", "fake")
        )
        means = gather(np.array([one[2:5] for one in made], np.float64).reshape(-1, 3)).mean(axis=0)
        return made, (real, fake), means

    def generator_loss(self, vae: Any, batch: Batch) -> float:
        """Add the gradient of the generator's loss on one half of a mini-batch, and keep the songs for the critic."""
        options = self.options
        real = self._real(batch)
        count = real.shape[1]
        statistics, encoder = vae.encoder.forward(real)
        mean, log_variance = np.split(statistics, 2, axis=1)
        epsilon = batch.rng.standard_normal(mean.shape, dtype=np.float32).astype(mean.dtype)
        deviation = np.exp(log_variance / 2)
        encoded = mean + deviation * epsilon
        drawn, reused = self._draw(count, batch.rng)

        # Columns: reconstructions of all songs, the last `reused` of which the critic judges as
        # well, then the songs of drawn P.
        songs, decoder = vae.decoder.forward(np.concatenate([encoded, drawn.astype(encoded.dtype)]))
        error, roughness, derror = sequence_error(
            songs[:, :count], real, smoothness=options.smoothness, rows=options.rows
        )
        kl, dmean_kl, dlog_variance_kl = gaussian_kl(mean, log_variance)

        # dL/dS of every moment of the judged songs comes from the critic, whose own gradients
        # nobody asks for here.
        judged = songs[:, count - reused :]
        scores, cache = self.critic.forward(self._noisy(judged, batch.rng))
        value, dscores = options.loss.generator(scores)
        weight = options.adversarial_weight * (
            min(1.0, batch.step / options.warm_up) if options.warm_up else 1.0
        )
        djudged, _ = self.critic.traced_backward(dscores * scores.dtype.type(weight), cache)

        dsongs = np.empty_like(songs)
        np.multiply(derror, derror.dtype.type(options.reconstruction_weight), out=dsongs[:, :count])
        dsongs[:, count - reused : count] += djudged[:, :reused]
        dsongs[:, count:] = djudged[:, reused:]
        dz = vae.decoder.backward(dsongs, decoder)[:count]
        beta = options.reconstruction_weight * options.kl_weight
        # z = mean + exp(log_variance / 2) epsilon, so dz/dlog_variance = deviation epsilon / 2.
        dmean = dz + beta * dmean_kl
        dlog_variance = dz * epsilon * deviation / 2 + beta * dlog_variance_kl
        vae.encoder.add_gradients(
            np.concatenate([dmean, dlog_variance], axis=1).astype(real.dtype), encoder
        )

        self.made[_key(batch)] = Made(
            judged, statistics, error, kl, _diversity(judged, real), real, scores, cache
        )
        return (
            options.reconstruction_weight * (error + options.smoothness * roughness)
            + beta * kl
            + weight * value
        )

    def critic_loss(self, critic: Critic, batch: Batch) -> float:
        """Add the gradient of the critic's loss on one half of a mini-batch and the songs made of it."""
        if critic is not self.critic:
            # the second thread's twin shares the weights, but not the norms' vectors
            critic.restore(self.critic.state())
        made = self.made[_key(batch)]
        real, fake, fake_scores, fake_cache = made.real, made.fakes, made.scores, made.cache
        real_scores, real_cache = critic.forward(self._noisy(real, batch.rng))
        value, dreal, dfake = self.options.loss.critic(real_scores, fake_scores)
        critic.add_gradients(dreal, real_cache)
        critic.add_gradients(dfake, fake_cache)
        if self.options.penalty is not None:
            value += self.options.penalty(critic, real, fake, batch.rng)
        self.scores[_key(batch)] = Scores(real_scores, fake_scores)
        return value

    def _real(self, batch: Batch) -> np.ndarray:
        return np.ascontiguousarray(self.songs[batch.indices].transpose(1, 0, 2), self.dtype)

    def _draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Return new coordinates, and how many reconstructions are judged beside them; `count` together."""
        reused = round(count * self.options.reconstructed)
        gaussian = min(round(count * self.options.gaussian), count - reused)
        halfway = min(round(count * self.options.halfway), count - reused - gaussian)
        mixed = count - reused - gaussian - halfway
        latents = self.latents
        return np.concatenate(
            [latents.sample(gaussian, rng), latents.between(halfway, rng), latents.mix(mixed, rng)]
        ), reused

    def _noisy(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return x + instance noise, which is read from a table from a random place on, as often round as it takes.

        NOTE: normal draws for every value of every song would cost as much as the critic itself.
        """
        noisy = np.empty(x.shape, x.dtype)
        _add_noise(
            noisy,
            x,
            self._noise,
            int(rng.integers(NOISE_VALUES)),
            x.dtype.type(self.options.instance_noise / INPUT_SCALE),
        )
        return noisy


def _key(batch: Batch) -> bytes:
    return batch.indices.astype(np.int64).tobytes()


def _diversity(fakes: np.ndarray, real: np.ndarray) -> float:
    """Return the spread over a batch at the same moment, of generated songs over real ones; 1 for a single song."""
    if fakes.shape[1] < 2 or real.shape[1] < 2:
        return 1.0
    return float(fakes[::8].std(axis=1).mean() / max(float(real[::8].std(axis=1).mean()), 1e-9))
