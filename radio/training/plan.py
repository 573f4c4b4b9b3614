"""The options of a station's training, and the plan that its checkpoint stores."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan.critic_bodies import BODIES
from gan.names import DEFAULT_CRITIC, DEFAULT_LATENT, LATENTS, Latent
from neural_networks.vae.recurrent_vae import RecurrentVAE
from radio.station import StationError
from radio.training.dataset import TrainingSongs
from radio.training.recipes import BATCH_SIZE, PIECE, QUICK, THOROUGH, Recipe

DEFAULT_MINUTES = 10.0
TIMED_STEPS = 12
LARGEST_BATCH = 1 << 20  # songs

Report = Callable[[dict[str, Any]], None]
Watch = Callable[[RecurrentVAE, TrainingSongs], None]


@dataclass(frozen=True)
class TrainingOptions:
    """What a training is asked for.

    Attributes:
        beats: length of a song; on an absolute grid a beat is 24 frames of 20 ms.
        minutes: how long to train, without the preparation of the music; 10 if neither minutes nor
            steps are given.
        steps: of the VAE, instead of minutes.
        seed: of all random numbers.
        fresh: number of new arrangements to train on beside the starter collection.
        threads: 1 or 2; None for one a core. The result is the same.
        batch: songs a step of each process.
        critic: name of its body; see gan/critic_bodies.py.
        latent: the distribution that the station's songs are drawn from; see gan/latent.py.
        thorough: use the recipe for half an hour and more: more realistic new songs, slightly worse
            reconstructions.
        prepared: folder that caches prepared music; None for no cache.
        plot: file for a picture of the adversarial training, drawn again with every checkpoint;
            None for no picture.

    Raises:
        StationError: if a value is out of range.
    """

    beats: int = 64
    minutes: float | None = None
    steps: int | None = None
    seed: int = 0
    fresh: int = 0
    threads: int | None = None
    batch: int = BATCH_SIZE
    critic: str = DEFAULT_CRITIC
    latent: Latent = DEFAULT_LATENT
    thorough: bool = False
    prepared: Path | None = None
    plot: Path | None = None

    def __post_init__(self) -> None:
        if self.minutes is not None and not 0 < self.minutes < 100_000:
            raise StationError(f"minutes must be a positive number, not {self.minutes}")
        if self.steps is not None and self.steps < 1:
            raise StationError(f"steps must be 1 or more, not {self.steps}")
        if self.batch < 1:
            raise StationError(f"batch must be 1 or more, not {self.batch}")
        if self.critic not in BODIES:
            raise StationError(f"unknown critic {self.critic!r}: choose one of {', '.join(BODIES)}")
        if self.latent not in LATENTS:
            raise StationError(
                f"unknown latent distribution {self.latent!r}: choose one of {', '.join(LATENTS)}"
            )


@dataclass(frozen=True)
class Plan:
    """What determines a training's result; a checkpoint is only resumed under the same plan.

    Attributes:
        songs: fingerprint of the training songs.
        beats: length of a song.
        seed: of weights, order and noise.
        minutes: asked for, or None.
        steps: asked for, or None.
        vae_steps: steps of the VAE's training.
        gan_steps: steps of the adversarial training.
        batch: songs a step, of all processes together; it stays the same when another number of
            processes resumes the training.
        critic: name of its body.
        latent: name of the distribution that the station's songs are drawn from.
        thorough: whether the recipe is THOROUGH.
    """

    songs: str
    beats: int
    seed: int
    minutes: float | None
    steps: int | None
    vae_steps: int = 0
    gan_steps: int = 0
    batch: int = BATCH_SIZE
    critic: str = DEFAULT_CRITIC
    latent: str = DEFAULT_LATENT
    thorough: bool = False

    @classmethod
    def of(cls, options: TrainingOptions, songs: TrainingSongs, *, processes: int) -> Plan:
        """Return the plan for some options, its numbers of steps still 0."""
        return cls(
            _fingerprint(songs),
            options.beats,
            options.seed,
            options.minutes if options.steps is None else None,
            options.steps,
            batch=options.batch * processes,
            critic=options.critic,
            latent=options.latent,
            thorough=options.thorough,
        )

    @classmethod
    def read(cls, values: dict[str, Any]) -> Plan:
        """Return the plan in a checkpoint.

        Raises:
            TypeError: if a value is missing or unknown.
            ValueError: if a value is out of range.
        """
        plan = cls(**values)
        steps = (plan.vae_steps, plan.gan_steps)
        if not (all(isinstance(count, int) for count in steps) and min(steps) > 0):
            raise ValueError(f"it plans {plan.vae_steps!r} and {plan.gan_steps!r} steps")
        if not (isinstance(plan.batch, int) and 0 < plan.batch < LARGEST_BATCH):
            raise ValueError(f"it plans steps of {plan.batch!r} songs")
        return plan

    @property
    def recipe(self) -> Recipe:
        """Options of the two trainings."""
        return THOROUGH if self.thorough else QUICK

    @property
    def pieces(self) -> int:
        """Number of pieces of a mini-batch."""
        return max(2, -(-self.batch // PIECE))

    def with_steps(self, steps: int) -> Plan:
        """Return the plan for a number of steps of the VAE."""
        return replace(
            self, vae_steps=steps, gan_steps=max(1, round(self.recipe.gan_steps * steps))
        )

    def with_seconds(self, seconds: float, *, vae_step: float, gan_step: float) -> Plan:
        """Return the plan for a total time, given the seconds that one step of each takes."""
        share = self.recipe.gan_minutes
        return replace(
            self,
            vae_steps=max(1, int((1 - share) * seconds / vae_step)),
            gan_steps=max(1, int(share * seconds / gan_step)),
        )

    def differences(self, asked: Plan) -> str:
        """Return how this plan differs from the one asked for, as text; empty if it doesn't."""
        own = asdict(self)
        wanted = asdict(
            replace(asked, vae_steps=self.vae_steps, gan_steps=self.gan_steps, batch=self.batch)
        )
        return ", ".join(
            "other songs" if key == "songs" else f"{key} {own[key]}"
            for key, value in wanted.items()
            if own[key] != value
        )


def seconds_a_step(step: Callable[[], Any]) -> float:
    """Return the median time of TIMED_STEPS calls, after a first one, which compiles."""
    step()
    times = []
    for _ in range(TIMED_STEPS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _fingerprint(songs: TrainingSongs) -> str:
    digest = hashlib.sha256(repr((songs.steps.shape, songs.names)).encode())
    digest.update(np.ascontiguousarray(songs.steps[:, ::16, ::8]).tobytes())
    return digest.hexdigest()[:16]
