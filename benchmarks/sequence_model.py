"""The VAE whose latents move in time, trained on recordings, as a composer that kept_out.py judges.

    composer = train(recordings, by_clock(480), seed=0)      of prepare_recordings
    composer.reconstruct(frames (T, 202)) -> (T, 202)
    composer.new_songs(16, 30.0, rng) -> [Song, ...]

Trained on random excerpts of whole recordings by the product's recipe
(radio/training/sequence_recipe.py), without a critic. How far a training has come, `done`, is a
function of the steps made from 0 to 1: of their number, so that the same seed gives the same bytes,
or of the time that has passed, which ends in time whatever else the machine does.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from audio_parsing.components import LappedComponents
from audio_parsing.frames import SAMPLE_RATE, decode
from audio_parsing.starter import hop_length
from benchmarks.composers import Song
from gan.choices import Latent
from gan.latent import LatentDistribution
from neural_networks.training.streams import Stream
from neural_networks.vae.sequence_vae import SequenceVAE
from radio.station import ABSOLUTE_HOP_LENGTH, coordinate_tempo
from radio.station.mastering import master
from radio.training import Recordings, sequence_recipe as recipe
from radio.training.component_excerpts import RECORDINGS, ComponentExcerpts
from radio.training.sequence_recipe import Done

FADE = 1.0  # seconds, at a new song's end
LONGEST = 1_000_000  # steps


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
        tempi: (N,) beats a minute of learned music, of which those of new songs are drawn; empty if
            it lies on no beats.
        details: figures of the training.
    """

    def __init__(
        self,
        vae: SequenceVAE,
        components: LappedComponents,
        coordinates: LatentDistribution,
        tempi: np.ndarray,
        details: dict[str, float],
    ) -> None:
        self.vae, self.components, self.coordinates = vae, components, coordinates
        self.tempi, self.finds_beats, self.details = tempi, bool(len(tempi)), details

    def reconstruct(self, frames: np.ndarray) -> np.ndarray:
        """Return the song (T, 202) of the posterior's means, as one, however long it is."""
        w, z = self.vae.encode(self.components.transform(frames)[:, None])
        return self._frames(self.vae.generator.decode(w, z)[0])[0, : len(frames)]

    def new_songs(self, count: int, seconds: float, rng: np.random.Generator) -> list[Song]:
        """Draw songs: z like those of learned excerpts, and innovations of every step."""
        hops = [ABSOLUTE_HOP_LENGTH] * count
        if self.finds_beats:
            hops = [hop_length(float(tempo)) for tempo in rng.choice(self.tempi, count)]
        steps = -int(-seconds * SAMPLE_RATE // (min(hops) * self.components.frames_per_step))
        z = self.coordinates.sample(count, rng).astype(np.float32)
        shape = steps, count, self.vae.generator.innovation_size
        songs, _ = self.vae.generator.draw(z, rng.standard_normal(shape, np.float32))
        fade, length = round(FADE * SAMPLE_RATE), round(seconds * SAMPLE_RATE)
        return [
            Song(master(decode(frames, hop_length=hop)[:length], fade=fade))
            for frames, hop in zip(self._frames(songs), hops, strict=True)
        ]

    def _frames(self, songs: np.ndarray) -> np.ndarray:
        """Return frames (B, T, 202) of components (S, B, K)."""
        steps = np.ascontiguousarray(songs.transpose(1, 0, 2))
        return np.maximum(self.components.inverse(steps), 0)


def tempi_of(coordinates: np.ndarray) -> np.ndarray:
    """Return beats a minute (N,) of coordinates (N, 2); nothing of (N, 0)."""
    return np.array([coordinate_tempo(float(one)) for one in coordinates[:, :1].ravel()])


def train(
    recordings: Recordings,
    done: Done,
    *,
    seed: int = 0,
    threads: int | None = 1,
    latent: Latent = "gaussian",
    **changes: Any,
) -> SequenceComposer:
    """Return a composer that has learned recordings.

    Args:
        recordings: to train on.
        done: how far the training has come, from 0 to 1, after a number of steps.
        seed: of components, weights, excerpts and noise.
        threads: 1 or 2.
        latent: distribution of new songs' z; see gan/latent.py.
        **changes: of the recipe for recordings.
    """
    used = replace(RECORDINGS, **changes)
    songs = ComponentExcerpts.of(recordings.frames, used, seed=seed)
    vae = recipe.new_vae(songs, rng=np.random.default_rng((seed, Stream.WEIGHTS)))
    trainer = recipe.vae_trainer(vae, songs, done, seed=seed, threads=threads)
    trainer.run(len(songs), LONGEST, progress=_told, should_stop=lambda: done(trainer.steps) >= 1)
    module: SequenceVAE = vae.module  # type: ignore[assignment]
    components = recipe.calibrate(module, songs, latent=latent, seed=seed)
    encoded = recipe.encode_music(module, songs, seed=seed)
    coordinates = LatentDistribution(encoded.means, encoded.log_variances, latent)
    details = {"steps": float(trainer.steps), **encoded.details}
    chosen = np.concatenate([drawn.recordings for drawn in encoded.excerpts])
    tempi = tempi_of(recordings.coordinates[chosen])
    return SequenceComposer(module, components, coordinates, tempi, details)


def _told(step: int, of: int, loss: float) -> None:
    if step % 100 == 0:
        print(f"step {step}: loss {loss:.4f}", file=sys.stderr, flush=True)
