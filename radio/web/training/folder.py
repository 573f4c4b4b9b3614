"""The folder of a training: its request, its files, and the lock of the server that owns it.

home/web/server.lock            held by the one server that receives files and trains
home/web/training/job.json      the request, names of files, whether to resume with the server
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

from radio.home import Home, check_name, write_json
from radio.station import STATION_FILE

BEATS = (16, 32, 64, 128)


class TrainingFolder:
    """The folder, which one server at a time may change.

    Args:
        home: folder of all data.

    Attributes:
        asked: content of job.json; empty if there is no training.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self.folder = home.path / "web" / "training"
        self.asked: dict[str, Any] = {}
        self._descriptor = _hold(home.writable("web"))

    @property
    def held(self) -> bool:
        """Whether this server has the lock, and may change the folder."""
        return self._descriptor is not None

    def let_go(self) -> None:
        """Release the lock for the next server."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def read(self) -> None:
        """Read the request that the last server left; delete the rest of one that can't resume."""
        try:
            asked = json.loads((self.folder / "job.json").read_text("utf-8"))
            check_name(asked["station"], "station")
            good = (
                isinstance(asked["goes_on"], bool)
                and isinstance(asked["files"], list)
                and asked["beats"] in BEATS
            )
            # There is nothing to resume if the station was finished at the last moment.
            if good and (self.folder / "music").is_dir() and not self._made(asked).exists():
                self.asked = dict(asked)
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.clean()

    def _made(self, asked: dict[str, Any]) -> Path:
        return self._home.path / "stations" / asked["station"] / STATION_FILE

    def write(self, **more: Any) -> None:
        """Update the request and write it."""
        self.asked |= more
        write_json(self.folder / "job.json", self.asked)

    def samples(self) -> list[dict[str, Any]]:
        """Return entries for the samples of an earlier process, without their names and steps."""
        numbers = sorted(
            int(path.stem)
            for path in (self.folder / "samples").glob("*.wav")
            if path.stem.isdigit()
        )
        return [{"number": number, "name": f"Sample {number + 1}", "step": 0} for number in numbers]

    def named(self, line: str) -> str:
        """Replace paths in a line with the names of the uploaded files."""
        for entry in self.asked.get("files", []):
            line = line.replace(
                str(self.folder / "music" / f"{entry['number']:03}.wav"), str(entry["name"])
            )
        return line.replace(str(self.folder / "music"), "the music")

    def discard_station(self) -> None:
        """Delete the checkpoints of a training; a finished station stays."""
        folder = self._home.path / "stations" / self.asked["station"]
        if not (folder / STATION_FILE).exists() and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> None:
        """Delete the training's music, samples and request."""
        self.asked = {}
        if self.folder.is_symlink():
            self.folder.unlink()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def _hold(folder: Path) -> int | None:
    """Lock a folder; return a descriptor that releases it when closed, or None if it is locked."""
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
