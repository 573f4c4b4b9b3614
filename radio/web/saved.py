"""The saved songs of a home for pages, which name a song by its file and never send a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from radio.station import SavedSong, saved_songs

MOST_SAVED = 400  # rows; more would make the page slow


class SavedList:
    """The list of the songs in a folder, read again when the folder has changed.

    Args:
        folder: of the saved songs; it may not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark: int | None = -1

    def changed(self) -> list[SavedSong] | None:
        """Return the songs, the latest first; None if there is no change since the last call."""
        try:
            mark = self._folder.stat().st_mtime_ns
        except OSError:
            mark = None
        if mark == self._mark:
            return None
        self._mark = mark
        return saved_songs(self._folder)


def find_saved(folder: Path, name: str) -> SavedSong | None:
    """Return the song of a file name, if it is one of a folder's songs, and no link out of it."""
    songs = (one for one in saved_songs(folder) if not one.path.is_symlink())
    return next((one for one in songs if one.path.name == name), None)


def saved_part(songs: list[SavedSong], made_by: str) -> list[dict[str, Any]]:
    """Return songs as rows; `made_by` is the fingerprint of the station that plays."""
    return [
        {
            "file": one.path.name,
            "song": one.name,
            "time": round(one.time, 2),
            "station": one.station,
            "rating": one.rating,
            "final": one.final,
            "key": one.key,
            "here": one.made_by == made_by,
        }
        for one in songs[:MOST_SAVED]
    ]
