"""Songs made from a listener's own: one at a time, in a separate process that ends with the server.

    job = SongJob(home, held=True)
    job.uploads                                     one or two songs of the listener
    job.begin("continue", station, "--beats", "64")
    job.begin("morph", station, "--song", "0.5", "--events", "1")
    job.cancel()
    job.state                                       what pages show, ready for JSON
    job.subscribe(take) -> end                      take(state) at every change, on any thread

home/web/songs/     uploads (000.wav ...) and results (made-000.wav ...), while the server runs
home/web/songs.log  the errors of the last process
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from radio.home import Home
from radio.web.background import start_process
from radio.web.songs.process import CANCELLED
from radio.web.subscribers import Subscribers
from radio.web.training.uploads import Limits, UploadError, Uploads

LIMITS = Limits(files=2, size=64 << 20, total=128 << 20, seconds=360.0, values=1 << 27)
NEEDED = {"continue": 1, "morph": 2}  # files of each command
MOST_SECONDS = 600.0  # for a song; then the process is killed
END_SECONDS = 10.0  # in which a killed process is gone
KEPT = 6  # latest results
LONGEST_STEM = 40  # characters of a file's name in that of a result


class SongError(ValueError):
    """The request can't be carried out; the message is one line."""


class SongJob:
    """The songs of a server.

    Args:
        home: folder of all data.
        held: whether this server is the one that may receive files.
    """

    def __init__(self, home: Home, *, held: bool = True) -> None:
        self.home = home
        self.uploads = Uploads(
            home.path / "web" / ("songs" if held else "no-songs"),
            LIMITS if held else Limits(files=0),
        )
        self._subscribers = Subscribers()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._log = home.path / "web" / "songs.log"
        self._working = ""  # the command that runs
        self._ended_by: str | None = None  # why this server killed the process
        self._trouble = "" if held else "another server uses this home; use its page"
        self._made: list[dict[str, Any]] = []
        self._next = 0

    @property
    def state(self) -> dict[str, Any]:
        """What pages show."""
        with self._lock:
            return {
                "working": self._working,
                "files": self.uploads.files,
                "limits": {"files": self.uploads.limits.files, "seconds": LIMITS.seconds},
                "made": list(self._made),
                "trouble": self._trouble,
            }

    def subscribe(self, take: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `take` at every change; return a function that ends this."""
        return self._subscribers.add(take)

    def changed(self) -> None:
        """Publish the current state."""
        self._subscribers.tell(self.state)

    def remove(self, number: int) -> None:
        """Delete an uploaded file; raise UploadError if there is none, or it is in use."""
        with self._lock:
            if self._working:
                raise UploadError("a song is being made of it; wait, or cancel that first")
            self.uploads.remove(number)
        self.changed()

    def begin(self, command: str, station: str, *options: str) -> None:
        """Run 'continue' or 'morph' with the uploaded files.

        Raises:
            SongError: if it can't begin.
        """
        with self._lock:
            if self._working:
                raise SongError("a song is already being made; wait, or cancel it first")
            if station not in self.home.stations():
                raise SongError("there is no station of that name")
            files = self.uploads.sound
            if len(files) != NEEDED[command]:
                songs = "one song" if NEEDED[command] == 1 else "two songs"
                raise SongError(f"{command} needs {songs}, and there are {len(files)}")
            stems = [Path(file["name"]).stem[:LONGEST_STEM] for file in files]
            number, self._next = self._next, self._next + 1
            entry = {
                "number": number,
                "name": "-".join(stems) + ("-goes-on" if command == "continue" else ""),
                "station": station,
            }
            self._process = start_process(
                "radio.web.songs.process",
                command,
                *(str(self.uploads.folder / f"{file['number']:03}.wav") for file in files),
                *("--station", station, "--home", str(self.home.path), "--json"),
                *("--output", str(self._path(number)), *options),
                log=self._log,
                mode="wb",
            )
            self._working, self._ended_by, self._trouble = command, None, ""
            self._thread = threading.Thread(
                target=self._follow, args=(self._process, entry), name="song", daemon=True
            )
            self._thread.start()
        self.changed()

    def cancel(self) -> None:
        """End the process that makes a song, if there is one."""
        with self._lock:
            process, thread = self._process, self._thread
        if process is not None and thread is not None:
            self._end(process, "")
            thread.join(END_SECONDS)

    def song(self, number: int) -> bytes | None:
        """Return the WAV of a result, or None."""
        with self._lock:
            known = any(entry["number"] == number for entry in self._made)
        try:
            return self._path(number).read_bytes() if known else None
        except OSError:
            return None

    def close(self) -> None:
        """End the process, and delete uploads and results."""
        self.cancel()
        self.uploads.clear()

    def _path(self, number: int) -> Path:
        return self.uploads.folder / f"made-{number:03}.wav"

    def _end(self, process: subprocess.Popen[bytes], why: str) -> None:
        with self._lock:
            if process is self._process and self._working:
                self._ended_by = why
                process.kill()

    def _follow(self, process: subprocess.Popen[bytes], entry: dict[str, Any]) -> None:
        """Wait for the end of a process; runs on a thread."""
        late = f"it took longer than {MOST_SECONDS / 60:g} minutes, and was cancelled"
        timer = threading.Timer(MOST_SECONDS, self._end, (process, late))
        timer.daemon = True
        timer.start()
        with process:
            output = cast(IO[bytes], process.stdout).read()
        timer.cancel()
        with self._lock:
            self._working = ""
            if process.returncode == 0:
                facts = json.loads(output)[0]
                entry |= {"seconds": facts["seconds"], "new_from": facts.get("new_from")}
                self._made = [*self._made, entry]
                while len(self._made) > KEPT:
                    self._path(self._made.pop(0)["number"]).unlink(missing_ok=True)
            else:
                self._path(entry["number"]).unlink(missing_ok=True)
                self._trouble = self._why(process.returncode)
        self.changed()

    def _why(self, code: int) -> str:
        """Return why a process ended; nothing if it was cancelled."""
        if self._ended_by is not None or code == CANCELLED:
            return self._ended_by or ""
        lines = self._log.read_text("utf-8", errors="replace").split("\n")
        line = next((line for line in reversed(lines) if line.strip()), "")
        if code != 2 or not line:
            return f"it failed ({code}); {self._log} has details"
        for file in self.uploads.files:
            path = self.uploads.folder / f"{file['number']:03}.wav"
            line = line.replace(str(path), file["name"])
        return line.removeprefix("ai-radio: ")
