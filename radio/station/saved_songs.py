"""The songs that were saved: sound files in a folder, each with its .json beside it.

saved_songs(folder) -> list of SavedSong, the latest first
delete_saved(song)
write_playlist(songs, path)          an .m3u8 that every player reads
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from radio.home import replace_file
from radio.station.share_code import share_code
from radio.station.song_file import ENCODINGS, SongFileError, read_description


@dataclass(frozen=True, eq=False)
class SavedSong:
    """A saved song.

    Attributes:
        path: of the sound.
        name: of the song.
        time: when it was saved, seconds since 1970.
        station: that made it; empty if it has no description.
        made_by: fingerprint of that station.
        coordinate: P (D,); (0,) if it has no description.
        key: of the play that was saved; empty if unknown.
        rating: of the listener who saved it, or None.
        final: whether it is a final song.
    """

    path: Path
    name: str
    time: float
    station: str = ""
    made_by: str = ""
    coordinate: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    key: str = ""
    rating: float | None = None
    final: bool = False

    @property
    def code(self) -> str:
        """The song's share code; empty if it has none."""
        return share_code(self.station, self.made_by, self.coordinate)


def saved_songs(folder: Path) -> list[SavedSong]:
    """Return the songs of a folder, the latest first; none if there is no such folder.

    Raises:
        OSError: if it can't be read.
    """
    if not folder.is_dir():
        return []
    paths = [path for path in folder.iterdir() if path.suffix.lower().lstrip(".") in ENCODINGS]
    songs = [_read(path) for path in paths if not path.name.startswith(".")]
    return sorted(songs, key=lambda song: (-song.time, song.name))


def delete_saved(song: SavedSong) -> None:
    """Delete a saved song, its description and its pictures.

    Raises:
        OSError: if it can't be deleted.
    """
    song.path.unlink(missing_ok=True)
    for ending in (".json", ".png"):
        song.path.with_suffix(ending).unlink(missing_ok=True)


def write_playlist(songs: list[SavedSong], path: Path) -> Path:
    """Write a playlist of songs with their absolute paths and return its path.

    Raises:
        OSError: if it can't be written.
    """
    lines = ["#EXTM3U"]
    for song in songs:
        lines += [f"#EXTINF:-1,AI Radio - {song.name}", str(song.path.absolute())]
    text = "\n".join(lines) + "\n"
    return replace_file(path, lambda temporary: temporary.write_text(text, "utf-8"))


def _read(path: Path) -> SavedSong:
    """Return a saved song; one without a valid description has the name of its file."""
    moment = 0.0
    with contextlib.suppress(OSError):
        moment = path.stat().st_mtime
    try:
        facts = read_description(path.with_suffix(".json"))
    except (OSError, SongFileError):
        return SavedSong(path, path.stem, moment)
    return SavedSong(
        path,
        _text(facts, "song") or path.stem,
        moment,
        facts["station"],
        _text(facts, "station_fingerprint"),
        facts["coordinate"],
        _text(facts, "key"),
        _number(facts.get("rating")),
        bool(facts.get("descent")),
    )


def _text(facts: dict[str, Any], name: str) -> str:
    """Return a text of a description that may have any value; control characters are escaped."""
    value = facts.get(name)
    if not isinstance(value, str):
        return ""
    return value if value.isprintable() else json.dumps(value)


def _number(value: Any) -> float | None:
    fits = isinstance(value, (int, float)) and math.isfinite(value) and abs(value) <= 1
    return float(value) if fits else None
