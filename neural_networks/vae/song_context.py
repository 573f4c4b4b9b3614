"""What a step is told beside its latents: the song's coordinate, a plan, and where it is.

    z          (B, Z)              the coordinate of the whole song
    plan       (beats, B, Q)       tanh(Dense(z)), one vector a beat; a longer song begins it again
    position   (S, 1 or B, P)      sines and cosines of the place in beat, bar and phrase

Plan and position are for songs on a grid of beats; without one there is z alone.
Letters: S steps, B songs, Z values of z, Q values of a beat's vector, P = 18.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neural_networks.components.activations import Tanh
from neural_networks.components.checks import of_shape
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module

# In beats: half a beat, a beat and its parts of a bar, phrases of 4, 8 and 16 beats, and 32 beats.
POSITION_PERIODS = (0.5, 1, 1.5, 2, 3, 4, 8, 16, 32)
PERIOD = 96  # beats, after which all of them begin again


class SongContext(NamedTuple):
    """What the steps of some songs are told."""

    z: np.ndarray  # (B, Z)
    plan: np.ndarray | None  # (beats, B, Q)
    position: np.ndarray | None  # (S, 1, P), or (S, B, P) where the songs begin at different beats
    beats: np.ndarray  # (S,), which vector of the plan a step reads

    @property
    def steps(self) -> int:
        """S."""
        return len(self.beats)

    @property
    def songs(self) -> int:
        """B."""
        return len(self.z)

    def grouped(self, groups: int) -> SongContext:
        """Return the context of steps made in groups, G S of them, each told which group it is."""
        if groups == 1:
            return self
        number = np.tile(np.eye(groups, dtype=self.z.dtype), (self.steps, 1))[
            :, None
        ]  # (G S, 1, G)
        position = number
        if self.position is not None:
            position = self.position.repeat(groups, axis=0)
            number = np.broadcast_to(number, (*position.shape[:2], groups))
            position = np.concatenate([position, number], axis=2)
        return SongContext(self.z, self.plan, position, self.beats.repeat(groups))


class ContextGradient(NamedTuple):
    """The gradient with respect to what is learned of a context."""

    z: np.ndarray  # (B, Z)
    plan: np.ndarray | None  # (beats, B, Q)

    def plus(self, other: ContextGradient) -> ContextGradient:
        """Return the sum of two readers' gradients."""
        plan = None if self.plan is None or other.plan is None else self.plan + other.plan
        return ContextGradient(self.z + other.z, plan)


class Conditioning(Module):
    """Make the context of songs from their coordinates.

    Args:
        song_size: Z.
        beats: length of the plan; 0 for none.
        plan_size: Q.
        position: whether steps are told where they are.
        steps_per_beat: how many steps a beat has.
        rng: draws the first weights.
    """

    def __init__(
        self,
        song_size: int,
        *,
        beats: int = 0,
        plan_size: int = 128,
        position: bool = False,
        steps_per_beat: int = 4,
        rng: np.random.Generator,
    ) -> None:
        if beats < 0 or steps_per_beat < 1:
            raise ValueError(
                f"a plan has 0 beats or more of 1 step or more, not {beats} of {steps_per_beat}"
            )
        self.song_size = song_size
        self.beats, self.steps_per_beat = beats, steps_per_beat
        self.plan_size = plan_size if beats else 0
        self.position_size = 2 * len(POSITION_PERIODS) if position else 0
        self.to_plan = Dense(song_size, beats * plan_size, rng=rng) if beats else None
        self.squash = Tanh()

    def forward(
        self,
        z: np.ndarray,
        steps: int = 1,
        *,
        first_step: int = 0,
        first_beat: np.ndarray | None = None,
        places: np.ndarray | None = None,
    ) -> tuple[Any, Any]:
        """Return the SongContext of coordinates z (B, Z), and the cache.

        Args:
            z: (B, Z).
            steps: S.
            first_step: how many steps of the songs came before, where a song goes on.
            first_beat: (B,) of the tune, at which each excerpt begins; 0 if not given.
            places: (S,) of the steps in the songs; one after the other if not given.

        Raises:
            ValueError: if z is not (B, Z), or the places are no whole numbers (S,).
        """
        of_shape(z, (len(z), self.song_size), "z")
        if places is not None and (places.ndim != 1 or places.dtype.kind not in "iu"):
            raise ValueError(f"places are whole numbers (S,), not {places.dtype} {places.shape}")
        time = first_step + np.arange(steps) if places is None else places
        beats = time // self.steps_per_beat % max(1, self.beats)
        position = None
        if self.position_size:
            start = np.zeros(1) if first_beat is None else np.asarray(first_beat)
            position = position_features(time[:, None] / self.steps_per_beat + start).astype(
                z.dtype
            )
        if self.to_plan is None:
            return SongContext(z, None, position, beats), None
        linear, to_plan = self.to_plan.forward(z)
        flat, squash = self.squash.forward(linear)
        plan = flat.reshape(len(z), self.beats, self.plan_size).transpose(1, 0, 2)
        return SongContext(z, np.ascontiguousarray(plan), position, beats), (to_plan, squash)

    def backward(self, dy: Any, cache: Any) -> np.ndarray:
        """Return dz (B, Z) of a ContextGradient."""
        if self.to_plan is None or dy.plan is None:
            return dy.z
        to_plan, squash = cache
        dflat = np.ascontiguousarray(dy.plan.transpose(1, 0, 2)).reshape(len(dy.z), -1)
        return dy.z + self.to_plan.backward(self.squash.backward(dflat, squash), to_plan)


def position_features(beats: np.ndarray) -> np.ndarray:
    """Return where moments of a song, in beats (..), stand: sines and cosines (.., 18)."""
    angle = np.asarray(beats)[..., None] % PERIOD * (2 * np.pi / np.array(POSITION_PERIODS))
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=-1)
