"""Ratings on their way to the database: what can't be written now is kept here and tried again, and nothing is told twice.

keeper.note(song, curve, position)      while a song plays, now and then
keeper.rate(song, curve, skipped=)      when it is over
keeper.keep()                           called often: tries again what could not be written
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from radio.ratings.database import RatingsError

if TYPE_CHECKING:
    from radio.composer.composer import RadioSession
    from radio.composer.remote import RemoteSession

NOTE_SECONDS = 0.5  # how often, at most, a moving slider is written to the database
# of a song, after which a slider at rest is written again: the rating is a mean over time
NOTE_AGAIN_SECONDS = 5.0
RETRY_SECONDS = 10.0  # until a database that could not be written to is tried again


class Keeper:
    """See the module's contract.

    Args:
        session: writes and learns.
        say: takes a line for the listener.
    """

    def __init__(self, session: RadioSession | RemoteSession, say: Callable[[str], None]) -> None:
        self._session: Any = session
        self._say = say
        # ratings that are not in the database yet: song, curve, skipped
        self.unkept: list[tuple[Any, np.ndarray, bool]] = []
        # why the database could not be written to, told already
        self.trouble: RatingsError | None = None
        # when the slider was last written, where in the song, its value
        self._noted: tuple[float, float, float | None] = (0.0, 0.0, None)
        self._retry_at = 0.0

    @property
    def noted(self) -> bool:
        """Whether something of the song that plays is in the database."""
        return self._noted[2] is not None

    def begin(self, value: float | None = None) -> None:
        """Forget the slider of the song before; of this one the database says `value`."""
        self._noted = (time.monotonic(), 0.0, value)

    def note(
        self,
        song: Any,
        curve: np.ndarray,
        value: float | None,
        position: float,
        *,
        at_once: bool = False,
    ) -> bool:
        """Write the slider while the song plays, so that nothing is lost whatever happens to this process.

        Args:
            song: that plays.
            curve: (k, 2) seconds into it and slider.
            value: of the slider.
            position: seconds into the song.
            at_once: however little has changed, however short the time; False is returned if it
                could not be written.
        """
        when, where, before = self._noted
        now = time.monotonic()
        if now < self._retry_at:
            return False
        moved = value != before and (value is None or before is None or now - when > NOTE_SECONDS)
        heard_on = value is not None and abs(position - where) >= NOTE_AGAIN_SECONDS
        if not (moved or heard_on or at_once):
            return True
        written = self._written(self._session.note, song, curve)
        if written:
            self._noted = (now, position, value)
        return written

    def rate(self, song: Any, curve: np.ndarray, *, skipped: bool) -> None:
        """Keep and learn what the slider says of a song, now or, while the database can't be written to, later."""
        self.unkept = [one for one in self.unkept if one[0] is not song] + [(song, curve, skipped)]
        if len(curve):
            self._noted = (time.monotonic(), float(curve[-1, 0]), float(curve[-1, 1]))
        self.keep()

    def drop(self, song: Any) -> None:
        """Write nothing of a song that waits to be written."""
        self.unkept = [one for one in self.unkept if one[0] is not song]

    def keep(self, *, at_once: bool = False) -> None:
        """Keep the ratings that wait for it; after a failure only now and then, as every attempt takes a second."""
        while self.unkept and (at_once or time.monotonic() >= self._retry_at):
            song, curve, skipped = self.unkept[0]
            if not self._written(self._session.rate, song, curve, skipped=skipped):
                return
            self.unkept.pop(0)

    def _written(self, write: Callable[..., object], *arguments: Any, **named: Any) -> bool:
        """Write to the database and return whether it could be done; tell of the first failure, and when it is over."""
        try:
            write(*arguments, **named)
        except RatingsError as error:
            told, self.trouble, self._retry_at = (
                self.trouble,
                error,
                time.monotonic() + RETRY_SECONDS,
            )
            if told is None:
                self._say(f"Not kept yet, and tried again: {error}")
            return False
        if self.trouble is not None:
            self.trouble, self._retry_at = None, 0.0
            self._say("Ratings are kept again.")
        return True
