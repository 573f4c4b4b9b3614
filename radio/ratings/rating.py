"""One rating, and how it is written as a row of the table `ratings`."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MAX_WEIGHT = 100.0
SEED = "seed: "  # with which `made_by` of a seed begins, where others have a fingerprint
MUSIC = SEED + "music"  # that the listener named
OTHER_STATION = SEED + "station "  # and its name
# seconds since 1970: in the year 2999, beyond which Windows has no calendar
LATEST_TIME = 32_500_000_000.0


@dataclass(eq=False)
class Rating:
    """A rating of one play of a song.

    Attributes:
        listener: their name.
        station: its name.
        made_by: fingerprint of the station as it was then.
        song: its name.
        coordinate: P (D,).
        rating: from -1 to 1.
        weight: how much the taste trusts it; a skipped song without a rating counts less.
        curve: (k, 2) seconds into the song and slider; (0, 2) if there is none.
        skipped: whether the rating is that of an untouched song that was skipped.
        time: seconds since 1970.
        key: identifies this play of the song.
        expected: the rating that was predicted when the song was chosen; None if the taste had
            learned nothing by then.
    """

    listener: str
    station: str
    made_by: str
    song: str
    coordinate: np.ndarray
    rating: float
    weight: float = 1.0
    curve: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    skipped: bool = False
    time: float = field(default_factory=time.time)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    expected: float | None = None

    @property
    def seed(self) -> str:
        """Where a seed comes from, 'music' or 'station NAME'; empty for a rating of a play."""
        return self.made_by.removeprefix(SEED) if self.made_by.startswith(SEED) else ""


def row_of_rating(rating: Rating) -> tuple[Any, ...]:
    """Return the values of a rating in the order of the table's columns."""
    return (
        rating.key,
        rating.listener,
        rating.station,
        rating.made_by,
        rating.song,
        json.dumps(np.asarray(rating.coordinate, float).tolist()),
        float(rating.rating),
        float(rating.weight),
        json.dumps(np.asarray(rating.curve, float).tolist()),
        int(rating.skipped),
        rating.time,
        None if rating.expected is None else float(rating.expected),
    )


def rating_of_row(row: Sequence[Any]) -> Rating | None:
    """Return the rating in a row of the table; None if its values are invalid.

    Another program, or a damaged disk, may have left any values.
    """
    try:
        (
            key,
            listener,
            station,
            made_by,
            song,
            coordinate,
            rating,
            weight,
            curve,
            skipped,
            when,
        ) = row[:11]
        place = np.array(json.loads(coordinate), float)
        points = np.array(json.loads(curve), float).reshape(-1, 2)
        numbers = float(rating), float(weight), float(when)
        # a table of the first version has no such column
        expected = float(row[11]) if len(row) > 11 and row[11] is not None else None
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    texts = all(isinstance(text, str) for text in (key, listener, station, made_by, song))
    finite = all(
        np.isfinite(values).all()
        for values in (place, points, numbers, 0.0 if expected is None else expected)
    )
    if not (texts and finite and place.ndim == 1 and place.size and skipped in (0, 1)):
        return None
    if not (abs(numbers[0]) <= 1 and 0 <= numbers[1] <= MAX_WEIGHT):
        return None
    return Rating(
        listener,
        station,
        made_by,
        song,
        place,
        numbers[0],
        weight=numbers[1],
        curve=points,
        # earlier versions also marked songs that were rated by hand and then ended early
        skipped=bool(skipped) and not len(points),
        # a clock that was wrong is no reason to lose a rating
        time=min(max(numbers[2], 0.0), LATEST_TIME),
        key=key,
        expected=expected,
    )
