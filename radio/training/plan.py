"""The options of a station's training, and the plan that its checkpoint stores."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan.choices import DEFAULT_CRITIC, DEFAULT_LATENT, LATENTS, Latent
from gan.critic_bodies import BODIES
from radio.station import Station, StationError

DEFAULT_MINUTES = 10.0  # of a folder of music
STARTER_MINUTES = 25.0  # with what comes before and after, half an hour
TIMED_STEPS = 12
# Songs of a station of recordings lie at 1.21 times the distance of learned music, drawn so; with
# mixtures at 1.35 (docs/songs.md).
RECORDINGS_LATENT: Latent = "gaussian"
LARGEST_BATCH = 1 << 20  # songs

Report = Callable[[dict[str, Any]], None]
Watch = Callable[[Callable[[], Station]], None]


@dataclass(frozen=True)
class TrainingOptions:
    """What a training is asked for.

    Attributes:
        beats: length of a song; on an absolute grid a beat is 24 frames of 20 ms.
        minutes: how long to train, without the preparation of the music; if neither minutes nor
            steps are given, 10, and 25 for the starter collection.
        steps: of the VAE, instead of minutes.
        seed: of all random numbers.
        fresh: number of new arrangements that are learned beside the starter collection.
        invented: number of invented tunes, likewise.
        threads: 1 or 2; None for one a core. The result is the same.
        batch: songs a step of each process; None for what the model's recipe says.
        critic: name of its body; see gan/critic_bodies.py.
        latent: the distribution that the station's songs are drawn from; see gan/latent.py. None
            for what is best: mixtures for the starter collection, a Gaussian for recordings.
        soundfont: that plays scores; the synthesizer if None.
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
    fresh: int = 600
    invented: int = 512
    threads: int | None = None
    batch: int | None = None
    critic: str = DEFAULT_CRITIC
    latent: Latent | None = None
    soundfont: Path | None = None
    prepared: Path | None = None
    plot: Path | None = None

    def __post_init__(self) -> None:
        if self.minutes is not None and not 0 < self.minutes < 100_000:
            raise StationError(f"minutes must be a positive number, not {self.minutes}")
        if self.steps is not None and self.steps < 1:
            raise StationError(f"steps must be 1 or more, not {self.steps}")
        if self.batch is not None and self.batch < 1:
            raise StationError(f"batch must be 1 or more, not {self.batch}")
        if self.critic not in BODIES:
            raise StationError(f"unknown critic {self.critic!r}: choose one of {', '.join(BODIES)}")
        if self.latent is not None and self.latent not in LATENTS:
            raise StationError(
                f"unknown latent distribution {self.latent!r}: choose one of {', '.join(LATENTS)}"
            )

    def complete(self, *, keyed: bool, starter: bool) -> TrainingOptions:
        """Return these options with the best latent distribution and duration, if none is asked.

        Args:
            keyed: whether the keys of the music are known.
            starter: whether it is the starter collection.
        """
        latent = DEFAULT_LATENT if keyed else RECORDINGS_LATENT
        minutes = STARTER_MINUTES if starter else DEFAULT_MINUTES
        return replace(self, latent=self.latent or latent, minutes=self.minutes or minutes)


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
    """

    songs: str
    beats: int
    seed: int
    minutes: float | None
    steps: int | None
    vae_steps: int = 0
    gan_steps: int = 0
    batch: int = 1
    critic: str = DEFAULT_CRITIC
    latent: str = DEFAULT_LATENT

    @classmethod
    def of(cls, options: TrainingOptions, songs: str, *, batch: int, processes: int) -> Plan:
        """Return the plan for some options, its numbers of steps still 0.

        Args:
            options: asked for.
            songs: their fingerprint.
            batch: songs a step of each process, if the options don't say.
            processes: that train together.
        """
        return cls(
            songs,
            options.beats,
            options.seed,
            options.minutes if options.steps is None else None,
            options.steps,
            batch=(options.batch or batch) * processes,
            critic=options.critic,
            latent=options.latent or DEFAULT_LATENT,
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

    def with_steps(self, steps: int, *, share: float) -> Plan:
        """Return the plan for a number of steps of the VAE, and a share of it with the critic."""
        return replace(self, vae_steps=steps, gan_steps=max(1, round(share * steps)))

    def with_seconds(
        self, seconds: float, *, share: float, vae_step: float, gan_step: float
    ) -> Plan:
        """Return the plan for a total time, a share of it with the critic.

        Args:
            seconds: in all.
            share: of them.
            vae_step: seconds that a step of the VAE takes.
            gan_step: seconds that a step with the critic takes.
        """
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
