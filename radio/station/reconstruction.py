"""Reconstructs a song: samples -> frames -> encoder -> P -> decoder -> frames -> samples.

A station on a beat grid needs the song's tempo and key, which are not in the file. They are found
by trial: the best ones give the reconstruction with the least error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.starter import hop_length
from radio.station import steps as song_data
from radio.station.mastering import master
from radio.station.station import Station

TEMPO_STEP = 0.02  # relative, from one trial to the next
FINE_STEPS = (-0.01, -0.005, 0.005, 0.01)  # relative to the best tempo, tried last
KEYS = tuple(range(-5, 7))  # semitones


@dataclass
class Reconstruction:
    """A reconstructed song.

    Attributes:
        samples: (n,) float32, as long as the song, or as the station's songs if the song is longer
            and on a beat grid.
        coordinates: (k, D) P of each excerpt.
        error: mean squared error of the frames' values over their variance; 0 is perfect, 1 is no
            better than the mean frame.
    """

    samples: np.ndarray
    coordinates: np.ndarray
    error: float


def reconstruct_samples(
    station: Station, samples: np.ndarray, *, bpm: float | None = None
) -> Reconstruction:
    """Encode and decode a song with a station.

    Args:
        station: whose encoder and decoder are used.
        samples: (n,) float32 at the station's rate.
        bpm: beats a minute, for stations on a beat grid; found by trial if None.
    """
    if station.grid == "absolute":
        coordinates, steps, target = _pieces(station, samples)
        hop = song_data.ABSOLUTE_HOP_LENGTH
    else:
        coordinates, steps, target, hop = _on_beats(station, samples, bpm)
    frames = station.frames_of(steps, coordinates).reshape(-1, audio_frames.FRAME_SIZE)
    sound = audio_frames.decode(frames, hop_length=hop, sample_rate=station.sample_rate)[
        : len(samples)
    ]
    length = -(-len(samples) // hop)  # frames; the rest is padding
    given, made = (song_data.in_a_row(x)[:length] for x in (target, steps))
    error = float(np.square(made - given).mean() / max(float(given.var(axis=0).mean()), 1e-12))
    return Reconstruction(master(sound, fade=hop), coordinates, error)


def _encode(station: Station, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return z (B, Z) and the reconstructed steps of songs, steps (S, B, F)."""
    z = station.model.encode(steps)
    return z, station.model.decode(z, np.zeros(len(z)), station.beats)


def _steps(station: Station, samples: np.ndarray, hop: int) -> np.ndarray:
    """Return the start of a song, as long as a station's songs, as steps (S, F)."""
    length = station.beats * song_data.FRAMES_PER_BEAT * hop
    whole = np.pad(samples[:length], (0, max(0, length - len(samples)))).astype(np.float32)
    frames = audio_frames.encode(whole, hop_length=hop, sample_rate=station.sample_rate)
    return song_data.to_steps(frames[: station.beats * song_data.FRAMES_PER_BEAT])


def _pieces(station: Station, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return P (k, D), steps made again and given (S, k, F) of pieces of the station's length."""
    hop = song_data.ABSOLUTE_HOP_LENGTH
    length = station.beats * song_data.FRAMES_PER_BEAT * hop
    starts = range(0, max(1, len(samples)), length)
    target = np.stack([_steps(station, samples[start:], hop) for start in starts], axis=1).astype(
        np.float32
    )
    made = [
        _encode(station, np.ascontiguousarray(target[:, i : i + 8]))
        for i in range(0, target.shape[1], 8)
    ]
    return (
        np.concatenate([z for z, _ in made]),
        np.concatenate([steps for _, steps in made], axis=1),
        target,
    )


def _on_beats(
    station: Station, samples: np.ndarray, bpm: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return P (1, D), steps made again and given (S, 1, F), and samples a frame, of the best."""
    slowest, fastest = (
        song_data.coordinate_tempo(float(c))
        for c in (station.coordinates[:, 0].min(), station.coordinates[:, 0].max())
    )
    whole, rest = divmod(len(samples), station.beats * song_data.FRAMES_PER_BEAT)
    if bpm is not None:
        tempi = [bpm]
    elif rest == 0 and hop_length(fastest) <= whole <= hop_length(slowest):
        tempi = [_tempo(whole, station.sample_rate)]  # exactly a song of this station's length
    else:
        tempi = list(
            slowest
            * (1 + TEMPO_STEP) ** np.arange(np.log(fastest / slowest) / np.log(1 + TEMPO_STEP) + 1)
        )
    best = min(
        (_under_tempo(station, samples, tempo) for tempo in tempi), key=lambda trial: trial[0]
    )
    if len(tempi) > 1:
        best = min(
            [best, *(_under_tempo(station, samples, best[1] * (1 + fine)) for fine in FINE_STEPS)],
            key=lambda trial: trial[0],
        )
    _, tempo, key, z, steps, target = best
    coordinate = np.concatenate(
        [z, [song_data.tempo_coordinate(tempo), song_data.key_coordinate(key)]]
    ).astype(np.float32)
    return coordinate[None], steps[:, None], target[:, None], hop_length(tempo)


def _under_tempo(
    station: Station, samples: np.ndarray, tempo: float
) -> tuple[float, float, int, np.ndarray, np.ndarray, np.ndarray]:
    """Return (error, tempo, key, z, steps made again, steps given) for the key that fits best."""
    frames = song_data.to_frames(_steps(station, samples, hop_length(tempo)))
    given = np.stack(
        [song_data.to_steps(audio_frames.transpose(frames, -key)) for key in KEYS], axis=1
    ).astype(np.float32)
    z, made = _encode(station, given)
    errors = np.mean(np.square(made - given), axis=(0, 2))
    best = int(errors.argmin())
    return float(errors[best]), tempo, KEYS[best], z[best], made[:, best], given[:, best]


def _tempo(hop: int, sample_rate: int) -> float:
    return sample_rate * 60 / song_data.FRAMES_PER_BEAT / hop
