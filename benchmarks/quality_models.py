"""Generators that quality.py compares: simple ones, and a station's networks at 16 beats.

A maker is a function (count, rng) -> canonical steps (count, S, F). Letters: N songs, S steps, F
values of a step.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from gan.critic import Critic
from gan.critic_bodies import BODIES
from gan.latent import LatentDistribution
from gan.names import Latent
from gan.trainer import GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import steps as song_data
from radio.training import (
    THOROUGH,
    TrainingSongs,
    calibrate,
    encode_songs,
    gan_trainer,
    new_vae,
    vae_trainer,
)

Maker = Callable[[int, np.random.Generator], np.ndarray]

# At 16 beats songs come back with twice the error that they have at 64, so it counts less, and one
# may be bolder.
RECIPE = replace(
    THOROUGH,
    gan=replace(
        THOROUGH.gan,
        reconstruction_weight=4500.0,
        adversarial_weight=4.0,
        gaussian=0.5,
        halfway=0.25,
        generator_rate=2e-3,
        critic_rate=4e-3,
    ),
)


def recipe_figures() -> dict[str, float]:
    """Return the figures of the adversarial training's options, for JSON."""
    options = asdict(RECIPE.gan).items()
    return {name: value for name, value in options if isinstance(value, (int, float))}


COMPONENTS = 64  # of principal components of frames
STATES = 256  # of the Markov chain
CLUSTERING_ROUNDS = 8


def copies(songs: np.ndarray) -> Maker:
    """Return a maker that copies songs (N, S, F)."""
    return lambda count, rng: songs[_chosen(len(songs), count, rng)]


def two_at_once(songs: np.ndarray) -> Maker:
    """Return a generator of two songs at once, half as loud: the mean of their frames."""
    return lambda count, rng: (
        (songs[_chosen(len(songs), count, rng)] + songs[_chosen(len(songs), count, rng)]) / 2
    )


def shuffled_frames(songs: np.ndarray) -> Maker:
    """Return a maker that plays the frames of a song in any order."""

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        made = song_data.to_frames(songs[_chosen(len(songs), count, rng)])
        return np.stack([song_data.to_steps(rng.permutation(frames)) for frames in made])

    return make


def gaussian_frames(songs: np.ndarray) -> Maker:
    """Return a maker of frames drawn one by one from a Gaussian on their principal components."""
    frames = song_data.to_frames(songs).reshape(
        -1, song_data.STEP_SIZE // song_data.FRAMES_PER_STEP
    )
    mean = frames.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(frames.astype(np.float64), rowvar=False))
    factor = (vectors[:, -COMPONENTS:] * np.sqrt(np.maximum(values[-COMPONENTS:], 0))).T
    length = song_data.to_frames(songs[:1]).shape[1]

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        drawn = mean + rng.standard_normal((count * length, COMPONENTS)) @ factor
        return song_data.to_steps(drawn.astype(np.float32)).reshape(count, -1, song_data.STEP_SIZE)

    return make


def gaussian_songs(songs: np.ndarray) -> Maker:
    """Return a maker of whole songs drawn from a Gaussian on all their principal components."""
    flat = songs.reshape(len(songs), -1)
    mean = flat.mean(axis=0)

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        # A Gaussian with the songs' own covariance is a mix of all songs with normal weights.
        weights = rng.standard_normal((count, len(songs))).astype(np.float32) / np.float32(
            np.sqrt(len(songs))
        )
        return (mean + weights @ (flat - mean)).reshape(count, *songs.shape[1:])

    return make


def markov_chain(songs: np.ndarray, *, seed: int = 0) -> Maker:
    """Return a generator that chains clusters of steps as songs do, each by one of its steps."""
    rng = np.random.default_rng(seed)
    steps = songs.reshape(-1, songs.shape[2])
    centres = steps[rng.permutation(len(steps))[:STATES]].copy()
    for _ in range(CLUSTERING_ROUNDS):  # Lloyd's algorithm
        states = (np.square(centres).sum(axis=1) - 2 * steps @ centres.T).argmin(axis=1)
        for state in range(len(centres)):
            if (states == state).any():
                centres[state] = steps[states == state].mean(axis=0)
    by_song = states.reshape(songs.shape[:2])
    follow = np.zeros((len(centres), len(centres)))
    np.add.at(follow, (by_song[:, :-1].ravel(), by_song[:, 1:].ravel()), 1)
    first = by_song[:, 0]
    members = [np.flatnonzero(states == state) for state in range(len(centres))]

    def make(count: int, rng: np.random.Generator) -> np.ndarray:
        made = np.empty((count, *songs.shape[1:]), np.float32)
        for song in made:
            state = int(rng.choice(first))
            for step in song:
                step[:] = steps[rng.choice(members[state])]
                total = follow[state].sum()
                state = (
                    int(rng.choice(len(centres), p=follow[state] / total))
                    if total
                    else int(rng.choice(first))
                )
        return made

    return make


def trained_vae(
    songs: TrainingSongs,
    steps: int,
    *,
    beats: int,
    seed: int,
    progress: Callable[..., Any],
) -> FlatParameters:
    """Return a VAE after some steps on songs, with the smoothness of the recipe."""
    vae = new_vae(beats=beats, rng=np.random.default_rng((seed, 0)))
    trainer = vae_trainer(vae, songs, steps=steps, seed=seed, recipe=RECIPE)
    trainer.run(len(songs.steps), steps, progress=progress)
    return vae


def finished(vae: FlatParameters, songs: TrainingSongs, *, seed: int) -> RecurrentVAE:
    """Return a copy of a VAE with a finish."""
    copy: RecurrentVAE = deepcopy(vae.module)  # type: ignore[assignment]
    calibrate(copy, songs, seed=seed, drawn=False)
    return copy


def trained_gan(
    vae: FlatParameters,
    songs: TrainingSongs,
    steps: int,
    *,
    body: str,
    hidden: int,
    seed: int,
    progress: Callable[..., Any],
) -> tuple[FlatParameters, GANTrainer]:
    """Return a copy of a VAE after so many steps against a critic, and its trainer."""
    rng = np.random.default_rng((seed, 1))
    copy = new_vae(beats=vae.module.decoder.beats, rng=rng)  # type: ignore[attr-defined]
    copy.values[:] = vae.values
    calibrate(copy.module, songs, seed=seed, drawn=False)  # type: ignore[arg-type]
    critic = pack(Critic(song_data.STEP_SIZE, hidden, body=BODIES[body], rng=rng))
    trainer = gan_trainer(copy, critic, songs, steps=steps, seed=seed, recipe=RECIPE)
    trainer.run(steps, progress=progress)
    trainer.use_average()
    calibrate(copy.module, songs, seed=seed, drawn=True)  # type: ignore[arg-type]
    return copy, trainer


class Drawn:
    """Makers of a VAE's songs, from distributions of the songs that it was trained on.

    Attributes:
        error: mean squared error of the songs' reconstructions.
    """

    def __init__(self, vae: Any, songs: np.ndarray) -> None:
        self.vae: RecurrentVAE = vae
        statistics, errors = encode_songs(vae, songs)
        self.means, self.log_variances = np.split(statistics, 2, axis=1)
        self.error = float(errors.mean())

    def of(self, kind: Latent) -> Maker:
        """Return a maker of songs at coordinates of a distribution."""
        distribution = LatentDistribution(self.means, self.log_variances, kind)
        return lambda count, rng: self.decode(distribution.sample(count, rng))

    def halfway(self) -> Maker:
        """Return a maker of songs half-way between two."""
        distribution = LatentDistribution(self.means, self.log_variances)
        return lambda count, rng: self.decode(distribution.between(count, rng))

    def reconstructed(self) -> Maker:
        """Return a maker of songs that come back."""
        return lambda count, rng: self.decode(self.means[_chosen(len(self.means), count, rng)])

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Return songs (count, S, F) of coordinates (count, Z)."""
        parts = [
            np.ascontiguousarray(z[start : start + 16], np.float32)
            for start in range(0, len(z), 16)
        ]
        return np.concatenate(
            [
                np.ascontiguousarray(self.vae.decoder.forward(part)[0].transpose(1, 0, 2))
                for part in parts
            ]
        )


def _chosen(songs: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return indices (count,) of songs, none twice before each was chosen."""
    return np.concatenate([rng.permutation(songs) for _ in range(-(-count // songs))])[:count]
