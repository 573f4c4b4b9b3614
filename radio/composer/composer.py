"""Composer: makes songs, learns from ratings and descends to a final song; a session holds one.

Two classes implement it: `LocalComposer` in the caller's process, `ComposerProcess` in a worker.
Both learn a rating in the same way: it is committed to the database first, then `changed(key)`
lets the composer read the row. So a message that is lost loses no rating.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from radio.composer.events import Event
from radio.composer.messages import Busy
from radio.composer.song import Song
from radio.composer.wish import Wish
from radio.ratings import Journal
from radio.taste import Insight


class Composer(Protocol):
    """Whoever makes the songs of a session. No method waits for a song to be made.

    Attributes:
        journal: the ratings of the listener whose taste it learns.
        busy: what takes long while it opens; None once it is open.
    """

    journal: Journal
    busy: Busy | None

    @property
    def ready(self) -> bool:
        """Whether `next_song` returns without waiting."""

    @property
    def pending(self) -> int:
        """How many changed ratings it has not learned yet."""

    def hurry(self) -> None:
        """Finish the next song from few candidates: the listener is waiting."""

    def next_song(self, key: str | None = None) -> Song:
        """Return the song to be played next: the ready one of this key, else the best."""

    def upcoming(self) -> list[Song]:
        """Return the songs that are ready, the one that is to be played next first."""

    def played(self, key: str, coordinate: np.ndarray) -> None:
        """Take note of the play that has begun, of the song at P (D,)."""

    def changed(self, key: str) -> None:
        """Learn the rating of one play anew: its row was written, changed or deleted."""

    def replay(self, key: str, coordinate: np.ndarray) -> None:
        """Make the song at P (D,) again, as the same play of it; it arrives as an event."""

    def wish(self, wish: Wish) -> None:
        """Drop the songs made ahead, and choose the next WISHED_SONGS by a wish."""

    def start_final(self) -> None:
        """Begin the descent to the final song; its steps and the song arrive as events."""

    def stop_final(self) -> None:
        """Give the final song up."""

    def start_mend(
        self,
        key: str,
        coordinate: np.ndarray,
        start: float | None = None,
        stop: float | None = None,
    ) -> None:
        """Begin to mend the song at P (D,); it arrives as an event.

        Args:
            key: of the play.
            coordinate: P.
            start: of the stretch in seconds; with `stop`, None for the worst stretch.
            stop: of the stretch.
        """

    def stop_mend(self) -> None:
        """Give the mended song up."""

    def reset_adapter(self) -> None:
        """Go back to the generator without an adapter."""

    def insight(self, key: str) -> Insight | None:
        """Return what is known of the moments of the song that plays; None if nothing yet."""

    def events(self) -> list[Event]:
        """Return what has happened since the last call, oldest first."""

    def close(self) -> None:
        """End; every rating is in the database already."""
