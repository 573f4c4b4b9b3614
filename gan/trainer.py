"""Adversarial training of a song VAE: its decoder is the generator, a critic of whole songs teaches it what songs sound like.

One step, in the words of the project's document:

    pick songs S0, encode them:      P = mean + sigma epsilon               and draw new P: Gaussian, and mixes of encoded songs
    generate G(P); the generator:    300 (mse(G(P), S0) + beta KL) - weight mean D(G(P))     d/dS by the critic, d/dw by the decoder
    then the critic:                 hinge on D(S0) and D(G(P))             one power iteration of its norms

Both are ordinary `Trainer`s on the same mini-batch: two fixed halves, the same bytes for one thread and for two, resume bit for bit.
The critic sees the songs that the generator made in the same step, so each song is generated once.
Letters: S steps, B batch, F features of a step, Z latent size, N songs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gan.critic import INPUT_SCALE, Critic
from gan.latent import LatentDistribution
from gan.losses import HINGE, AdversarialLoss
from gan.penalties import Penalty
from neural_networks.communicator import ALONE, Communicator
from neural_networks.components.checkpoint import join, part
from neural_networks.components.losses import gaussian_kl, mean_squared_error
from neural_networks.components.optimizers import Adam, Average
from neural_networks.components.parameters import FlatParameters
from neural_networks.components.schedules import Schedule, constant, cosine
from neural_networks.interrupts import interrupt_between_steps
from neural_networks.training import Batch, Trainer, TrainingDiverged

__all__ = ["GANOptions", "GANTrainer", "Log", "TrainingDiverged"]

LAST_RATE = 0.02  # of the learning rates, where they fall
ALARM_STEPS = 100  # over which an alarm looks
NOISE_VALUES = 1 << 20  # a table of noise that is longer than a song has values in many steps; read from random places


@dataclass(frozen=True)
class GANOptions:
    """What may be chosen.

    Attributes:
        reconstructed: share of the generated songs that are reconstructions of S0.
        gaussian: share that comes from a Gaussian of full covariance; the rest are mixes of encoded songs.
        reconstruction_weight: of mean squared error and KL.
        adversarial_weight: of the critic's score; rises from 0 in `warm_up` steps, while the critic learns its first notions.
        warm_up: in steps.
        kl_weight: beta, of the KL divergence in nats beside the mean squared error.
        instance_noise: standard deviation, in units of the critic's scaled input.
        generator_rate: learning rate.
        critic_rate: learning rate.
        averaging: decay of the generator's weight average.
        batch_size: songs a step.
        loss: of critic and generator.
        penalty: on the critic's slope, such as `penalties.r1` or `partial(penalties.wgan_gp, weight=1.0)`; None for none.
    """

    reconstructed: float = 0.25
    gaussian: float = 0.375
    reconstruction_weight: float = 300.0
    adversarial_weight: float = 0.3
    warm_up: int = 20
    kl_weight: float = 1e-7
    instance_noise: float = 0.1
    generator_rate: float = 3e-4
    critic_rate: float = 6e-4
    averaging: float = 0.995
    batch_size: int = 16
    loss: AdversarialLoss = HINGE
    penalty: Penalty | None = None


class Log(NamedTuple):
    """What happened in a step."""

    step: int
    critic_loss: float
    real_score: float
    fake_score: float
    reconstruction: float  # mean squared error
    kl: float  # nats a song
    critic_norm: float  # of the gradient
    generator_norm: float
    diversity: float  # spread of the generated songs over that of the real ones


class _Made(NamedTuple):
    """What the generator made of one half of a mini-batch."""

    fakes: np.ndarray  # (S, B, F)
    statistics: np.ndarray  # (B, 2 Z)
    reconstruction: float
    kl: float
    diversity: float


class GANTrainer:
    """Train a VAE's decoder against a critic.

    Args:
        vae: packed; a module with `encoder`: x (S, B, F) -> [mean; log-variance] (B, 2 Z) and `decoder`: z (B, Z) -> (S, B, F).
        critic: packed.
        songs: (N, S, F); read at each step, so the caller may put fresh ones in between.
        options: see GANOptions.
        steps: over which both learning rates fall along a half cosine; constant if None.
        seed: of the order of songs and all noise.
        threads: 1 or 2; None takes what there is. The result does not depend on it.
        pieces: of a mini-batch, see Trainer.
        communicator: processes that share them out; all have the same models, songs and options.
    """

    def __init__(
        self,
        vae: FlatParameters,
        critic: FlatParameters,
        songs: np.ndarray,
        *,
        options: GANOptions | None = None,
        steps: int | None = None,
        seed: int = 0,
        threads: int | None = None,
        pieces: int = 2,
        communicator: Communicator = ALONE,
    ) -> None:
        if songs.ndim != 3 or len(songs) < 2:
            raise ValueError(f"songs to train on have the shape (N, S, F) with at least two of them, not {songs.shape}")
        self.options = options or GANOptions()
        if min(self.options.reconstructed, self.options.gaussian) < 0 or self.options.reconstructed + self.options.gaussian > 1:
            raise ValueError("the shares of generated songs must be positive and at most 1 together")
        self.songs = songs
        self._communicator = communicator
        self.critic: Critic = critic.module  # type: ignore[assignment]
        size = min(self.options.batch_size, len(songs))

        def schedule(rate: float) -> Schedule:
            return constant(rate) if steps is None else cosine(rate, steps, final=LAST_RATE)

        def trainer(parameters: FlatParameters, loss: Callable[[Any, Batch], float], rate: float, stream: int) -> Trainer:
            return Trainer(
                parameters, loss, Adam(0.5, 0.99), schedule(rate), batch_size=size, seed=seed, stream=stream, threads=threads,
                pieces=pieces, communicator=communicator,
            )  # fmt: skip

        self._generator = trainer(vae, self._generator_loss, self.options.generator_rate, 0)
        self._critic = trainer(critic, self._critic_loss, self.options.critic_rate, 1)
        self.average = Average(vae.values, decay=self.options.averaging)
        self.log: deque[Log] = deque(maxlen=10_000)
        self._noise = np.random.default_rng((seed, 1)).standard_normal(NOISE_VALUES, dtype=np.float32)
        self._made: dict[bytes, _Made] = {}
        self._scores: dict[bytes, tuple[float, float]] = {}
        self._statistics = np.concatenate([self._encode(songs[i : i + 16]) for i in range(0, len(songs), 16)])
        self._latents: tuple[LatentDistribution, LatentDistribution] = self._distributions()

    @property
    def steps(self) -> int:
        """How many steps have been made."""
        return self._critic.steps

    def run(
        self,
        steps: int,
        *,
        progress: Callable[[int, int, Log], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        """Train until `steps` steps have been made in all, those before a `restore` included; Ctrl-C waits for the end of a step.

        Raises:
            TrainingDiverged: if a loss or a gradient is not finite; the last good weights are kept.
        """
        with interrupt_between_steps() as check:
            while self.steps < steps and not (should_stop and should_stop()):
                log = self.step()
                check()
                if progress:
                    progress(self.steps, steps, log)

    def step(self) -> Log:
        """Make one step of the generator, then one of the critic on the same songs."""
        self._latents = self._distributions()
        self._made, self._scores = {}, {}
        self._generator.step(len(self.songs))
        self.average.update(self._generator.parameters.values)
        critic_loss = self._critic.step(len(self.songs))
        self.critic.update_norms()
        real, fake, reconstruction, kl, diversity = self._exchange()
        log = Log(
            self.steps, critic_loss, float(real), float(fake), float(reconstruction), float(kl),
            self._critic.norm, self._generator.norm, float(diversity),
        )  # fmt: skip
        self.log.append(log)
        self._made, self._scores = {}, {}
        return log

    def _exchange(self) -> np.ndarray:
        """Take in the statistics of the step's songs, also those of other processes; return the means (5,) of what there is to log."""
        # In an order that does not depend on which thread was first.
        made = sorted(self._made.items())
        own = [(*self._scores[key], one.reconstruction, one.kl, one.diversity) for key, one in made]
        indices = np.concatenate([np.empty(0, np.int64), *(np.frombuffer(key, np.int64) for key, _ in made)])
        statistics = np.concatenate([self._statistics[:0], *(one.statistics for _, one in made)])
        gather = self._communicator.gather
        self._statistics[gather(indices)] = gather(statistics)
        return gather(np.array(own, np.float64).reshape(-1, 5)).mean(axis=0)

    def alarms(self) -> list[str]:
        """Return what looks wrong over the last steps, each with what to do; nothing before ALARM_STEPS steps."""
        recent = list(self.log)[-ALARM_STEPS:]
        if len(recent) < ALARM_STEPS:
            return []
        found = []
        gap = np.mean([log.real_score - log.fake_score for log in recent])
        if np.mean([log.critic_loss for log in recent]) < 0.05 and gap > 2:
            found.append(
                f"the critic is certain (scores {gap:.1f} apart) and teaches nothing: lower critic_rate or raise instance_noise"
            )
        diversity = np.mean([log.diversity for log in recent])
        if diversity < 0.5:
            found.append(
                f"generated songs differ only {100 * diversity:.0f} % as much as real ones: lower adversarial_weight or raise reconstructed"
            )
        return found

    def use_average(self) -> None:
        """Give the VAE the average of its weights over the last steps: at the end of the training."""
        self._generator.parameters.values[:] = self.average.values

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all that the next steps depend on, as arrays for a checkpoint.

        NOTE: after an exception the generator may be a step ahead of the critic; such a state is refused by `restore`.
        """
        state = join({
            "generator/": self._generator.state(),
            "critic/": self._critic.state(),
            "norms/": self.critic.state(),
            "average/": self.average.state(),
        })  # fmt: skip
        return {**state, "statistics": self._statistics.copy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`, bit for bit, given the same songs and options.

        Raises:
            ValueError: if it belongs to other models, songs or another seed, or was saved in the middle of a step.
        """
        statistics = state.get("statistics")
        if statistics is None or statistics.shape != self._statistics.shape:
            raise ValueError(f"the state is not one of {len(self.songs)} songs in this latent space")
        average = part(state, "average/")
        if "steps" not in average or "values" not in average or average["values"].shape != self.average.values.shape:
            raise ValueError("the state has no average of this model's weights")
        if not (np.isfinite(statistics).all() and np.isfinite(average["values"]).all()):
            raise ValueError("the state holds numbers that are not finite")
        made = [int(state.get(f"{name}/steps", -1)) for name in ("generator", "critic", "average")]
        if len(set(made)) > 1:
            raise ValueError(
                f"the state was saved in the middle of a step: the generator has made {made[0]} steps, the critic {made[1]}, "
                f"the average {made[2]}"
            )
        self._generator.restore(part(state, "generator/"))
        self._critic.restore(part(state, "critic/"))
        self.critic.restore(part(state, "norms/"))
        self.average.restore(average)
        self._statistics[:] = statistics

    def _generator_loss(self, vae: Any, batch: Batch) -> float:
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

        # Columns: reconstructions of all songs, the last `reused` of which the critic judges as well, then the songs of drawn P.
        songs, decoder = vae.decoder.forward(np.concatenate([encoded, drawn.astype(encoded.dtype)]))
        error, derror = mean_squared_error(songs[:, :count], real)
        kl, dmean_kl, dlog_variance_kl = gaussian_kl(mean, log_variance)

        # dL/dS of every moment of the judged songs comes from the critic; its norms are folded into weights of its own.
        judged = songs[:, count - reused :]
        critic = self.critic.folded()
        scores, cache = critic.forward(self._noisy(judged, batch.rng))
        value, dscores = options.loss.generator(scores)
        weight = options.adversarial_weight * (min(1.0, batch.step / options.warm_up) if options.warm_up else 1.0)
        djudged = critic.backward(dscores * scores.dtype.type(weight), cache)

        dsongs = np.zeros_like(songs)
        dsongs[:, :count] = derror * derror.dtype.type(options.reconstruction_weight)
        dsongs[:, count - reused :] += djudged
        dz = vae.decoder.backward(dsongs, decoder)[:count]
        beta = options.reconstruction_weight * options.kl_weight
        # z = mean + exp(log_variance / 2) epsilon, so dz/dlog_variance = deviation epsilon / 2.
        dmean = dz + beta * dmean_kl
        dlog_variance = dz * epsilon * deviation / 2 + beta * dlog_variance_kl
        vae.encoder.add_gradients(np.concatenate([dmean, dlog_variance], axis=1).astype(real.dtype), encoder)

        self._made[batch.indices.astype(np.int64).tobytes()] = _Made(judged, statistics, error, kl, _diversity(judged, real))
        return options.reconstruction_weight * error + beta * kl + weight * value

    def _critic_loss(self, critic: Critic, batch: Batch) -> float:
        """Add the gradient of the critic's loss on one half of a mini-batch and the songs made of it."""
        if critic is not self.critic:
            critic.restore(self.critic.state())  # the second thread's twin shares the weights, but not the norms' vectors
        key = batch.indices.astype(np.int64).tobytes()
        real, fake = self._real(batch), self._made[key].fakes
        real_scores, real_cache = critic.forward(self._noisy(real, batch.rng))
        fake_scores, fake_cache = critic.forward(self._noisy(fake, batch.rng))
        value, dreal, dfake = self.options.loss.critic(real_scores, fake_scores)
        critic.add_gradients(dreal, real_cache)
        critic.add_gradients(dfake, fake_cache)
        if self.options.penalty is not None:
            value += self.options.penalty(critic, real, fake, batch.rng)
        self._scores[key] = float(real_scores.mean()), float(fake_scores.mean())
        return value

    def _real(self, batch: Batch) -> np.ndarray:
        dtype = self._generator.parameters.values.dtype
        return np.ascontiguousarray(self.songs[batch.indices].transpose(1, 0, 2), dtype)

    def _draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Return new coordinates, and how many reconstructions are judged beside them; `count` together."""
        reused = round(count * self.options.reconstructed)
        gaussian = min(round(count * self.options.gaussian), count - reused)
        full, mixture = self._latents
        return np.concatenate([full.sample(gaussian, rng), mixture.sample(count - reused - gaussian, rng)]), reused

    def _distributions(self) -> tuple[LatentDistribution, LatentDistribution]:
        mean, log_variance = np.split(self._statistics, 2, axis=1)
        return LatentDistribution(mean, log_variance, "gaussian"), LatentDistribution(mean, log_variance, "mixture")

    def _encode(self, songs: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(songs.transpose(1, 0, 2), self._generator.parameters.values.dtype)
        return self._generator.parameters.module.encoder.forward(x)[0]  # type: ignore[attr-defined]

    def _noisy(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return x + instance noise, which is read from a table from a random place on, as often round as it takes.

        NOTE: normal draws for every value of every song would cost as much as the critic itself.
        """
        noisy = np.empty(x.size, x.dtype)
        place, done = int(rng.integers(NOISE_VALUES)), 0
        while done < x.size:
            piece = self._noise[place : place + x.size - done]
            noisy[done : done + piece.size] = piece
            place, done = 0, done + piece.size
        noisy = noisy.reshape(x.shape)
        noisy *= x.dtype.type(self.options.instance_noise / INPUT_SCALE)
        noisy += x
        return noisy


def _diversity(fakes: np.ndarray, real: np.ndarray) -> float:
    """Return the spread over a batch at the same moment, of generated songs over real ones; 1 for a single song."""
    if fakes.shape[1] < 2 or real.shape[1] < 2:
        return 1.0
    return float(fakes[::8].std(axis=1).mean() / max(float(real[::8].std(axis=1).mean()), 1e-9))
