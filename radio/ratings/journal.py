"""What one listener says of one station's songs: from a slider's curve to a row in the database, and back out of it again.

    said = Said(ratings, listener, station, made_by)
    said.note(song, curve)                  keeps what was said so far; None if that is nothing
    said.rate(song, curve, skipped=)        keeps the rating of a song that is over; None if nothing was said
    said.history()                          all of them, oldest first
    said.undo()  change(key, value)  delete(key)

It writes and reads; who learns from it (radio/composer/composer.py, radio/composer/worker.py) is
told the key of what changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from radio.ratings.database import Rating, Ratings
from radio.ratings.slider import checked_curve, rating_of

SKIP_RATING, SKIP_WEIGHT = -0.3, 0.5  # of an untouched song that was skipped: a weak dislike


@dataclass(frozen=True)
class Judged:
    """A song of which the radio expected one rating and got another.

    Attributes:
        song: its name.
        expected: what the radio expected; None before it had learned anything.
        given: what the listener said.
    """

    song: str
    expected: float | None
    given: float


class Named(Protocol):
    """What is kept of a song: `Song` has it, and what of a song crosses to another process."""

    latent: np.ndarray
    name: str
    key: str
    expected: tuple[float, float] | None


class Said:
    """See the module's contract.

    Args:
        ratings: the database.
        listener: who speaks.
        station: name of the station.
        made_by: the station's fingerprint; ratings of what it was before it was trained again are
            no part of the history.
    """

    def __init__(self, ratings: Ratings, listener: str, station: str, made_by: str) -> None:
        self.ratings = ratings
        self.listener, self.station, self.made_by = listener, station, made_by

    def history(self) -> list[Rating]:
        """Return the ratings of songs that the station still makes, oldest first."""
        return [
            one
            for one in self.ratings.of(self.listener, self.station)
            if one.made_by == self.made_by
        ]

    def values(self) -> dict[str, tuple[float, float]]:
        """Return the rating and the weight of each row of this station's songs by its key, whether or not the row can be used."""
        return self.ratings.values(self.listener, self.station, self.made_by)

    def before(self) -> list[Rating]:
        """Return the ratings of songs that the station made before it was trained again, oldest first."""
        return [
            one
            for one in self.ratings.of(self.listener, self.station)
            if one.made_by != self.made_by
        ]

    def heard_again(self) -> int:
        """Return how many of those ratings have their song's sound beside them, so that they are learned again."""
        kept = self.ratings.with_sound(self.listener, self.station)
        return sum(one.key in kept for one in self.before())

    def judged(self) -> tuple[Judged, ...]:
        """Return what was expected of each of those songs and given to it, the latest first."""
        return tuple(
            Judged(*one) for one in self.ratings.judged(self.listener, self.station, self.made_by)
        )

    def note(
        self, song: Named, curve: np.ndarray | float, *, delay: float, seconds: float
    ) -> Rating | None:
        """Keep what was said so far of a song that still plays; what is taken back is so at once."""
        points = checked_curve(curve)
        value = rating_of(points, delay=delay, seconds=seconds)
        return self._keep(song, value, 1.0, points, skipped=False)

    def rate(
        self,
        song: Named,
        curve: np.ndarray | float,
        *,
        delay: float,
        seconds: float,
        skipped: bool = False,
    ) -> Rating | None:
        """Keep the rating of a song; an untouched one that was skipped counts as a weak dislike.

        Args:
            song: that was played.
            curve: (k, 2) seconds into it and slider, or one number.
            delay: seconds by which the hand follows the ear.
            seconds: the song lasts.
            skipped: whether it was ended early.
        """
        points = checked_curve(curve)
        value, weight = rating_of(points, delay=delay, seconds=seconds), 1.0
        if value is None and skipped:
            value, weight = SKIP_RATING, SKIP_WEIGHT
        return self._keep(song, value, weight, points, skipped=skipped)

    def undo(self) -> Rating | None:
        """Take back the latest rating and return it; None if there is none."""
        return self.ratings.undo(self.listener, self.station, self.made_by)

    def change(self, key: str, value: float) -> Rating | None:
        """Rate a play of a song anew, by one number; None if that play has no rating."""
        before = self.ratings.get(key)
        if before is None:
            return None
        points = checked_curve(value)
        rating = replace(
            before, rating=float(points[-1, 1]), weight=1.0, curve=points, skipped=False
        )
        self.ratings.keep(rating)
        return rating

    def add(self, before: Rating, points: np.ndarray, *, delay: float) -> Rating:
        """Draw the curve of a rating on, (k, 2) seconds and slider; points that it has already are not drawn twice."""
        known = {tuple(point) for point in before.curve}
        new = np.array(
            [point for point in checked_curve(points) if tuple(point) not in known]
        ).reshape(-1, 2)
        curve = np.concatenate([before.curve, new]) if before.weight == 1.0 else new
        curve = curve[np.argsort(curve[:, 0], kind="stable")]
        value = rating_of(curve, delay=delay)
        if value is None:
            return before
        rating = replace(before, rating=value, weight=1.0, curve=curve, skipped=False)
        self.ratings.keep(rating)
        return rating

    def mark(self) -> tuple[int, int]:
        """Return what changes whenever somebody says something of this station's songs for this listener, or takes it back."""
        return self.ratings.mark(self.listener, self.station)

    def delete(self, key: str) -> None:
        """Take back the rating of one play, if there is one."""
        self.ratings.remove(key)

    def _keep(
        self, song: Named, value: float | None, weight: float, curve: np.ndarray, *, skipped: bool
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
        self.ratings.keep(rating)
        return rating
