"""What a session leaves for the next one: listener, station, volume, the last song and where in it. The rest is in the database."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from radio.home.atomic import write_json


@dataclass
class Remembered:
    """See the module's sentence.

    Attributes:
        listener: who listened.
        station: to what.
        volume: 0 to 1.
        song: key, coordinate and made_by of the last song, and seconds heard of it; None if nothing
            is to be taken up.
    """

    listener: str = "me"
    station: str = "starter"
    volume: float = 0.8
    song: dict[str, Any] | None = None


def recall(path: Path) -> Remembered:
    """Read what the last session left; what can't be used is as if it had left nothing."""
    try:
        content = json.loads(path.read_text("utf-8"))
        found = Remembered(
            str(content["listener"]), str(content["station"]), float(content["volume"])
        )
        if not 0 <= found.volume <= 1:
            return Remembered()
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
        return Remembered()


def remember(path: Path, left: Remembered) -> None:
    """Write it; a disk that is full is no reason to stop."""
    try:
        write_json(path, asdict(left))
    except (OSError, ValueError):
        return
