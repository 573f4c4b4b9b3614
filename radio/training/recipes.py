"""The two trainings of a station, ready to be run: its VAE on whole songs, then generator and critic; and what the VAE makes of songs.

new_vae(beats=, rng=) -> a VAE of songs, untrained
vae_trainer(vae, songs, steps=, seed=) -> Trainer          gan_trainer(vae, critic, songs, steps=, seed=) -> GANTrainer
measure_finish(vae, songs, seed=): between the two trainings, and after them
encode_songs(vae, steps) -> where the songs lie, how well they come back
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from gan.latent import LatentDistribution
from gan.trainer import GANOptions, GANTrainer
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.trainer import Batch, Trainer
from neural_networks.vae.calibration_fit import measure
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station.steps import FRAMES_PER_STEP, STEP_SIZE
from radio.training.dataset import TrainingSongs

BATCH_SIZE = 8  # songs a step of each process
PIECE = 4  # songs that are worked on at once by a thread
LEARNING_RATE = 4e-3
WARM_UP_STEPS = 50
LAST_RATE = 0.02  # of the learning rate, at the end
KL_WEIGHT = 0.02  # of the KL divergence, divided by the number of values of a song
KL_WARM_UP = 0.1  # of all steps
CLIP = 0.5
FINISH_STEPS = 1 << 15  # of songs, by which a finish is measured


@dataclass(frozen=True)
class Recipe:
    """What is chosen of a station's two trainings.

    Attributes:
        smoothness: of the error's change from frame to frame, in both trainings. Without it steps
            don't quite fit together: a rise at every border, which no real song has.
        rise: of the smoothness counts (the share of the VAE's steps made)^rise, for it slows the
            first of them.
        gan_steps: against the critic, of the VAE's, where steps are asked for.
        gan_minutes: against the critic, of all, where minutes are asked for.
        reconstruction_weight: of the mean squared error beside the critic's score.
        adversarial_weight: of the critic's score.
        gaussian, halfway, reconstructed: shares of the judged songs, the rest mixes of three; see
            GANOptions.
        generator_rate, critic_rate: learning rates.
        drawn: whether the last finish is measured by new songs too.
    """

    smoothness: float
    rise: float
    gan_steps: float
    gan_minutes: float
    reconstruction_weight: float
    adversarial_weight: float
    gaussian: float
    halfway: float
    reconstructed: float
    generator_rate: float
    critic_rate: float
    drawn: bool


# For minutes. 16 beats, 576 songs, 6,000 steps: with a smoothness of 2 the mean squared error falls
# too, by 5 % on songs learned and by 7 % on others. A reconstruction weight of 300 lets the songs
# forget what the VAE learned: at 16 beats the error rises by 50 % (docs/gan.md).
QUICK = Recipe(
    smoothness=2.0,
    rise=1.0,
    gan_steps=0.1,
    gan_minutes=0.2,
    reconstruction_weight=2000.0,
    adversarial_weight=0.3,
    gaussian=0.375,
    halfway=0.0,
    reconstructed=0.25,
    generator_rate=3e-4,
    critic_rate=6e-4,
    drawn=False,
)
# For half an hour: new songs come nearer to real ones, but in 5 minutes at 64 beats less than 95 %
# of the variance is learned. Smoothness counts in the last third, for a VAE that has still much to
# learn is slowed by it.
THOROUGH = Recipe(
    smoothness=8.0,
    rise=4.0,
    gan_steps=0.15,
    gan_minutes=0.35,
    reconstruction_weight=12000.0,
    adversarial_weight=2.0,
    gaussian=0.4,
    halfway=0.2,
    reconstructed=0.0,
    generator_rate=1e-3,
    critic_rate=2e-3,
    drawn=True,
)


def learning_rate(step: int, steps: int) -> float:
    """Return the VAE's learning rate: a short warm-up, then a half cosine from LEARNING_RATE down to LAST_RATE of it.

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
    """Return a packed VAE for songs of so many beats, its weights still random."""
    return pack(RecurrentVAE(STEP_SIZE, beats=beats, rng=rng))


def measure_finish(vae: RecurrentVAE, songs: TrainingSongs, *, seed: int, drawn: bool) -> None:
    """Give a trained VAE's decoder the finish that its songs lack; what it had before is forgotten.

    Args:
        vae: trained.
        songs: that it was trained on.
        seed: of the new songs.
        drawn: measure by new songs beside those given back. Before the critic has taught them they
            are so blurred that a curve which puts them right would spoil the others.
    """
    vae.decoder.finish = None
    several = max(2, FINISH_STEPS // songs.steps.shape[1])
    real = songs.steps[:: -(-len(songs.steps) // several)]
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
        vae.decoder.finish = measure(
            np.ascontiguousarray(real.transpose(1, 0, 2)), made, new, rows=FRAMES_PER_STEP
        )


def _new_coordinates(latents: LatentDistribution, count: int, seed: int) -> np.ndarray:
    """Return coordinates (count, Z): half of them near songs, a quarter half-way between two, a quarter from the Gaussian."""
    rng, quarter = np.random.default_rng((seed, 4)), count // 4
    parts = [
        latents.mix(count - 2 * quarter, rng),
        latents.sample(quarter, rng),
        latents.between(quarter, rng),
    ]
    return np.concatenate(parts).astype(np.float32)


def _decoded(vae: RecurrentVAE, z: np.ndarray) -> np.ndarray:
    """Return songs (S, N, F) of coordinates (N, Z), a few at a time."""
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
    """Return the Trainer of a packed RecurrentVAE on songs for a number of steps."""
    values = songs.steps.shape[1] * songs.steps.shape[2]

    def loss(module: RecurrentVAE, batch: Batch) -> float:
        x = np.ascontiguousarray(songs.steps[batch.indices].transpose(1, 0, 2))
        warm = min(1.0, (batch.step + 1) / max(1.0, KL_WARM_UP * steps))
        rough = recipe.smoothness * min(1.0, batch.step / steps) ** recipe.rise
        return module.loss(
            x, beta=warm * KL_WEIGHT / values, smoothness=rough, rows=FRAMES_PER_STEP, rng=batch.rng
        )[0]

    return Trainer(
        vae,
        loss,
        Adam(0.9, 0.99),
        lambda step: learning_rate(step, steps),
        batch_size=batch,
        clip=CLIP,
        seed=seed,
        threads=threads,
        **shared,
    )


def gan_options(
    songs: TrainingSongs, *, batch: int = BATCH_SIZE, recipe: Recipe = QUICK
) -> GANOptions:
    """Return what is chosen of a station's adversarial training on songs."""
    return GANOptions(
        batch_size=2 * batch,
        gaussian=recipe.gaussian,
        halfway=recipe.halfway,
        reconstructed=recipe.reconstructed,
        reconstruction_weight=recipe.reconstruction_weight,
        smoothness=recipe.smoothness,
        rows=FRAMES_PER_STEP,
        adversarial_weight=recipe.adversarial_weight,
        kl_weight=KL_WEIGHT / (songs.steps.shape[1] * songs.steps.shape[2]),
        generator_rate=recipe.generator_rate,
        critic_rate=recipe.critic_rate,
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
    """Return the GANTrainer of a trained VAE and a fresh critic on songs, for a number of steps."""
    options = gan_options(songs, batch=batch, recipe=recipe)
    return GANTrainer(
        vae, critic, songs.steps, options=options, steps=steps, seed=seed, threads=threads, **shared
    )


def encode_songs(vae: RecurrentVAE, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ([mean; log-variance] (N, 2 Z), mean squared errors of the reconstructions (N,)) of songs (N, S, F)."""
    statistics = np.empty((len(steps), 2 * vae.latent_size), np.float32)
    errors = np.empty(len(steps))
    for start in range(0, len(steps), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        x = np.ascontiguousarray(steps[part].transpose(1, 0, 2))
        statistics[part] = vae.encoder.forward(x)[0]
        songs = vae.decoder.forward(np.ascontiguousarray(statistics[part, : vae.latent_size]))[0]
        errors[part] = np.square(songs - x).mean(axis=(0, 2))
    return statistics, errors
