"""Resumes the last session: listener, station, volume, song and position.

Everything else is in the database.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from radio.composer import Song
from radio.home import write_json
from radio.ratings import Journal

NEARLY_OVER_SECONDS = 3.0  # a song with less than this left is not resumed; chosen, not measured


@dataclass
class LastSession:
    """What a session leaves for the next one.

    Attributes:
        listener: their name.
        station: its name.
        volume: 0 to 1.
        song: key, coordinate and made_by of the last song, and position, seconds into it; None if
            no song is to be resumed.
    """

    listener: str = "me"
    station: str = "starter"
    volume: float = 0.8
    song: dict[str, Any] | None = None


def read_last(path: Path) -> LastSession:
    """Read what the last session left; an invalid file is as good as none."""
    try:
        content = json.loads(path.read_text("utf-8"))
        found = LastSession(
            str(content["listener"]), str(content["station"]), float(content["volume"])
        )
        if not 0 <= found.volume <= 1:
            return LastSession()
        song = content["song"]
        if song is not None:
            found.song = {
                "key": str(song["key"]),
                "coordinate": [float(value) for value in song["coordinate"]],
                "made_by": str(song["made_by"]),
                "position": max(0.0, float(song["position"])),
            }
        return found
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return LastSession()


class Resume:
    """Gives a session what the last one left, and writes what this one leaves.

    Args:
        path: of the file between sessions.
        last: what the last session left.
        fresh: whether the session begins with a new song.
    """

    def __init__(self, path: Path, last: LastSession, *, fresh: bool = False) -> None:
        self._path = path
        self._last = last
        self._fresh = fresh
        self.volume = last.volume

    def song(self, journal: Journal) -> dict[str, Any] | None:
        """Return the last song if the station still makes it; None if there is none to resume."""
        last = self._last
        same = (last.listener, last.station) == (journal.listener, journal.station)
        if self._fresh or not same or last.song is None:
            return None
        return last.song if last.song["made_by"] == journal.made_by else None

    def leave(self, journal: Journal, volume: float, song: Song | None, position: float) -> None:
        """Write where the session is; a full disk is no reason to stop."""
        left = LastSession(journal.listener, journal.station, volume)
        nearly_over = song is not None and 0 < song.seconds - NEARLY_OVER_SECONDS < position
        if song is not None and not nearly_over:
            left.song = {
                "key": song.key,
                "coordinate": [float(value) for value in song.latent],
                "made_by": journal.made_by,
                "position": position,
            }
        try:
            write_json(self._path, asdict(left))
        except (OSError, ValueError):
            return
