"""A sound as steps of a station: on its grid of time, in C major or A minor where a key is known.

    sound = on_grid(station, samples, bpm=None) -> GridSound

A station on a beat grid needs the tempo and key of a song, which are not in the file. They are
found by trial: the best ones give the reconstruction with the least error.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.starter import hop_length
from radio.station import steps as song_data
from radio.station.station import Station

TEMPO_STEP = 0.02  # relative, from one trial to the next
# Relative to the best tempo so far, in turn. The last differ by less than a frame in 20 minutes.
FINER_STEPS = (0.01, 0.005, 0.0025, 0.0012, 0.0006, 0.0003)
KEYS = tuple(range(-5, 7))  # semitones


class GridSound(NamedTuple):
    """A sound on a station's grid.

    Attributes:
        steps: (S, 1, F), canonical.
        tempo: beats a minute; None on an absolute grid.
        beside: (1, C) tempo and key as coordinates; C is 0 on an absolute grid.
    """

    steps: np.ndarray
    tempo: float | None
    beside: np.ndarray

    @property
    def hop_length(self) -> int:
        """Samples a frame, rounded."""
        return song_data.ABSOLUTE_HOP_LENGTH if self.tempo is None else hop_length(self.tempo)

    @property
    def step_samples(self) -> float:
        """Samples a step, not rounded."""
        exact = self.hop_length if self.tempo is None else exact_hop(self.tempo)
        return song_data.FRAMES_PER_STEP * exact

    def render(self, station: Station, steps: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the sound (n,) of other steps (S, 1, F) in this tempo and key, unmastered."""
        frames = station.frames_of(steps, station.at(z, self.beside))[0]
        samples = audio_frames.decode(
            frames, hop_length=self.hop_length, sample_rate=station.sample_rate
        )
        return samples if self.tempo is None else stretched(samples, self.tempo, back=True)


def on_grid(
    station: Station, samples: np.ndarray, *, bpm: float | None = None, beats: int | None = None
) -> GridSound:
    """Return a sound as steps of a station.

    Args:
        station: whose grid it is.
        samples: (n,) float32 at the station's rate; silence is added to fill a last step.
        bpm: beats a minute, for stations on a beat grid; found by trial if None.
        beats: most that are read; all if None.
    """
    if station.grid == "absolute":
        frames = _frames(station, samples, song_data.ABSOLUTE_HOP_LENGTH, beats)
        return GridSound(station.model.to_steps(frames[None]), None, np.zeros((1, 0), np.float32))
    return _on_beats(station, samples, bpm, beats)


def _frames(station: Station, samples: np.ndarray, hop: int, beats: int | None) -> np.ndarray:
    """Return the frames (T, 181) of a sound, whole steps; `beats` of them exactly if given."""
    unit = song_data.FRAMES_PER_STEP * hop
    if beats is None:
        length = max(1, -(-len(samples) // unit)) * unit
    else:
        length = beats * song_data.FRAMES_PER_BEAT * hop
    whole = np.pad(samples[:length], (0, max(0, length - len(samples)))).astype(np.float32)
    frames = audio_frames.encode(whole, hop_length=hop, sample_rate=station.sample_rate)
    return frames[: length // hop]


class _Trial(NamedTuple):
    """A sound under some tempo, in the key that fits best."""

    error: float
    tempo: float
    key: int
    steps: np.ndarray


def _on_beats(
    station: Station, samples: np.ndarray, bpm: float | None, beats: int | None
) -> GridSound:
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
    best = min((_trial(station, samples, tempo, beats) for tempo in tempi), key=_error)
    if len(tempi) > 1:
        for finer in FINER_STEPS:
            near = [best.tempo * (1 - finer), best.tempo * (1 + finer)]
            best = min([best, *(_trial(station, samples, one, beats) for one in near)], key=_error)
    tempo = song_data.tempo_coordinate(best.tempo), song_data.key_coordinate(best.key)
    return GridSound(best.steps, best.tempo, np.array([tempo], np.float32))


def _error(trial: _Trial) -> float:
    return trial.error


def _trial(station: Station, samples: np.ndarray, tempo: float, beats: int | None) -> _Trial:
    hop = hop_length(tempo)
    frames = _frames(station, stretched(samples, tempo), hop, beats)
    given = station.model.to_steps(
        np.stack([audio_frames.transpose(frames, -key) for key in KEYS]).astype(np.float32)
    )
    errors = np.mean(np.square(station.model.reconstruct(given)[1] - given), axis=(0, 2))
    best = int(errors.argmin())
    return _Trial(float(errors[best]), tempo, KEYS[best], given[:, best : best + 1])


def exact_hop(tempo: float) -> float:
    """Return the samples a frame at a tempo, not rounded."""
    return song_data.SAMPLE_RATE * 60 / song_data.FRAMES_PER_BEAT / tempo


def stretched(samples: np.ndarray, tempo: float, *, back: bool = False) -> np.ndarray:
    """Return samples (n,) so much longer or shorter that a frame has a whole number of them.

    Frames of whole samples give a tempo in steps of 0.2 %: a song of half a minute would drift by
    60 ms. The pitch that changes with it, by 2 cents at most, changes back with `back`.

    Args:
        samples: of a song.
        tempo: beats a minute.
        back: undo it.
    """
    ratio = hop_length(tempo) / exact_hop(tempo)
    if abs(ratio - 1) * len(samples) < 1:
        return samples
    import soxr

    rates = (ratio, 1.0) if back else (1.0, ratio)
    resampled: np.ndarray = soxr.resample(samples.astype(np.float32), *rates)
    return resampled
