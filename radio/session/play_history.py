"""The latest songs of a session, to go back to and forward again."""

from __future__ import annotations

from typing import Any

REMEMBERED = 10  # songs: 3 MB each


class SongsPlayed:
    """Songs in the order in which they were played, and which of them is on."""

    def __init__(self) -> None:
        self._songs: list[Any] = []
        self._place = -1

    @property
    def at_end(self) -> bool:
        """Whether the one that is on is the latest."""
        return self._place >= len(self._songs) - 1

    @property
    def at_start(self) -> bool:
        """Whether there is none before."""
        return self._place <= 0

    def add(self, song: Any) -> None:
        """A song is on that was not before; it comes after all others."""
        self._songs = [*self._songs[-(REMEMBERED - 1) :], song]
        self._place = len(self._songs) - 1

    def back(self) -> Any:
        """Return the song before."""
        self._place -= 1
        return self._songs[self._place]

    def forward(self) -> Any:
        """Return the song after."""
        self._place += 1
        return self._songs[self._place]
