"""The two trainings of a station, first its VAE, then generator and critic, with their options.

new_vae(beats=, rng=) -> an untrained VAE of songs
vae_trainer(vae, songs, steps=, seed=) -> Trainer
gan_trainer(vae, critic, songs, steps=, seed=) -> GANTrainer
calibrate(vae, songs, seed=): calibrate the decoder, between the two trainings and after them
encode_songs(vae, steps) -> statistics of the encoded songs, errors of their reconstructions
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from gan.choices import FRAMES_PER_STEP
from gan.latent import LatentDistribution
from gan.trainer import GANOptions, GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.streams import Stream
from neural_networks.training.trainer import Piece, Trainer
from neural_networks.vae.calibration_fit import measure
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import STEP_SIZE, to_frames

BATCH_SIZE = 8  # songs a step of each process
PIECE = 4  # songs that a thread works on at once
LEARNING_RATE = 4e-3
WARM_UP_STEPS = 50
LAST_RATE = 0.02  # of the learning rate, at the end
KL_WEIGHT = 0.02  # of the KL divergence, divided by the number of values of a song
KL_WARM_UP = 0.1  # of all steps
CLIP = 0.5
# After 400 steps on 96 songs of 16 beats, second decays of 0.95 to 0.999 explain 0.69 to 0.74 of
# the variance without order over two seeds; a first decay of 0.8 explains 0.69 and 0.54.
ADAM = (0.9, 0.99)
CALIBRATION_STEPS = 1 << 15  # steps of songs that the calibration is measured on


@dataclass
class TrainingSongs:
    """The songs of a station, ready for training.

    Attributes:
        steps: (N, S, F) float32, FRAMES_PER_STEP frames v = a^0.3 a step.
        coordinates: (N, 2) float32 tempo and key coordinates, or (N, 0) on an absolute grid.
        names: N names.
        grid: 'beat' or 'absolute'.
    """

    steps: np.ndarray
    coordinates: np.ndarray
    names: list[str]
    grid: str


@dataclass(frozen=True)
class Recipe:
    """The options of a station's two trainings.

    Attributes:
        smoothness_power: the smoothness of the VAE's training is that of `gan`, times (share of the
            steps made) to this power, for it slows the first steps.
        gan_steps: steps against the critic, relative to the VAE's, if steps are asked for.
        gan_minutes: share of the time against the critic, if minutes are asked for.
        drawn: whether the final calibration is measured on new songs too.
        gan: options of the adversarial training; `gan_trainer` sets its batch size and KL weight.
            Without its smoothness frames jump at the border of every step, as in no real song.
    """

    smoothness_power: float
    gan_steps: float
    gan_minutes: float
    drawn: bool
    gan: GANOptions


# For ten minutes. 16 beats, 576 songs, 6,000 steps: with a smoothness of 2 the mean squared error
# falls too, by 5 % on training songs and by 7 % on others. With a reconstruction weight of 300 the
# VAE forgets songs: at 16 beats the error rises by 50 % (docs/gan.md).
QUICK = Recipe(
    smoothness_power=1.0,
    gan_steps=0.1,
    gan_minutes=0.2,
    drawn=False,
    gan=GANOptions(smoothness=2.0, rows=FRAMES_PER_STEP),
)
# For half an hour: new songs are more realistic, but after 5 minutes at 64 beats less than 95 % of
# the variance is explained. Smoothness counts in the last third only, for it slows a VAE that still
# has much to learn. Measured in docs/gan.md.
THOROUGH = Recipe(
    smoothness_power=4.0,
    gan_steps=0.15,
    gan_minutes=0.35,
    drawn=True,
    gan=GANOptions(
        smoothness=8.0,
        rows=FRAMES_PER_STEP,
        reconstruction_weight=12000.0,
        adversarial_weight=2.0,
        gaussian=0.4,
        halfway=0.2,
        reconstructed=0.0,
        generator_rate=1e-3,
        critic_rate=2e-3,
    ),
)


def learning_rate(step: int, steps: int) -> float:
    """Return the VAE's learning rate: a short warm-up, then a half cosine down to LAST_RATE of it.

    Measured on the starter collection, 64 beats, 4,000 steps: variance explained 0.960, note F1
    0.83; with a constant rate that falls in the last fifth alone 0.953.
    """
    rising = min(1.0, (step + 1) / WARM_UP_STEPS)
    return float(
        LEARNING_RATE
        * rising
        * (LAST_RATE + (1 - LAST_RATE) * (1 + np.cos(np.pi * step / steps)) / 2)
    )


def new_vae(*, beats: int, rng: np.random.Generator) -> FlatParameters:
    """Return a packed VAE for songs of `beats` beats, with random weights."""
    return pack(RecurrentVAE(STEP_SIZE, beats=beats, rng=rng))


def calibrate(vae: RecurrentVAE, songs: TrainingSongs, *, seed: int, drawn: bool) -> None:
    """Calibrate a trained VAE's decoder, replacing any earlier calibration.

    Args:
        vae: trained.
        songs: that it was trained on.
        seed: of the new songs.
        drawn: measure on new songs beside reconstructions. Before the adversarial training new
            songs are so blurred that a curve which corrects them would spoil the others.
    """
    vae.decoder.calibration = None
    count = max(2, CALIBRATION_STEPS // songs.steps.shape[1])
    real = songs.steps[:: -(-len(songs.steps) // count)]
    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        means, log_variances = np.split(encode_songs(vae, real)[0], 2, axis=1)
        made = _decoded(vae, np.ascontiguousarray(means, np.float32))
        new = made
        if drawn:
            new = _decoded(
                vae,
                _new_coordinates(
                    LatentDistribution(means, log_variances, "gaussian"), len(real), seed
                ),
            )
        vae.decoder.calibration = measure(
            np.ascontiguousarray(real.transpose(1, 0, 2)), made, new, rows=FRAMES_PER_STEP
        )


def _new_coordinates(latents: LatentDistribution, count: int, seed: int) -> np.ndarray:
    """Return coordinates (count, Z): half mixtures, a quarter Gaussian, a quarter half-way."""
    rng, quarter = np.random.default_rng((seed, Stream.CALIBRATION)), count // 4
    parts = [
        latents.mix(count - 2 * quarter, rng),
        latents.sample(quarter, rng),
        latents.between(quarter, rng),
    ]
    return np.concatenate(parts).astype(np.float32)


def _decoded(vae: RecurrentVAE, z: np.ndarray) -> np.ndarray:
    """Return songs (S, N, F) of coordinates (N, Z), decoded in small batches."""
    return np.concatenate(
        [vae.decoder.forward(z[i : i + BATCH_SIZE])[0] for i in range(0, len(z), BATCH_SIZE)],
        axis=1,
    )


def vae_trainer(
    vae: FlatParameters,
    songs: TrainingSongs,
    *,
    steps: int,
    seed: int,
    threads: int | None = None,
    batch: int = BATCH_SIZE,
    recipe: Recipe = QUICK,
    **shared: Any,
) -> Trainer:
    """Return a Trainer of a packed RecurrentVAE on songs for `steps` steps."""
    values = songs.steps.shape[1] * songs.steps.shape[2]

    def loss(module: RecurrentVAE, batch: Piece) -> float:
        x = np.ascontiguousarray(songs.steps[batch.indices].transpose(1, 0, 2))
        warm = min(1.0, (batch.step + 1) / max(1.0, KL_WARM_UP * steps))
        rough = recipe.gan.smoothness * min(1.0, batch.step / steps) ** recipe.smoothness_power
        return module.loss(
            x, beta=warm * KL_WEIGHT / values, smoothness=rough, rows=FRAMES_PER_STEP, rng=batch.rng
        )[0]

    return Trainer(
        vae,
        loss,
        Adam(*ADAM),
        lambda step: learning_rate(step, steps),
        batch_size=batch,
        clip=CLIP,
        seed=seed,
        threads=threads,
        **shared,
    )


def gan_trainer(
    vae: FlatParameters,
    critic: FlatParameters,
    songs: TrainingSongs,
    *,
    steps: int | None = None,
    seed: int,
    threads: int | None = None,
    batch: int = BATCH_SIZE,
    recipe: Recipe = QUICK,
    **shared: Any,
) -> GANTrainer:
    """Return a GANTrainer of a trained VAE and a fresh critic on songs, for `steps` steps."""
    options = replace(
        recipe.gan,
        batch_size=2 * batch,
        kl_weight=KL_WEIGHT / (songs.steps.shape[1] * songs.steps.shape[2]),
    )
    return GANTrainer(
        vae, critic, songs.steps, options=options, steps=steps, seed=seed, threads=threads, **shared
    )


def encode_songs(vae: RecurrentVAE, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return [mean; log-variance] (N, 2 Z) of songs (N, S, F), and mean squared errors (N,)."""
    statistics = np.empty((len(steps), 2 * vae.latent_size), np.float32)
    errors = np.empty(len(steps))
    for start in range(0, len(steps), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        x = np.ascontiguousarray(steps[part].transpose(1, 0, 2))
        statistics[part] = vae.encoder.forward(x)[0]
        songs = vae.decoder.forward(np.ascontiguousarray(statistics[part, : vae.latent_size]))[0]
        errors[part] = np.square(songs - x).mean(axis=(0, 2))
    return statistics, errors


def explained_variance(errors: np.ndarray, steps: np.ndarray) -> float:
    """Return the share of the frames' variance that mean squared errors (N,) leave explained."""
    frames = to_frames(steps)
    variance = frames.reshape(-1, frames.shape[-1]).var(axis=0, dtype=np.float64).mean()
    return 1 - float(errors.mean()) / float(variance)
