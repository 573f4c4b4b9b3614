"""A station's model whose songs are single points of latent space: z -> plan -> GRU -> frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from audio_parsing import frames as audio_frames
from gan.critic import Critic
from neural_networks.components.module import Module
from neural_networks.training.checkpoint import part
from neural_networks.vae.calibration import Calibration
from neural_networks.vae.recurrent_vae import PLAN_SIZE, RecurrentVAE
from radio.station import steps as song_data
from radio.station.limits import whole_number

LARGEST_CALIBRATION = 10


@dataclass
class PointModel:
    """See the module's sentence, and `SongModel` for the methods.

    Attributes:
        vae: encoder and decoder.
    """

    vae: RecurrentVAE

    kind = "point"
    seeded = False
    features = song_data.STEP_SIZE
    course_size = 0

    @property
    def latent_size(self) -> int:
        """Z."""
        return self.vae.latent_size

    @property
    def module(self) -> RecurrentVAE:
        """The networks."""
        return self.vae

    @property
    def generator(self) -> Module:
        """The part that makes songs."""
        return self.vae.decoder

    def draw_course(
        self, z: np.ndarray, mean: np.ndarray, *, novelty: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return z (B, Z), which is all there is to such a song, and no columns."""
        return z, np.zeros((len(z), 0))

    def form(self, course: np.ndarray) -> None:
        """Return None: with an empty course (C,) a song has no form."""

    def decode(self, z: np.ndarray, course: np.ndarray, beats: int) -> np.ndarray:
        """Return steps (S, B, F).

        Shorter songs are cut; longer ones repeat the plan from its first quarter on, in which the
        recurrent network's state differs.
        """
        decoder = self.vae.decoder
        if beats == decoder.beats:
            return decoder.forward(z)[0]
        plan = decoder.plan(z)
        while len(plan) < beats:
            plan = np.concatenate([plan[: -decoder.beats // 4], plan[decoder.beats // 4 :]])
        return decoder.forward_plan(np.ascontiguousarray(plan[:beats]))[0]

    def trace(
        self, z: np.ndarray, course: np.ndarray, beats: int
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Return steps (S, B, F) of the model's own length, and the way back to dz."""
        decoder = self.vae.decoder
        steps, cache = decoder.forward(z)
        return steps, lambda dsteps: decoder.backward(dsteps, cache)

    def reconstruct(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return z (B, Z) of steps (S, B, F) as long as the model's songs, and its songs."""
        statistics, _ = self.vae.encoder.forward(steps)
        z = np.ascontiguousarray(statistics[:, : self.latent_size])
        return z, self.vae.decoder.forward(z)[0]

    def to_frames(self, steps: np.ndarray) -> np.ndarray:
        """Return frames (B, T, 181) of steps (S, B, F)."""
        return song_data.to_frames(np.ascontiguousarray(steps.transpose(1, 0, 2)))

    def to_frames_backward(self, dframes: np.ndarray) -> np.ndarray:
        """Return dsteps (S, B, F) for dframes (B, T, 181)."""
        return self.to_steps(dframes)

    def to_steps(self, frames: np.ndarray) -> np.ndarray:
        """Return steps (S, B, F) of frames (B, T, 181)."""
        steps = frames.reshape(len(frames), -1, song_data.STEP_SIZE)
        return np.ascontiguousarray(steps.transpose(1, 0, 2))

    def new_critic(self, *, hidden: int, rng: np.random.Generator, **options: Any) -> Critic:
        """Return a critic of frames, with random weights."""
        return Critic(self.features, hidden, rng=rng, **options)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the calibration, if there is one."""
        calibration = self.vae.decoder.calibration
        found = {} if calibration is None else calibration.arrays()
        return {f"finish_{name}": array for name, array in found.items()}

    def configuration(self) -> dict[str, Any]:
        """Return the sizes that a file needs beside the station's number of beats."""
        return {
            "latent_size": self.latent_size,
            "hidden": self.vae.decoder.cell.hidden_size,
        }

    @classmethod
    def read(
        cls, arrays: dict[str, np.ndarray], configuration: dict[str, Any], beats: int
    ) -> PointModel:
        """Return the model that a station's file describes, with random weights.

        Raises:
            ValueError: if the sizes don't fit the arrays, before anything large is allocated.
        """
        latent_size, hidden = (
            whole_number(configuration, key) for key in ("latent_size", "hidden")
        )
        if latent_size * beats * PLAN_SIZE + hidden * cls.features > arrays["vae"].size:
            raise ValueError("the weights of the vae don't fit")
        vae = RecurrentVAE(
            cls.features,
            latent_size=latent_size,
            beats=beats,
            hidden=hidden,
            rng=np.random.default_rng(0),
        )
        vae.decoder.calibration = _calibration(arrays)
        return cls(vae)


def _calibration(arrays: dict[str, np.ndarray]) -> Calibration | None:
    """Return the decoder's calibration; None for stations written before there was one."""
    found = part(arrays, "finish_")
    if not found:
        return None
    if any(array.size and np.abs(array).max() > LARGEST_CALIBRATION for array in found.values()):
        raise ValueError("the numbers of its calibration are out of range")
    if found["taps"].shape[1:] != (song_data.FRAMES_PER_STEP, audio_frames.FRAME_SIZE):
        raise ValueError("its calibration does not fit its frames")
    return Calibration(**found)
