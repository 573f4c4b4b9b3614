"""The two trainings of a SequenceVAE on recordings, with the constants of both.

    songs = ComponentExcerpts.of(recordings, seed=0)
    vae = new_vae(songs.components, rng=rng)
    vae_trainer(vae, songs, by_steps(7000), seed=0).run(len(songs), 7000)
    calibrate(vae.module, songs, seed=0)
    gan_trainer(vae, critic, songs, steps=500, seed=0).run(500)
    encode_music(vae, songs, seed=0) -> Encoded        where songs lie in latent space

Measured by benchmarks/kept_out.py on 31 recordings, of which 10 others were kept out:
docs/sequence_vae.md, "What was found on recordings".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from audio_parsing.components import LappedComponents
from gan.choices import DEFAULT_LATENT, Latent
from gan.latent import LatentDistribution
from gan.options import GANOptions
from gan.sequence_losses import SequenceAdversarialLosses
from gan.trainer import GANTrainer
from neural_networks.components.gaussians import moments
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.streams import Stream
from neural_networks.training.trainer import Piece, Trainer
from neural_networks.vae.sequence_vae import POSTERIOR_BOUNDS, SequenceVAE
from radio.training.random_excerpts import Drawn, RandomExcerpts

COMPONENTS, STEPS = 128, 64  # numbers of a step; steps of an excerpt
STEP_LATENTS, SONG_SIZE = 32, 32  # D, Z
SEMITONES = 3  # by which excerpts are moved at most
BATCH_SIZE, PIECE = 16, 8  # excerpts a step of each process; that a thread works on at once
LEARNING_RATE, WARM_UP_STEPS, LAST_RATE = 3e-3, 50, 0.02
ADAM, CLIP = (0.9, 0.99), 0.5
BETA, BETA_RISES = 0.004, 0.1  # weight of the divergences; of the training
MOST_ENCODED = 512  # excerpts whose coordinates tell where songs lie
MOST_CALIBRATED = 256  # excerpts, and as many new songs, on which the calibration is measured

GAN_SHARE = 0.1  # of the time
# A weight of 0.3 moves new songs of recordings away from real ones, to a distance of 3.8 instead of
# 3.2, while the critic, which tells them apart when the generator stands still, is led along
# (docs/sequence_vae.md). So only the critic learns, for the taste to read.
GAN = GANOptions(
    reconstructed=0.0, gaussian=0.4, halfway=0.2, adversarial_weight=0.0, kl_weight=BETA
)

Done = Callable[[int], float]  # how far a training has come, 0 to 1, after a number of steps


class ComponentExcerpts:
    """Excerpts of recordings as components, drawn by the number of their slot.

    Args:
        excerpts: of frames.
        components: of their steps.
    """

    def __init__(self, excerpts: RandomExcerpts, components: LappedComponents) -> None:
        self.excerpts, self.components = excerpts, components

    @classmethod
    def of(
        cls,
        recordings: Sequence[np.ndarray],
        *,
        components: LappedComponents | int = COMPONENTS,
        steps: int = STEPS,
        semitones: int = SEMITONES,
        seed: int,
    ) -> ComponentExcerpts:
        """Return excerpts of recordings, frames (T, 181) each.

        Args:
            recordings: to draw from.
            components: or their number, to be measured.
            steps: S, of an excerpt.
            semitones: excerpts are moved up or down by so many at most.
            seed: of what they are measured on.
        """
        excerpts = RandomExcerpts(recordings, steps=steps, semitones=semitones)
        if isinstance(components, int):
            components = excerpts.fit(components, seed=seed)
        return cls(excerpts, components)

    def __len__(self) -> int:
        return len(self.excerpts)

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return excerpts (S, B, K) of slots (B,)."""
        return self.excerpts.draw(indices, rng, self.components).steps

    def in_their_keys(self) -> RandomExcerpts:
        """Return the excerpts without transposition."""
        return RandomExcerpts(self.excerpts.recordings, steps=self.excerpts.steps)


class Encoded(NamedTuple):
    """Where the music lies in latent space, and how well it is reconstructed."""

    means: np.ndarray  # (N, Z)
    log_variances: np.ndarray  # (N, Z)
    excerpts: list[Drawn]  # of N in all
    details: dict[str, float]


def by_steps(count: int) -> Done:
    """Return how far a training of so many steps has come."""
    return lambda step: step / count


def new_vae(
    components: LappedComponents, *, rng: np.random.Generator, **sizes: Any
) -> FlatParameters:
    """Return a packed SequenceVAE of components, with random weights; sizes as in its class."""
    sizes = {"latent_size": STEP_LATENTS, "song_size": SONG_SIZE, **sizes}
    return pack(
        SequenceVAE(
            components.count,
            scales=components.scales,
            values=components.frames_per_step * components.frame_size,
            rng=rng,
            **sizes,
        )
    )


def vae_trainer(
    vae: FlatParameters,
    songs: ComponentExcerpts,
    done: Done,
    *,
    beta: float = BETA,
    batch: int = BATCH_SIZE,
    **shared: Any,
) -> Trainer:
    """Return a Trainer of a packed SequenceVAE.

    Args:
        vae: to be trained.
        songs: to train on.
        done: how far the training has come.
        beta: weight of the divergences.
        batch: excerpts a step.
        **shared: of Trainer: seed, threads, communicator.
    """

    def loss(module: SequenceVAE, piece: Piece) -> float:
        x = songs.draw(piece.indices, piece.rng)
        rising = min(1.0, done(piece.step) / BETA_RISES)
        return module.loss(x, beta=rising * beta, rng=piece.rng).loss

    def rate(step: int) -> float:
        rising = min(1.0, (step + 1) / WARM_UP_STEPS)
        falling = LAST_RATE + (1 - LAST_RATE) * (1 + np.cos(np.pi * done(step))) / 2
        return float(LEARNING_RATE * rising * falling)

    return Trainer(
        vae,
        loss,
        Adam(*ADAM),
        rate,
        batch_size=batch,
        pieces=_pieces(batch),
        clip=CLIP,
        **shared,
    )


def calibrate(
    vae: SequenceVAE, songs: ComponentExcerpts, *, latent: Latent = DEFAULT_LATENT, seed: int
) -> None:
    """Calibrate new songs: each component is to move as much as in the music.

    Args:
        vae: trained.
        songs: it was trained on.
        latent: distribution of new songs' z; see gan/latent.py.
        seed: of places, z and innovations.
    """
    known = encode_music(vae, songs, seed=seed, most=MOST_CALIBRATED)
    rng = np.random.default_rng((seed, Stream.CALIBRATION))
    count = len(known.means)
    z = LatentDistribution(known.means, known.log_variances, latent).sample(count, rng)
    shape = songs.excerpts.steps, count, vae.generator.latent_size
    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        new, _ = vae.generator.draw(
            z.astype(np.float32), rng.standard_normal(shape, dtype=np.float32)
        )
    vae.generator.calibrate(new, np.concatenate([one.steps for one in known.excerpts], axis=1))
    # as a station's file holds it, so that a station that was loaded makes the same songs
    vae.generator.calibration = vae.generator.calibration.astype(np.float32).astype(np.float64)


def gan_trainer(
    vae: FlatParameters,
    critic: FlatParameters,
    songs: ComponentExcerpts,
    *,
    options: GANOptions = GAN,
    **shared: Any,
) -> GANTrainer:
    """Return a GANTrainer of a trained SequenceVAE and a fresh critic of components.

    Args:
        vae: packed.
        critic: packed.
        songs: to train on.
        options: see GANOptions.
        **shared: of GANTrainer: steps, seed, threads, communicator.
    """
    return GANTrainer(
        vae,
        critic,
        songs,
        losses=SequenceAdversarialLosses,
        options=options,
        pieces=_pieces(options.batch_size),
        **shared,
    )


def encode_music(
    vae: SequenceVAE, songs: ComponentExcerpts, *, seed: int, most: int = MOST_ENCODED
) -> Encoded:
    """Encode excerpts in their own keys, spread over the music, and measure reconstructions.

    Args:
        vae: trained; no gradient is left in it.
        songs: it was trained on.
        seed: of the places.
        most: so many excerpts.
    """
    rng, excerpts = np.random.default_rng((seed, Stream.ENCODINGS)), songs.in_their_keys()
    chosen = np.unique(np.linspace(0, len(excerpts) - 1, most).astype(int))
    drawn, statistics, losses = [], [], []
    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        for start in range(0, len(chosen), BATCH_SIZE):
            one = excerpts.draw(chosen[start : start + BATCH_SIZE], rng, songs.components)
            parts = vae.loss(one.steps, beta=BETA, rng=rng)
            drawn.append(one)
            statistics.append(parts.songs)
            losses.append((parts.error, parts.step_nats, parts.song_nats))
    for parameter in vae.parameters():
        parameter.grad.fill(0)
    means, log_variances = moments(np.concatenate(statistics), POSTERIOR_BOUNDS)
    error, step_nats, song_nats = np.mean(losses, axis=0).tolist()
    held = float(np.square(songs.components.deviations).sum())
    details = {
        "variance_held": songs.components.variance_held,
        # of what the components hold, with w and z drawn
        "explained": 1 - error * vae.values / held,
        "nats_a_step": step_nats,
        "nats_a_song": song_nats,
    }
    return Encoded(means, log_variances, drawn, details)


def _pieces(batch: int) -> int:
    return max(2, -(-batch // PIECE))
