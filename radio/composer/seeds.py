"""Ratings that a taste begins with: music that a listener loves, and ratings of another station.

    seed_of_music(station, samples, listener=, song=, key=) -> Rating, frames
    seeds_of_station(ratings, station, other, listener) -> (Rating, frames) of each

A seed is a rating with the frames that the taste learns from when the next session begins, as it
learns ratings from before a retraining. No seed is a song that the station makes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from radio.ratings import MUSIC, OTHER_STATION, Rating, Ratings, pack, unpack
from radio.station import (
    Station,
    coordinate_tempo,
    find_grid,
    on_grid,
    to_steps,
)

LIKED = 0.6  # rating of music that was named; chosen, not measured
# With 0.5 songs 6 to 10 are liked less than without seeds, with 0.05 they aren't (docs/taste.md).
WEIGHT = 0.05
EXCERPT_SECONDS = 40.0  # from the middle of a file; the station's songs are judged at half a minute


def seed_of_music(
    station: Station, samples: np.ndarray, *, listener: str, song: str, key: str
) -> tuple[Rating, bytes]:
    """Return the seed of a file's samples (n,), as the station's encoder understands them.

    Args:
        station: that encodes, and learns.
        samples: at the station's rate.
        listener: who loves it.
        song: what it is called.
        key: of the rating.
    """
    length = round(EXCERPT_SECONDS * station.sample_rate)
    start = max(0, (len(samples) - length) // 2)
    excerpt = samples[start : start + length]
    sound = on_grid(station, excerpt, bpm=_tempo(station, excerpt))
    z, made = station.model.reconstruct(sound.steps)
    rating = Rating(
        listener,
        station.name,
        MUSIC,
        song,
        station.at(z, sound.beside)[0],
        LIKED,
        weight=WEIGHT,
        key=key,
    )
    frames = to_steps(np.maximum(station.model.to_frames(made)[0], 0))
    return rating, pack(frames, beside=station.coordinates.shape[1])


def seeds_of_station(
    ratings: Ratings, station: Station, other: Station, listener: str
) -> Iterator[tuple[Rating, bytes]]:
    """Yield the seeds of a listener's ratings on another station whose sound is stored.

    Raises:
        ValueError: if only one of the two stations is on a beat grid.
    """
    columns = station.coordinates.shape[1]
    if other.coordinates.shape[1] != columns:
        raise ValueError(
            f"station {other.name} and station {station.name} differ in their grid of time;"
            " ratings carry over between two on a beat grid, or two without"
        )
    centre = station.means.mean(axis=0)[None]
    for one in ratings.of(listener, other.name):
        frames = ratings.sound(one.key)
        if one.seed or frames is None or unpack(frames) is None or not other.makes(one.coordinate):
            continue
        coordinate = station.at(centre, other.beside(one.coordinate[None]))[0]
        rating = Rating(
            listener,
            station.name,
            OTHER_STATION + other.name,
            one.song,
            coordinate,
            one.rating,
            weight=one.weight,
            time=one.time,
            key=seed_key(one.key.encode(), station.name),
        )
        yield rating, frames


def seed_key(content: bytes, *names: str) -> str:
    """Return the key of a seed: the same for the same content, so that none counts twice."""
    return hashlib.sha256(content + "\0".join(names).encode()).hexdigest()[:32]


def _tempo(station: Station, samples: np.ndarray) -> float | None:
    """Return the tempo of a sound, by octaves within the station's, where on_grid would try all."""
    if not station.keyed:
        return None
    tempi = [coordinate_tempo(float(one)) for one in station.coordinates[:, 0]]
    tempo = find_grid(samples).tempo
    return float(min((tempo * 2.0**k for k in (-1, 0, 1)), key=lambda one: _outside(one, tempi)))


def _outside(tempo: float, tempi: list[float]) -> float:
    """Return by how many octaves a tempo lies outside others."""
    return float(np.log2(max(min(tempi) / tempo, tempo / max(tempi), 1)))
