"""The latest songs of a session, to go back to and forward again."""

from __future__ import annotations

from radio.composer import Song

MAX_REMEMBERED_SONGS = 10  # 3 MB each


class PlayHistory:
    """Songs in the order in which they were played, and which of them plays."""

    def __init__(self) -> None:
        self._songs: list[Song] = []
        self._place = -1

    @property
    def at_end(self) -> bool:
        """Whether the song that plays is the latest."""
        return self._place >= len(self._songs) - 1

    @property
    def at_start(self) -> bool:
        """Whether there is none before it."""
        return self._place <= 0

    def add(self, song: Song) -> None:
        """Append a song that was not played before."""
        self._songs = [*self._songs[-(MAX_REMEMBERED_SONGS - 1) :], song]
        self._place = len(self._songs) - 1

    def replace(self, song: Song) -> None:
        """Put a song in the place of the one that plays."""
        self._songs[self._place] = song

    def back(self) -> Song:
        """Go to the song before, and return it."""
        self._place -= 1
        return self._songs[self._place]

    @property
    def following(self) -> Song | None:
        """The song after, or None."""
        return None if self.at_end else self._songs[self._place + 1]

    def forward(self) -> Song:
        """Go to the song after, and return it."""
        self._place += 1
        return self._songs[self._place]
