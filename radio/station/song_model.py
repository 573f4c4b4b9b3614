"""The interface of a station's model: coordinates -> steps -> frames, and gradients back.

PointModel      a song is one point z of latent space (neural_networks/vae/recurrent_vae.py)
SequenceModel   its latents move in time: z and a seed (neural_networks/vae/sequence_vae.py)

Letters: B songs, S steps, F values of a step, as the critic reads it, T frames, Z values of z, C of
a course.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from gan.critic import Critic
from neural_networks.components.module import Module
from radio.station.forms import Form


class SongModel(Protocol):
    """What a station needs of its model.

    Attributes:
        kind: its name in station files.
        seeded: whether the songs of one z differ by a seed, which is then a column of P.
    """

    kind: str
    seeded: bool

    @property
    def latent_size(self) -> int:
        """Z."""

    @property
    def course_size(self) -> int:
        """Columns of P that say what happens in a song, C: its seed, and whom it follows."""

    @property
    def features(self) -> int:
        """F."""

    @property
    def module(self) -> Module:
        """The networks."""

    @property
    def generator(self) -> Module:
        """The part of them that makes songs."""

    def draw_course(
        self, z: np.ndarray, mean: np.ndarray, *, novelty: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw what happens in new songs.

        Args:
            z: (B, Z) of new songs.
            mean: (Z,) of the station's songs.
            novelty: from 0, the songs that were learned, to 1.
            rng: of the songs.

        Returns:
            z (B, Z) of the songs, nearer to learned ones where they follow some, and the columns
            of P (B, C).
        """

    def form(self, course: np.ndarray) -> Form | None:
        """Return the form of a course (C,), None for a song without one."""

    def decode(self, z: np.ndarray, course: np.ndarray, beats: int) -> np.ndarray:
        """Return steps (S, B, F) of coordinates z (B, Z) and courses (B, C)."""

    def trace(
        self, z: np.ndarray, course: np.ndarray, beats: int
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Return steps (S, B, F), and the function from dsteps to dz (B, Z)."""

    def reconstruct(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return z (B, Z), the posterior's means, of steps (S, B, F), and the steps made again."""

    def to_frames(self, steps: np.ndarray) -> np.ndarray:
        """Return frames (B, T, 181) of steps (S, B, F); values below 0 mean silence."""

    def to_frames_backward(self, dframes: np.ndarray) -> np.ndarray:
        """Return dsteps (S, B, F) for the gradient dframes (B, T, 181)."""

    def to_steps(self, frames: np.ndarray) -> np.ndarray:
        """Return steps (S, B, F) of frames (B, T, 181), T a multiple of 6."""

    def new_critic(self, *, hidden: int, rng: np.random.Generator, **options: Any) -> Critic:
        """Return a critic of this model's steps, with random weights.

        Args:
            hidden: of every layer.
            rng: draws the weights.
            **options: of Critic: body, and where the steps are frames, centre.
        """

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of its file beside the weights."""

    def configuration(self) -> dict[str, Any]:
        """Return the sizes in its file."""
