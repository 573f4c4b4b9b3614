"""The VAE whose latents move in time, trained on recordings, as a composer that kept_out.py judges.

    composer = train(recordings, by_clock(480), seed=0)      frames (T, 181) of each recording
    composer.reconstruct(frames (T, 181)) -> (T, 181)
    composer.new_songs(16, 30.0, rng) -> [Song, ...]

Trained on random excerpts of whole recordings, without a grid of beats, by the recipe of
../docs/sequence_vae.md. How far a training has come, `done`, is a function of the steps made from 0
to 1: of their number, so that the same seed gives the same bytes, or of the time that has passed,
which ends in time whatever else the machine does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from audio_parsing.components import LappedComponents
from audio_parsing.frames import SAMPLE_RATE, decode
from benchmarks.composers import Song
from gan.choices import Latent
from gan.latent import LatentDistribution
from neural_networks.components.gaussians import moments
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.streams import Stream
from neural_networks.training.trainer import Piece, Trainer
from neural_networks.vae.sequence_vae import POSTERIOR_BOUNDS, SequenceVAE
from radio.station import ABSOLUTE_HOP_LENGTH as HOP
from radio.station.mastering import master
from radio.training.random_excerpts import RandomExcerpts

COMPONENTS, STEPS, BATCH = 128, 64, 16  # numbers of a step; steps of an excerpt; excerpts
RATE, WARM_UP_STEPS, LAST_RATE = 3e-3, 50, 0.02
ADAM, CLIP = (0.9, 0.99), 0.5
BETA, BETA_RISES = 0.004, 0.1  # weight of the divergences; of the training
MOST_KNOWN = 512  # excerpts whose coordinates tell where songs lie
FADE = 1.0  # seconds, at a new song's end
LONGEST = 1_000_000  # steps

Done = Callable[[int], float]


def by_steps(count: int) -> Done:
    """Return how far a training of so many steps has come."""
    return lambda step: step / count


def by_clock(seconds: float) -> Done:
    """Return how far a training of so many seconds has come, since it was first asked."""
    start: list[float] = []

    def done(step: int) -> float:
        if not start:
            start.append(time.perf_counter())
        return min(1.0, (time.perf_counter() - start[0]) / seconds)

    return done


class SequenceComposer:
    """A trained SequenceVAE with its components, and the coordinates of the music it learned.

    Args:
        vae: trained on components.
        components: of steps.
        coordinates: the distribution of z, of which new songs are drawn.
        details: figures of the training.
    """

    def __init__(
        self,
        vae: SequenceVAE,
        components: LappedComponents,
        coordinates: LatentDistribution,
        details: dict[str, float],
    ) -> None:
        self.vae, self.components, self.coordinates = vae, components, coordinates
        self.details = details

    def reconstruct(self, frames: np.ndarray) -> np.ndarray:
        """Return the song (T, 181) of the posterior's means, as one, however long it is."""
        w, z = self.vae.encode(self.components.transform(frames)[:, None])
        return self._frames(self.vae.generator.decode(w, z)[0])[0, : len(frames)]

    def new_songs(self, count: int, seconds: float, rng: np.random.Generator) -> list[Song]:
        """Draw songs: z like those of learned excerpts, and innovations of every step."""
        steps = -int(-seconds * SAMPLE_RATE // (HOP * self.components.frames_per_step))
        z = self.coordinates.sample(count, rng).astype(np.float32)
        shape = steps, count, self.vae.generator.latent_size
        songs, _ = self.vae.generator.draw(z, rng.standard_normal(shape, np.float32))
        fade = round(FADE * SAMPLE_RATE)
        return [
            Song(master(decode(frames, hop_length=HOP), fade=fade))
            for frames in self._frames(songs)
        ]

    def _frames(self, songs: np.ndarray) -> np.ndarray:
        """Return frames (B, T, 181) of components (S, B, K)."""
        steps = np.ascontiguousarray(songs.transpose(1, 0, 2))
        return np.maximum(self.components.inverse(steps), 0)


def train(
    recordings: Sequence[np.ndarray],
    done: Done,
    *,
    seed: int = 0,
    threads: int | None = 1,
    semitones: int = 3,
    latent: Latent = "gaussian",
    components: int = COMPONENTS,
    steps: int = STEPS,
    beta: float = BETA,
    **sizes: Any,
) -> SequenceComposer:
    """Return a composer that has learned recordings.

    Args:
        recordings: frames (T, 181) of each, at 50 a second.
        done: how far the training has come, from 0 to 1, after a number of steps.
        seed: of components, weights, excerpts and noise.
        threads: 1 or 2.
        semitones: excerpts are moved up or down by so many at most.
        latent: distribution of new songs' z; see gan/latent.py.
        components: K.
        steps: S, of an excerpt.
        beta: weight of the divergences; it rises from 0 in the first tenth.
        **sizes: of the SequenceVAE; 32 latents a step and 32 values of z if not given.
    """
    excerpts = RandomExcerpts(recordings, steps=steps, semitones=semitones)
    basis = excerpts.fit(components, seed=seed)
    vae = SequenceVAE(
        basis.count,
        scales=basis.scales,
        values=basis.frames_per_step * basis.frame_size,
        rng=np.random.default_rng((seed, Stream.WEIGHTS)),
        **sizes,
    )

    def loss(vae: SequenceVAE, piece: Piece) -> float:
        x = excerpts.draw(piece.indices, piece.rng, basis).steps
        rising = min(1.0, done(piece.step) / BETA_RISES)
        return vae.loss(x, beta=rising * beta, rng=piece.rng).loss

    def rate(step: int) -> float:
        rising = min(1.0, (step + 1) / WARM_UP_STEPS)
        falling = LAST_RATE + (1 - LAST_RATE) * (1 + np.cos(np.pi * done(step))) / 2
        return float(RATE * rising * falling)

    trainer = Trainer(
        pack(vae), loss, Adam(*ADAM), rate, batch_size=BATCH, clip=CLIP, seed=seed, threads=threads
    )
    trainer.run(
        len(excerpts), LONGEST, progress=_told, should_stop=lambda: done(trainer.steps) >= 1
    )
    return _composer(vae, basis, RandomExcerpts(recordings, steps=steps), latent, beta, trainer)


def _composer(
    vae: SequenceVAE,
    basis: LappedComponents,
    excerpts: RandomExcerpts,
    latent: Latent,
    beta: float,
    trainer: Trainer,
) -> SequenceComposer:
    """Return the composer of a trained model that draws songs as excerpts in their own keys lie."""
    rng = np.random.default_rng(trainer.seed)
    chosen = np.unique(np.linspace(0, len(excerpts) - 1, MOST_KNOWN).astype(int))
    statistics, losses = [], []
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, len(chosen), BATCH):
            x = excerpts.draw(chosen[start : start + BATCH], rng, basis).steps
            statistics.append(vae.posterior(x)[1])
            losses.append(vae.loss(x, beta=beta, rng=rng))
    means, log_variances = moments(np.concatenate(statistics), POSTERIOR_BOUNDS)
    error, step_nats, song_nats = np.mean([one[1:4] for one in losses], axis=0).tolist()
    details = {
        "steps": float(trainer.steps),
        "variance_held": basis.variance_held,
        # of what the components hold, with w and z drawn
        "explained": 1 - error * vae.values / float(np.square(basis.deviations).sum()),
        "nats_a_step": step_nats,
        "nats_a_song": song_nats,
    }
    return SequenceComposer(vae, basis, LatentDistribution(means, log_variances, latent), details)


def _told(step: int, of: int, loss: float) -> None:
    if step % 100 == 0:
        print(f"step {step}: loss {loss:.4f}", file=sys.stderr, flush=True)
