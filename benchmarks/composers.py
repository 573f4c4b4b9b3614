"""What kept_out.py judges: anything that gives frames back and makes songs.

Composer             reconstruct(frames (T, 181)), new_songs(count, seconds, rng) -> [Song, ...]
FramesAndBack        no network at all
StationComposer      a station whose song is one point
sequence_model.py    the VAE whose latents move in time
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from audio_parsing.frames import SAMPLE_RATE
from radio.station import Station, steps as song_data
from radio.training import encode_songs


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
        """Return the reconstruction (T, 181) of frames (T, 181)."""

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


class StationComposer:
    """A station whose song is one point."""

    finds_beats = False

    def __init__(self, station: Station) -> None:
        self.station = station

    def reconstruct(self, frames: np.ndarray) -> np.ndarray:
        """Return frames (T, 181) piece by piece, each as long as the station's songs."""
        length = self.station.beats * song_data.FRAMES_PER_BEAT
        padded = np.pad(frames, [(0, -len(frames) % length), (0, 0)])
        pieces = song_data.to_steps(padded).reshape(
            -1, length // song_data.FRAMES_PER_STEP, song_data.STEP_SIZE
        )
        means, _ = encode_songs(self.station.model.module, pieces)
        z = np.ascontiguousarray(means[:, : self.station.latent_size], np.float32)
        back = self.station.model.generator.forward(z)[0]
        return np.maximum(song_data.in_a_row(back), 0)[: len(frames)]

    def new_songs(self, count: int, seconds: float, rng: np.random.Generator) -> list[Song]:
        """Draw songs from the station's distribution."""
        songs = []
        for coordinate in self.station.sample(count, rng):
            hop = self.station.hop_length(coordinate)
            beat = song_data.FRAMES_PER_BEAT * hop / SAMPLE_RATE
            samples = self.station.render(coordinate, beats=4 * round(seconds / beat / 4))
            songs.append(Song(samples, 1.0 if self.station.grid == "absolute" else beat))
        return songs
