"""A sound as steps of a station: on its grid of time, in C major or A minor where a key is known.

    sound = on_grid(station, samples, bpm=None) -> GridSound

A station of recordings looks for the beat of the sound itself (frame_grid.py). The tempo and key of
songs of a station that knows keys are found by trial: the best ones give the reconstruction with
the least error.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.starter import hop_length
from radio.station import steps as song_data
from radio.station.frame_grid import FrameGrid, find_grid, grid_of
from radio.station.station import Station

TEMPO_STEP = 0.02  # relative, from one trial to the next
# Relative to the best tempo so far, in turn. The last differ by less than a frame in 20 minutes.
FINER_STEPS = (0.01, 0.005, 0.0025, 0.0012, 0.0006, 0.0003)
KEYS = tuple(range(-5, 7))  # semitones


class GridSound(NamedTuple):
    """A sound on a station's grid.

    Attributes:
        steps: (S, 1, F), canonical.
        grid: where they lie in the sound.
        beside: (1, C) tempo and key as coordinates; C is 0 on an absolute grid.
    """

    steps: np.ndarray
    grid: FrameGrid
    beside: np.ndarray

    @property
    def step_samples(self) -> float:
        """Samples a step, not rounded."""
        return song_data.FRAMES_PER_STEP * self.grid.hop_length

    @property
    def lead(self) -> int:
        """Samples of the first steps that lie before the sound begins."""
        return -round(self.grid.origin)

    def render(self, station: Station, steps: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the sound (n,) of other steps (S, 1, F) in this tempo and key, unmastered."""
        frames = station.frames_of(steps, station.at(z, self.beside))[0]
        return audio_frames.decode(
            frames, hop_length=self.grid.hop_length, sample_rate=station.sample_rate
        )


def on_grid(station: Station, samples: np.ndarray, *, bpm: float | None = None) -> GridSound:
    """Return a sound as steps of a station.

    Args:
        station: whose grid it is.
        samples: (n,) float32 at the station's rate; silence is added to fill a last step.
        bpm: beats a minute, for stations on a beat grid; found if None.
    """
    if station.keyed:
        return _by_trial(station, samples, bpm)
    grid = FrameGrid() if station.grid == "absolute" else find_grid(samples, tempo=bpm)
    frames = _frames(station, samples, grid)
    beside = np.zeros((1, station.coordinates.shape[1]), np.float32)
    beside[:, :1] = song_data.tempo_coordinate(grid.tempo)
    return GridSound(station.model.to_steps(frames[None]), grid, beside)


def _frames(station: Station, samples: np.ndarray, grid: FrameGrid) -> np.ndarray:
    """Return the frames (T, 202) of a sound, whole steps."""
    steps = max(1, math.ceil(grid.count(len(samples)) / song_data.FRAMES_PER_STEP))
    count = steps * song_data.FRAMES_PER_STEP
    length = math.ceil(count * grid.hop_length)
    whole = np.pad(samples, (-round(grid.origin), 0))[:length]
    whole = np.pad(whole, (0, length - len(whole))).astype(np.float32)
    frames = audio_frames.encode(whole, hop_length=grid.hop_length, sample_rate=station.sample_rate)
    return frames[:count]


class _Trial(NamedTuple):
    """A sound under some tempo, in the key that fits best."""

    error: float
    tempo: float
    key: int
    steps: np.ndarray


def _by_trial(station: Station, samples: np.ndarray, bpm: float | None) -> GridSound:
    slowest, fastest = (
        song_data.coordinate_tempo(float(c))
        for c in (station.coordinates[:, 0].min(), station.coordinates[:, 0].max())
    )
    whole, rest = divmod(len(samples), station.beats * song_data.FRAMES_PER_BEAT)
    if bpm is not None:
        tempi = [bpm]
    elif rest == 0 and hop_length(fastest) <= whole <= hop_length(slowest):
        # exactly a song of this station's length
        tempi = [song_data.SAMPLE_RATE * 60 / song_data.FRAMES_PER_BEAT / whole]
    else:
        count = np.log(fastest / slowest) / np.log(1 + TEMPO_STEP) + 1
        tempi = list(slowest * (1 + TEMPO_STEP) ** np.arange(count))
    best = min((_trial(station, samples, tempo) for tempo in tempi), key=_error)
    if len(tempi) > 1:
        for finer in FINER_STEPS:
            near = [best.tempo * (1 - finer), best.tempo * (1 + finer)]
            best = min([best, *(_trial(station, samples, one) for one in near)], key=_error)
    beside = song_data.tempo_coordinate(best.tempo), song_data.key_coordinate(best.key)
    return GridSound(best.steps, grid_of(best.tempo), np.array([beside], np.float32))


def _error(trial: _Trial) -> float:
    return trial.error


def _trial(station: Station, samples: np.ndarray, tempo: float) -> _Trial:
    frames = _frames(station, samples, grid_of(tempo))
    given = station.model.to_steps(
        np.stack([audio_frames.transpose(frames, -key) for key in KEYS]).astype(np.float32)
    )
    errors = np.mean(np.square(station.model.reconstruct(given)[1] - given), axis=(0, 2))
    best = int(errors.argmin())
    return _Trial(float(errors[best]), tempo, KEYS[best], given[:, best : best + 1])
