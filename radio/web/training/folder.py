"""Where a training of the page lies, what was asked of it, and which server has it.

home/web/server.lock            held by the one server that receives files and trains
home/web/training/job.json      what was asked for, what the files are called, and whether it goes on when a server starts
                  music/  samples/  training.log
home/stations/NAME/             checkpoints, then the station
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from radio.home.atomic import write_json
from radio.home.folder import Home, check_name
from radio.station.station import STATION_FILE

BEATS = (16, 32, 64, 128)


class TrainingPlace:
    """See the module's contract.

    Args:
        home: where everything is kept.

    Attributes:
        asked: what job.json holds; empty if there is no training.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self.folder = home.path / "web" / "training"
        self.asked: dict[str, Any] = {}
        self._descriptor = _hold(home.writable("web"))

    @property
    def held(self) -> bool:
        """Whether this server has the place, so that it may change it."""
        return self._descriptor is not None

    def let_go(self) -> None:
        """Leave the place to the next server."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def read(self) -> None:
        """Read what was asked of the last server; if it can't be gone on with, what is left of it goes."""
        try:
            asked = json.loads((self.folder / "job.json").read_text("utf-8"))
            check_name(asked["station"], "station")
            good = (
                isinstance(asked["goes_on"], bool)
                and isinstance(asked["files"], list)
                and asked["beats"] in BEATS
            )
            # Of a station that was finished in the last moment there is nothing to go on with.
            if good and (self.folder / "music").is_dir() and not self._made(asked).exists():
                self.asked = dict(asked)
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.clean()

    def _made(self, asked: dict[str, Any]) -> Path:
        return self._home.path / "stations" / asked["station"] / STATION_FILE

    def write(self, **more: Any) -> None:
        """Keep what was asked, and more of it."""
        self.asked |= more
        write_json(self.folder / "job.json", self.asked)

    def samples(self) -> list[dict[str, Any]]:
        """Return entries of the samples of an earlier process, whose names and steps nobody knows any more."""
        numbers = sorted(
            int(path.stem)
            for path in (self.folder / "samples").glob("*.wav")
            if path.stem.isdigit()
        )
        return [{"number": number, "name": f"Sample {number + 1}", "step": 0} for number in numbers]

    def named(self, line: str) -> str:
        """Return a line in which files are called as they came."""
        for entry in self.asked.get("files", []):
            line = line.replace(
                str(self.folder / "music" / f"{entry['number']:03}.wav"), str(entry["name"])
            )
        return line.replace(str(self.folder / "music"), "the music")

    def discard_station(self) -> None:
        """Delete the checkpoints of a training; a station that is finished stays."""
        folder = self._home.path / "stations" / self.asked["station"]
        if not (folder / STATION_FILE).exists() and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> None:
        """Forget the training: its music, its samples, what was asked."""
        self.asked = {}
        if self.folder.is_symlink():
            self.folder.unlink()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def _hold(folder: Path) -> int | None:
    """Return a descriptor that holds a folder for this server until it is closed; None if another server holds it."""
    descriptor = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    if sys.platform == "win32":
        return descriptor
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:  # a file system without locks
        pass
    return descriptor
