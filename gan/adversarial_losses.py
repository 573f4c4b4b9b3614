"""What every adversarial training shares: the critic's loss and scores of generated songs.

    generator_loss(vae, batch)     a subclass: its own loss - weight mean D(G(P)); adds the gradient
                                   sequence_losses.py
    critic_loss(critic, batch)     hinge on D(S0) and D(G(P)); adds the gradient of the critic

Here the gradient of the critic enters the generator: `critic.input_gradient`, then the generator's
backward pass. Losses of scores: losses.py. Both have the signature that a `Trainer` expects and run
on two threads at once. The critic is trained on the songs that the generator made from the same
piece of the mini-batch in the same step. Letters: S steps, B batch, F features of a step, Z latent
size, N songs.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from gan.critic import Critic
from gan.latent import LatentDistribution
from gan.options import GANOptions
from neural_networks.components.kernels import kernel
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.batches import Piece
from neural_networks.training.streams import Stream

# values in the table of noise; a song is longer, so it reads some of them more than once
NOISE_VALUES = 1 << 20
# Steps between those that the log's diversity is measured on; with 8 it takes an eighth of the time
# and differs from that of all steps by up to 5 % (starter station, 16 songs of 16 beats).
DIVERSITY_STRIDE = 8


@kernel
def _add_noise(
    noisy: np.ndarray, x: np.ndarray, noise: np.ndarray, place: int, scale: np.ndarray
) -> None:
    """Write noisy (S, B, F) = x + scale (F,) noise, read in a circle from `place` on."""
    steps, batch, features = x.shape
    for s in range(steps):
        for b in range(batch):
            done = 0
            while done < features:
                count = min(features - done, noise.size - place)
                line, given, added, weight = (
                    noisy[s, b, done : done + count],
                    x[s, b, done : done + count],
                    noise[place : place + count],
                    scale[done : done + count],
                )
                for j in range(count):
                    line[j] = given[j] + weight[j] * added[j]
                done += count
                place += count
                if place == noise.size:
                    place = 0


class Songs(Protocol):
    """Real songs, drawn by number."""

    def __len__(self) -> int:
        """Return N."""

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return songs (S, B, F) of numbers (B,); the same for the same rng."""


class Generated(NamedTuple):
    """What the generator made from one piece of a mini-batch.

    Attributes:
        fakes: generated songs (S, B, F).
        real: the songs (S, B, F) of the piece.
        statistics: encoder output (B, 2 Z).
        reconstruction: mean squared error.
        kl: nats a song.
        diversity: see `diversity`.
        scores: scores (B,) of the fakes, which the critic then learns from.
        cache: of the critic's forward pass on the fakes.
        indices: (B,), which songs.
    """

    fakes: np.ndarray
    real: np.ndarray
    statistics: np.ndarray
    reconstruction: float
    kl: float
    diversity: float
    scores: np.ndarray
    cache: Any
    indices: np.ndarray


class Judged(NamedTuple):
    """The critic's verdict on generated songs.

    Attributes:
        value: the generator's loss, times its weight.
        dscores: its gradient (B,).
        scores: (B,).
        cache: of the critic's forward pass.
    """

    value: float
    dscores: np.ndarray
    scores: np.ndarray
    cache: Any


class Scores(NamedTuple):
    """The critic's scores of one piece of a mini-batch, before its step."""

    real: np.ndarray  # (B,)
    fake: np.ndarray  # (B,)


class StepResult(NamedTuple):
    """What one step produced; the scores and means are those of all processes.

    Attributes:
        generated: of this process, in an order that does not depend on its threads.
        scores: of real and generated songs.
        reconstruction: mean squared error.
        kl: nats a song.
        diversity: spread of the generated songs over that of the real ones.
    """

    generated: list[Generated]
    scores: Scores
    reconstruction: float
    kl: float
    diversity: float


class AdversarialLosses:
    """The losses of generator and critic, which share the generated songs.

    Args:
        critic: its scores train the generator.
        songs: to be told from generated ones.
        options: see GANOptions.
        statistics: (N, 2 Z), the encodings of all songs: mean and log-variance.
        seed: of the noise.
        communicator: processes that share the pieces.

    Attributes:
        statistics: every song's latest encoding.
        latents: their distribution; new coordinates are drawn with it.
        generated: of each piece of the mini-batch, by its number.
        scores: likewise.
    """

    def __init__(
        self,
        critic: Critic,
        songs: Songs,
        options: GANOptions,
        statistics: np.ndarray,
        *,
        seed: int,
        communicator: Communicator = ALONE,
    ) -> None:
        self.critic, self.songs, self.options = critic, songs, options
        self.statistics, self.dtype = statistics, statistics.dtype
        self._gather = communicator.gather
        self.generated: dict[int, Generated] = {}
        self.scores: dict[int, Scores] = {}
        self._noise = np.random.default_rng((seed, Stream.INSTANCE_NOISE)).standard_normal(
            NOISE_VALUES, dtype=np.float32
        )
        # In units of the critic's scaled input.
        scale = np.broadcast_to(options.instance_noise / critic.trunk.scale, critic.features)
        self._noise_scale = scale.astype(self.dtype)
        self.begin_step()

    def begin_step(self) -> None:
        """Drop the last step's songs and fit the latent distribution to the current encodings."""
        mean, log_variance = np.split(self.statistics, 2, axis=1)
        self.latents = LatentDistribution(mean, log_variance, "gaussian")
        self.generated, self.scores = {}, {}

    def end_step(self) -> StepResult:
        """Gather the encodings of all processes and return what the step produced."""
        keys = sorted(self.generated)
        generated = [self.generated[key] for key in keys]
        scores = [self.scores[key] for key in keys]
        gather = self._gather
        indices = gather(
            np.concatenate([np.empty(0, np.int64), *(one.indices for one in generated)])
        )
        self.statistics[indices] = gather(
            np.concatenate([self.statistics[:0], *(one.statistics for one in generated)])
        )
        empty = np.empty(0, self.statistics.dtype)
        real, fake = (
            gather(np.concatenate([empty, *(getattr(piece, side) for piece in scores)]))
            for side in ("real", "fake")
        )
        figures = [(one.reconstruction, one.kl, one.diversity) for one in generated]
        means = gather(np.array(figures, np.float64).reshape(-1, 3)).mean(axis=0)
        return StepResult(generated, Scores(real, fake), *means.tolist())

    def generator_loss(self, vae: Any, batch: Piece) -> float:
        """Return the generator's loss on a piece of a mini-batch; add its gradient."""
        raise NotImplementedError

    def critic_loss(self, critic: Critic, batch: Piece) -> float:
        """Return the critic's loss on a piece and the songs made from it; add its gradient."""
        if critic is not self.critic:
            # the second thread's twin shares the weights but not the power iteration's vectors
            critic.restore(self.critic.state())
        generated = self.generated[batch.piece]
        real_scores, real_cache = critic.forward(self._noisy(generated.real, batch.rng))
        value, dreal, dfake = self.options.loss.critic(real_scores, generated.scores)
        critic.add_gradients(dreal, real_cache)
        critic.add_gradients(dfake, generated.cache)
        if self.options.penalty is not None:
            value += self.options.penalty(critic, generated.real, generated.fakes, batch.rng)
        self.scores[batch.piece] = Scores(real_scores, generated.scores)
        return value

    def judge(self, songs: np.ndarray, batch: Piece) -> Judged:
        """Return the critic's verdict on generated songs (S, B, F)."""
        scores, cache = self.critic.forward(self._noisy(songs, batch.rng))
        value, dscores = self.options.loss.generator(scores)
        weight = self.options.adversarial_weight * (
            min(1.0, batch.step / self.options.warm_up) if self.options.warm_up else 1.0
        )
        return Judged(weight * value, dscores * scores.dtype.type(weight), scores, cache)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Return new coordinates, and how many of S0 are to be scored beside, `count` in all."""
        reused = round(count * self.options.reconstructed)
        gaussian = min(round(count * self.options.gaussian), count - reused)
        halfway = min(round(count * self.options.halfway), count - reused - gaussian)
        mixed = count - reused - gaussian - halfway
        latents = self.latents
        return np.concatenate(
            [latents.sample(gaussian, rng), latents.between(halfway, rng), latents.mix(mixed, rng)]
        ), reused

    def _noisy(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return x + instance noise, read from a table from a random place on.

        NOTE: drawing a normal number for every value would cost as much as the critic itself.
        """
        noisy = np.empty(x.shape, x.dtype)
        _add_noise(
            noisy,
            x,
            self._noise,
            int(rng.integers(NOISE_VALUES)),
            self._noise_scale,
        )
        return noisy


def diversity(fakes: np.ndarray, real: np.ndarray) -> float:
    """Return the spread of generated songs over that of real ones; 1 for a single song.

    Examples:
        >>> real = np.random.default_rng(0).standard_normal((6, 100, 3))  # (S, B, F)
        >>> round(diversity(real / 2, real), 3)
        0.5
    """
    if fakes.shape[1] < 2 or real.shape[1] < 2:
        return 1.0
    spread, usual = (float(x[::DIVERSITY_STRIDE].std(axis=1).mean()) for x in (fakes, real))
    return spread / max(usual, 1e-9)
