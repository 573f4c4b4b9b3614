"""Reconstructs a song: samples -> frames -> encoder -> P -> decoder -> frames -> samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radio.station import steps as song_data
from radio.station.mastering import master
from radio.station.sound_grid import on_grid
from radio.station.station import Station


@dataclass
class Reconstruction:
    """A reconstructed song.

    Attributes:
        samples: (n,) float32, as long as the song.
        coordinates: P (1, D).
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

    Args:
        station: whose encoder and decoder are used.
        samples: (n,) float32 at the station's rate.
        bpm: beats a minute, for stations on a beat grid; found by trial if None.
    """
    sound = on_grid(station, samples, bpm=bpm)
    z, made = station.model.reconstruct(sound.steps)
    back = sound.render(station, made, z)[sound.lead :][: len(samples)]
    given = sound.steps[:, 0].astype(np.float64)
    error = np.square(made[:, 0] - given).mean() / max(float(given.var(axis=0).mean()), 1e-12)
    return Reconstruction(
        master(back, fade=song_data.ABSOLUTE_HOP_LENGTH),
        station.at(z, sound.beside),
        float(error),
    )
