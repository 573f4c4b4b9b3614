"""The two trainings of a SequenceVAE, with the constants of both.

    songs = ComponentExcerpts.of(recordings, RECORDINGS, seed=0)
    vae = new_vae(songs, rng=rng)
    vae_trainer(vae, songs, by_steps(7000), seed=0).run(len(songs), 7000)
    components = calibrate(vae.module, songs, seed=0)      whose inverse restores what is lacking
    gan_trainer(vae, critic, songs, steps=500, seed=0).run(500)
    encode_music(vae, songs, seed=0) -> Encoded            where songs lie in latent space
    remember(vae, songs, seed=0) -> LearnedSongs           songs that new ones may follow

docs/songs.md says what each constant brought.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from audio_parsing.components import LappedComponents
from audio_parsing.restoration import restoring_taps
from gan.choices import DEFAULT_LATENT, Latent
from gan.latent import LatentDistribution
from gan.options import GANOptions
from gan.trainer import GANTrainer
from neural_networks.components.gaussians import moments
from neural_networks.components.parameters import FlatParameters, pack
from neural_networks.optimizers.optimizers import Adam
from neural_networks.training.streams import Stream
from neural_networks.training.trainer import Piece, Trainer
from neural_networks.vae.sequence_vae import POSTERIOR_BOUNDS, SequenceVAE
from radio.station import STEPS_PER_BEAT, LearnedSongs, most_songs
from radio.training.component_excerpts import ComponentExcerpts
from radio.training.random_excerpts import Drawn

PIECE = 8  # excerpts that a thread works on at once
LEARNING_RATE, WARM_UP_STEPS, LAST_RATE = 3e-3, 50, 0.02
# The loss is an error a value: its gradients are so small that Adam's usual 1e-8 holds steps back.
ADAM, CLIP = (0.9, 0.99, 1e-13), 0.5
BETA_RISES = 0.1  # of the training, in which the divergences' weights rise
MOST_ENCODED = 768  # excerpts whose coordinates tell where songs lie
# Beats of a section, among which those of a recording are looked for: without a grid of beats any
# from 6 to 15 s, on one 2, 4 or 8 bars.
SECTIONS, SECTIONS_ON_BEATS = tuple(range(12, 33)), (8, 16, 32)
BAR_STEPS = 4 * STEPS_PER_BEAT
REMEMBERED_STEPS = 512  # of a song that new ones may follow; shorter where half the music is
MOST_CALIBRATED = 192  # excerpts on which calibration and restoration are measured
DRAWN_SONGS, DRAWN_STEPS = 48, 256  # new songs for the calibration

GAN_SHARE = 0.1  # of the time
# A weight of 0.3 moves new songs of recordings away from real ones, to a distance of 3.8 instead of
# 3.2, while the critic, which tells them apart when the generator stands still, is led along. So
# only the critic learns, for the taste to read.
GAN = GANOptions(reconstructed=0.0, gaussian=0.4, halfway=0.2, adversarial_weight=0.0)

Done = Callable[[int], float]  # how far a training has come, 0 to 1, after a number of steps


class Encoded(NamedTuple):
    """Where the music lies in latent space, and how well it is reconstructed."""

    means: np.ndarray  # (N, Z)
    log_variances: np.ndarray  # (N, Z)
    excerpts: list[Drawn]  # of N in all
    details: dict[str, float]


def by_steps(count: int) -> Done:
    """Return how far a training of so many steps has come."""
    return lambda step: step / count


def new_vae(songs: ComponentExcerpts, *, rng: np.random.Generator) -> FlatParameters:
    """Return a packed SequenceVAE of the songs' components, with random weights."""
    components = songs.components
    return pack(
        SequenceVAE(
            components.count,
            scales=components.scales,
            values=components.frames_per_step * components.frame_size,
            rng=rng,
            **songs.recipe.sizes,
        )
    )


def vae_trainer(
    vae: FlatParameters,
    songs: ComponentExcerpts,
    done: Done,
    *,
    batch: int | None = None,
    **shared: Any,
) -> Trainer:
    """Return a Trainer of a packed SequenceVAE.

    Args:
        vae: to be trained.
        songs: to train on.
        done: how far the training has come.
        batch: excerpts a step; the recipe's if None.
        **shared: of Trainer: seed, threads, communicator.
    """
    recipe = songs.recipe
    batch = recipe.batch if batch is None else batch

    def loss(module: SequenceVAE, piece: Piece) -> float:
        drawn = songs.drawn(piece.indices, piece.rng)
        rising = min(1.0, done(piece.step) / BETA_RISES)
        song, detail = (
            rising * (recipe.beta if weight is None else weight)
            for weight in (recipe.song_beta, recipe.detail_beta)
        )
        return module.loss(
            drawn.steps,
            beta=rising * recipe.beta,
            song_beta=song,
            detail_beta=detail,
            first_beat=songs.first_beats(drawn.starts),
            rng=piece.rng,
        ).loss

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
) -> LappedComponents:
    """Calibrate new songs, if the recipe asks for it, and fit what the network's steps lack.

    Each component is then to move as much as in songs that are reconstructed.

    Args:
        vae: trained.
        songs: it was trained on.
        latent: distribution of new songs' z; see gan/latent.py.
        seed: of places, z and innovations.

    Returns:
        The components, with an inverse that restores what the network's steps lack.
    """
    excerpts, rng = songs.to_be_encoded(), np.random.default_rng((seed, Stream.CALIBRATION))
    pairs, statistics = [], []
    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        for indices in _batches(_spread(len(excerpts), MOST_CALIBRATED), songs.recipe.batch):
            real = excerpts.draw(indices, rng, songs.wide).steps
            steps, song = vae.posterior(np.ascontiguousarray(real[..., : songs.components.count]))
            w, z = (
                np.ascontiguousarray(moments(part, POSTERIOR_BOUNDS)[0]) for part in (steps, song)
            )
            pairs.append((vae.generator.decode(w, z)[0], real))
            statistics.append(song)
        if songs.recipe.calibrated:
            coded = moments(np.concatenate(statistics), POSTERIOR_BOUNDS)
            shape = DRAWN_STEPS, DRAWN_SONGS, vae.generator.innovation_size
            new, _ = vae.generator.draw(
                LatentDistribution(*coded, latent).sample(DRAWN_SONGS, rng).astype(np.float32),
                rng.standard_normal(shape, dtype=np.float32),
            )
            vae.generator.calibrate(new, np.concatenate([made for made, _ in pairs], axis=1))
    # as a station's file holds it, so that a station that was loaded makes the same songs
    vae.generator.calibration = vae.generator.calibration.astype(np.float32).astype(np.float64)
    return songs.components.restoring(restoring_taps(pairs), songs.wide)


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
        options=options,
        pieces=_pieces(options.batch_size),
        **shared,
    )


def encode_music(
    vae: SequenceVAE, songs: ComponentExcerpts, *, seed: int, most: int = MOST_ENCODED
) -> Encoded:
    """Encode excerpts, spread over the music, and measure reconstructions.

    Args:
        vae: trained; no gradient is left in it.
        songs: it was trained on.
        seed: of the places.
        most: so many excerpts.
    """
    rng, excerpts = np.random.default_rng((seed, Stream.ENCODINGS)), songs.to_be_encoded()
    drawn, statistics, losses = [], [], []
    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        for indices in _batches(_spread(len(excerpts), most), songs.recipe.batch):
            one = excerpts.draw(indices, rng, songs.components)
            parts = vae.loss(
                one.steps,
                beta=songs.recipe.beta,
                detail_share=1.0,
                first_beat=songs.first_beats(one.starts),
                rng=rng,
            )
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


def remember(
    vae: SequenceVAE, songs: ComponentExcerpts, forms: np.ndarray, *, seed: int
) -> LearnedSongs:
    """Return songs, spread over the music, that new ones may follow.

    Args:
        vae: trained.
        songs: it was trained on.
        forms: (N,) the number of each recording's form, which songs from its beginning have.
        seed: of the places and of the posterior's draws.
    """
    rng = np.random.default_rng((seed, Stream.MEMORY))
    usual = int(np.median([len(frames) for frames in songs.excerpts.recordings]))
    steps = max(2, min(REMEMBERED_STEPS, usual // songs.components.frames_per_step))
    steps -= steps % BAR_STEPS if steps > BAR_STEPS else 0  # a longer song goes on in time
    excerpts = songs.to_be_encoded(steps)
    most = min(songs.recipe.remembered, most_songs(steps, vae.generator.innovation_size))
    slots = _spread(len(excerpts), most)
    remembered = len(slots)
    if songs.recipe.beginnings:  # an excerpt a song; the others are known by z alone
        slots = np.concatenate([slots, np.setdiff1d(np.arange(len(excerpts)), slots)])
    parts, own = [], []
    with threadpool_limits(1, user_api="blas"):  # the same bytes on any number of cores
        for indices in _batches(slots, songs.recipe.batch):
            drawn = excerpts.draw(indices, rng, songs.components)
            parts.append(LearnedSongs.of(vae, drawn.steps, rng=rng))
            own.append(np.where(drawn.starts == 0, forms[drawn.recordings], 0))
    return LearnedSongs(
        np.concatenate([part.z for part in parts]),
        np.concatenate([part.innovations for part in parts], axis=1)[:, :remembered],
        np.concatenate(own).astype(np.int16),
    )


def _spread(count: int, most: int) -> np.ndarray:
    """Return the slots of at most so many excerpts, spread over all of them."""
    return np.unique(np.linspace(0, count - 1, most).astype(int))


def _batches(slots: np.ndarray, size: int) -> list[np.ndarray]:
    """Return slots in mini-batches."""
    return np.split(slots, range(size, len(slots), size))


def _pieces(batch: int) -> int:
    return max(2, -(-batch // PIECE))
