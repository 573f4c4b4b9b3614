"""What kept_out.py judges: anything that gives frames back and makes songs.

Composer             reconstruct(frames (T, 202)), new_songs(count, seconds, rng) -> [Song, ...]
FramesAndBack        no network at all
sequence_model.py    the VAE of stations
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class Song(NamedTuple):
    """A new song (n,) at 22,050 Hz, and the seconds of a beat."""

    samples: np.ndarray
    beat: float = 1.0


class Composer(Protocol):
    """What is judged.

    Attributes:
        finds_beats: whether frames of recordings lie on their beats.
    """

    finds_beats: bool

    def reconstruct(self, frames: np.ndarray) -> np.ndarray:
        """Return the reconstruction (T, 202) of frames (T, 202)."""

    def new_songs(self, count: int, seconds: float, rng: np.random.Generator) -> list[Song]:
        """Return songs of about so many seconds; none where nothing is composed."""


class FramesAndBack:
    """No network: what it can hope for at best."""

    finds_beats = False

    def reconstruct(self, frames: np.ndarray) -> np.ndarray:
        """Return frames as they are."""
        return frames

    def new_songs(self, count: int, seconds: float, rng: np.random.Generator) -> list[Song]:
        """Return no songs."""
        return []
