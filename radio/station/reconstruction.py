"""Reconstructs a song: samples -> frames -> encoder -> P -> decoder -> frames -> samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radio.station import steps as song_data
from radio.station.mastering import master
from radio.station.sound_grid import GridSound, on_grid
from radio.station.station import Station


@dataclass
class Reconstruction:
    """A reconstructed song.

    Attributes:
        samples: (n,) float32, as long as the song; as long as the station's songs if it is longer
            and they are points on a beat grid.
        coordinates: (k, D) P of each excerpt; one for a whole song whose latents move in time.
        error: mean squared error of the steps' values over their variance; 0 is perfect, 1 is no
            better than the mean step.
    """

    samples: np.ndarray
    coordinates: np.ndarray
    error: float


def reconstruct_samples(
    station: Station, samples: np.ndarray, *, bpm: float | None = None
) -> Reconstruction:
    """Encode and decode a song with a station.

    A station whose songs are points reads excerpts as long as its songs, one after the other.

    Args:
        station: whose encoder and decoder are used.
        samples: (n,) float32 at the station's rate.
        bpm: beats a minute, for stations on a beat grid; found by trial if None.
    """
    length = len(samples)
    if not station.model.seeded and station.grid == "absolute":
        length = station.beats * song_data.FRAMES_PER_BEAT * song_data.ABSOLUTE_HOP_LENGTH
    beats = None if station.model.seeded else station.beats
    pieces = [samples[start : start + length] for start in range(0, max(1, len(samples)), length)]
    parts = [_reconstruct(station, on_grid(station, one, bpm=bpm, beats=beats)) for one in pieces]
    sound = np.concatenate([part[0] for part in parts])[: len(samples)]
    given, made = (
        np.concatenate([part[index][:, 0] for part in parts]).astype(np.float64) for index in (2, 3)
    )
    error = float(np.square(made - given).mean() / max(float(given.var(axis=0).mean()), 1e-12))
    fade = song_data.ABSOLUTE_HOP_LENGTH
    return Reconstruction(
        master(sound, fade=fade), np.concatenate([part[1] for part in parts]), error
    )


def _reconstruct(
    station: Station, sound: GridSound
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return samples (n,), P (1, D), the given steps (S, 1, F) and the steps made again."""
    z, made = station.model.reconstruct(sound.steps)
    back = sound.render(station, made, z)[sound.lead :]
    return back, station.at(z, sound.beside), sound.steps, made
