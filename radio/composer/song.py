"""A song as it is played and saved, and what its composer remembers of it.

A `Song` crosses to the process that plays it; a `Draft` never leaves the composer.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from radio.ratings import Journal
from radio.station import save_song

# rated songs after which the radio knows a listener, and a final song is no guess; chosen
ENOUGH_RATINGS = 15


@dataclass(eq=False)
class Song:
    """A rendered song, in one play of it.

    Attributes:
        samples: (n,) float32.
        sample_rate: Hz.
        latent: P (D,), from which it can be made again.
        name: the same for the same coordinate.
        details: tempo and key as a listener reads them.
        description: everything needed to make it again, ready for JSON.
        expected: (mean, standard deviation) of the rating that was predicted when it was chosen;
            None if the taste had learned nothing by then.
        descent: how a final song was found; empty for others.
        picture: of how a final song was found, the bytes of a PNG (n,) uint8; empty for others.
        key: identifies this play of the song in the database.
        wish: of the listener by which it was chosen; empty without.
    """

    samples: np.ndarray
    sample_rate: int
    latent: np.ndarray
    name: str
    details: str
    description: dict[str, Any] = field(default_factory=dict)
    expected: tuple[float, float] | None = None
    descent: dict[str, Any] = field(default_factory=dict)
    picture: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    wish: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples.size / self.sample_rate


class Draft(NamedTuple):
    """A song before it is rendered.

    Attributes:
        coordinate: P (D,).
        features: (K,) the input of the taste.
        steps: (S, F) of the station's model, before tempo and key.
    """

    coordinate: np.ndarray
    features: np.ndarray
    steps: np.ndarray


def final_line(ratings: int, expected: tuple[float, float] | None) -> str:
    """Return in a line how sure the radio is of a final song, from how many ratings it was made.

    Args:
        ratings: that the radio has learned.
        expected: mean and standard deviation of the song's predicted rating; None if unknown.
    """
    counted = f"{ratings} rating{'' if ratings == 1 else 's'}"
    if ratings < ENOUGH_RATINGS:
        counted += f": a guess; best after about {ENOUGH_RATINGS}"
    if expected is None:
        return counted
    mean, deviation = expected
    return f"predicted rating {min(1.0, max(-1.0, mean)):+.2f} ± {deviation:.1f}, from {counted}"


def write_song(song: Song, path: Path, journal: Journal) -> Path:
    """Write a song as WAV or FLAC, and a JSON beside it; return its path.

    The coordinate and the station are in the tags and in the JSON; a final song gets a picture of
    its descent as well.

    Args:
        song: to save.
        path: ends in .wav or .flac.
        journal: of the listener, whose rating goes into the JSON.

    Raises:
        OSError: if it can't be written.
    """
    rating = journal.rating(song.key)
    return save_song(
        path,
        song,
        song.description,
        listener=journal.listener,
        rating=None if rating is None else rating.rating,
        picture=song.picture.tobytes(),
    )
