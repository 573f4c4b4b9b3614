"""The ratings that one listener gave to one station: from a slider's curve to a row, and back.

    journal = Journal(ratings, listener, station, made_by)
    journal.note(song, curve)               writes the rating of a song that still plays
    journal.rate(song, curve, skipped=)     writes the rating of a song that is over
    journal.history()                       all of them, oldest first
    journal.undo()  change(key, value)  extend(key, points)  delete(key)

Nothing else writes ratings. Each call is one commit; the composer gets the key afterwards, and
reads the row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from radio.ratings.database import Ratings
from radio.ratings.rating import Rating
from radio.ratings.slider import checked_curve, rating_of

# of an untouched song that was skipped: a mild dislike; chosen, not measured
SKIP_RATING, SKIP_WEIGHT = -0.3, 0.5


@dataclass(frozen=True)
class Judged:
    """A predicted rating beside the listener's.

    Attributes:
        song: its name.
        expected: the predicted rating; None if the taste had learned nothing by then.
        given: the listener's rating.
        skipped: whether the rating is that of an untouched song that was skipped.
    """

    song: str
    expected: float | None
    given: float
    skipped: bool = False


class RatedSong(Protocol):
    """What a rating needs of a song."""

    latent: np.ndarray
    name: str
    key: str
    expected: tuple[float, float] | None

    @property
    def seconds(self) -> float:
        """How long it lasts."""


class Journal:
    """See the module's contract.

    Args:
        ratings: the database.
        listener: whose ratings.
        station: name of the station.
        made_by: the station's fingerprint; ratings of what the station was before it was retrained
            are not part of the history.

    Attributes:
        delay: seconds by which the listener's hand follows the ear, as far as the composer knows.
    """

    def __init__(self, ratings: Ratings, listener: str, station: str, made_by: str) -> None:
        self.ratings = ratings
        self.listener, self.station, self.made_by = listener, station, made_by
        self.delay = 0.0

    def history(self) -> list[Rating]:
        """Return the ratings of songs that the station still makes, oldest first."""
        rows = self.ratings.of(self.listener, self.station)
        return [one for one in rows if one.made_by == self.made_by]

    def earlier(self) -> list[Rating]:
        """Return the seeds, and ratings from before the station was retrained, oldest first."""
        rows = self.ratings.of(self.listener, self.station)
        return [one for one in rows if one.made_by != self.made_by]

    def relearned(self) -> tuple[int, int]:
        """Return how many ratings from before a retraining can be learned, and how many seeds."""
        stored = self.ratings.with_sound(self.listener, self.station)
        seeds = [bool(one.seed) for one in self.earlier() if one.key in stored]
        return len(seeds) - sum(seeds), sum(seeds)

    def values(self) -> dict[str, tuple[float, float]]:
        """Return rating and weight of each row of the history by its key, valid or not."""
        return self.ratings.values(self.listener, self.station, self.made_by)

    def judged(self) -> tuple[Judged, ...]:
        """Return predicted and given ratings of the history, the latest first."""
        rows = self.ratings.judged(self.listener, self.station, self.made_by)
        return tuple(Judged(*row[:3], bool(row[3])) for row in rows)

    def mark(self) -> tuple[int, int]:
        """Return numbers that change whenever anybody changes this listener's ratings."""
        return self.ratings.mark(self.listener, self.station)

    def rating(self, key: str) -> Rating | None:
        """Return this listener's rating of one play of a song; None if there is none."""
        found = self.ratings.get(key)
        own = found is not None and (found.listener, found.station) == (self.listener, self.station)
        return found if own else None

    def note(self, song: RatedSong, curve: np.ndarray | float) -> Rating | None:
        """Write the rating of a song that still plays; an empty curve deletes it."""
        points = checked_curve(curve)
        value = rating_of(points, delay=self.delay, seconds=song.seconds)
        return self._write(song, value, 1.0, points, skipped=False)

    def rate(
        self, song: RatedSong, curve: np.ndarray | float, *, skipped: bool = False
    ) -> Rating | None:
        """Write the rating of a song that is over; None if it got none.

        Args:
            song: that was played.
            curve: (k, 2) seconds into it and slider, or one number; empty if untouched.
            skipped: whether it was ended early: untouched, it then counts as a mild dislike.
        """
        points = checked_curve(curve)
        value, weight = rating_of(points, delay=self.delay, seconds=song.seconds), 1.0
        skipped = skipped and value is None
        if skipped:
            value, weight = SKIP_RATING, SKIP_WEIGHT
        return self._write(song, value, weight, points, skipped=skipped)

    def undo(self) -> Rating | None:
        """Delete the latest rating and return it; None if there is none."""
        return self.ratings.undo(self.listener, self.station, self.made_by)

    def change(self, key: str, value: float) -> None:
        """Rate a play of a song anew by one number from -1 to 1, if that play has a rating."""
        before = self.ratings.get(key)
        if before is None:
            return
        points = checked_curve(value)
        rating = float(points[-1, 1])
        self.ratings.write(replace(before, rating=rating, weight=1.0, curve=points, skipped=False))

    def extend(self, key: str, points: np.ndarray) -> bool:
        """Add points (k, 2), seconds and slider, to a rated play; return False if it has no rating.

        Points that the curve has already are not added twice.
        """
        before = self.rating(key)
        if before is None:
            return False
        known = {tuple(point) for point in before.curve}
        new = np.array(
            [point for point in checked_curve(points) if tuple(point) not in known]
        ).reshape(-1, 2)
        curve = np.concatenate([before.curve, new]) if before.weight == 1.0 else new
        curve = curve[np.argsort(curve[:, 0], kind="stable")]
        value = rating_of(curve, delay=self.delay)
        if value is not None:
            self.ratings.write(
                replace(before, rating=value, weight=1.0, curve=curve, skipped=False)
            )
        return True

    def delete(self, key: str) -> None:
        """Delete the rating of one play, if there is one."""
        self.ratings.remove(key)

    def close(self) -> None:
        """Close the database."""
        self.ratings.close()

    def _write(
        self,
        song: RatedSong,
        value: float | None,
        weight: float,
        curve: np.ndarray,
        *,
        skipped: bool,
    ) -> Rating | None:
        if value is None:
            self.ratings.remove(song.key)
            return None
        rating = Rating(
            self.listener,
            self.station,
            self.made_by,
            song.name,
            song.latent,
            value,
            weight=weight,
            curve=curve,
            skipped=skipped,
            key=song.key,
            expected=None if song.expected is None else song.expected[0],
        )
        self.ratings.write(rating)
        return rating
