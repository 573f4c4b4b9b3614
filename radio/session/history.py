"""The ratings that were given: read them, take them back, change them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from radio.ratings import Journal, Judged, Rating, RatingsError
from radio.session.rating_writer import RatingWriter


class RatingHistory:
    """See the module's sentence.

    Args:
        journal: of the listener.
        changed: called with the key of a play whose rating changed; the composer learns it.
        writer: of the song that plays.
        say: takes a line for the listener.

    Attributes:
        judged: predicted and given ratings, the latest first.
        known: whether the radio knows anything of what the listener likes.
    """

    def __init__(
        self,
        journal: Journal,
        changed: Callable[[str], None],
        writer: RatingWriter,
        say: Callable[[str], None],
    ) -> None:
        self.judged: tuple[Judged, ...] = ()
        self.known = False
        self._journal = journal
        self._changed = changed
        self._writer = writer
        self._say = say
        self.read()
        if not self.judged and self.known:
            for count, which in zip(
                journal.relearned(),
                ("that you rated before this station was trained again", "that you named"),
                strict=True,
            ):
                songs = "The song" if count == 1 else f"The {count} songs"
                if count:
                    say(f"{songs} {which} taught the radio what you like.")

    def read(self) -> None:
        """Read the predicted and given ratings again."""
        try:
            self.judged = self._journal.judged()
            self.known = bool(self.judged) or any(self._journal.relearned())
        except RatingsError:
            return

    def ratings(self) -> list[Rating]:
        """Return the ratings, the latest first; none if the database can't be read."""
        try:
            return self._journal.history()[::-1]
        except RatingsError as error:
            self._say(f"No history: {error}")
            return []

    def undo(self, position: float | None) -> None:
        """Delete the rating of the song that plays, or else the latest one.

        Args:
            position: seconds into the song; None if none plays.
        """
        if position is not None and self._writer.slider.value is not None:
            self._writer.release()
            self._writer.note(position)
            self._say("The rating of this song is taken back.")
            return
        self._writer.flush(at_once=True)
        try:
            if self._writer.unwritten and self._writer.trouble:
                raise self._writer.trouble
            rating = self._journal.undo()
        except RatingsError as error:
            self._say(f"Nothing is taken back: {error}")
            return
        if rating is None:
            self._say("There is no rating to take back.")
            return
        self._changed(rating.key)
        self._say(f"The rating of {rating.song} ({rating.rating:+.1f}) is taken back.")
        self.read()

    def change(self, key: str, value: float | None) -> None:
        """Change the rating of one play, or delete it with None."""
        try:
            if value is None:
                self._journal.delete(key)
            else:
                self._journal.change(key, value)
        except RatingsError as error:
            self._say(f"Not changed: {error}")
            return
        self._changed(key)
        if value is None:
            self._writer.forget(key)
        self.read()

    def restore(self, rating: Rating) -> None:
        """Write a rating again that was deleted."""
        try:
            self._journal.ratings.write(rating)
        except RatingsError as error:
            self._say(f"Not restored: {error}")
            return
        self._changed(rating.key)
        self.read()

    def extend(self, key: str, points: np.ndarray) -> bool:
        """Add points (k, 2) to the curve of a play that is over; False if it has no rating."""
        found = self._journal.extend(key, points)
        if found:
            self._changed(key)
        return found
