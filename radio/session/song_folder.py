"""The folder of saved songs in the home, made when the first is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from radio.composer import Song, write_song
from radio.home import Home
from radio.ratings import Journal
from radio.station import file_name


class SongFolder:
    """See the module's sentence.

    Args:
        home: that has the folder; the default home if None.
        journal: of the listener who saves songs.
        kind: of the files, see `write_song`.
        say: takes a line for the listener.

    Attributes:
        path: of the folder; it may not exist.
        saved: keys of the songs that were written.
    """

    def __init__(
        self, home: Home | None, journal: Journal, kind: str, say: Callable[[str], None]
    ) -> None:
        self._home = home or Home()
        self._journal = journal
        self._kind = kind
        self._say = say
        self.saved: set[str] = set()
        self.path = self._home.path / "songs"

    def path_of(self, song: Song) -> Path:
        """Return where a song is saved, now or later."""
        return self.path / f"{file_name(song.name, song.latent)}.{self._kind}"

    def write(self, song: Song) -> Path:
        """Write a song and return its path."""
        self._home.songs()
        path = write_song(song, self.path_of(song), self._journal)
        self.saved.add(song.key)
        return path

    def save(self, song: Song | None) -> None:
        """Write a song, and say where, or why not."""
        if song is None:
            self._say("Nothing plays yet.")
            return
        try:
            self._say(f"Saved {self.write(song)}")
        except (OSError, ValueError) as error:
            self._say(f"Not saved: {error}")
