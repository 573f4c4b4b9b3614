"""Training from the page: one at a time, in a separate process, resumed after a restart.

job = TrainJob(home)                  resumes a training that was running when the last server ended
job.uploads                           music for the next training
job.begin(station, minutes=10)        job.stop()  job.resume()  job.clear()
job.state                             what pages show, ready for JSON
job.subscribe(take) -> end            take(state) at every change, on a thread of the job's

home/web/training/job.json            the request, and whether to resume it
                  music/  samples/    see radio/web/training/process.py
home/web/uploads/                     see radio/web/training/uploads.py
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import IO, Any, cast

from radio.home import Home, check_name
from radio.web.background import start_process
from radio.web.subscribers import Subscribers
from radio.web.training.folder import BEATS, TrainingFolder
from radio.web.training.state import TrainingState
from radio.web.training.uploads import Limits, Uploads

MIN_MINUTES, MAX_MINUTES = 0.1, 24 * 60.0
STOP_SECONDS = 30.0  # for the current step and the checkpoint


class TrainError(ValueError):
    """The training can't do what was requested; the message is one line."""


class TrainJob:
    """The training of a server.

    Args:
        home: folder of all data.
        limits: of uploads.
    """

    def __init__(self, home: Home, limits: Limits | None = None) -> None:
        self.home = home
        self._place = place = TrainingFolder(home)
        self.uploads = Uploads(
            home.path / "web" / ("uploads" if place.held else "no-uploads"),
            limits if place.held else Limits(files=0),
        )
        self._subscribers = Subscribers()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._progress = TrainingState()
        self._phase = "idle"
        if place.held:
            place.read()
        else:
            self._progress.trouble = "another server uses this home; train on its page"
        if self._place.asked:
            self._phase = "stopped"
            self._progress.samples = self._place.samples()
            if self._place.asked["goes_on"]:
                self._start()

    @property
    def held(self) -> bool:
        """Whether this server is the one of its home that may receive files."""
        return self._place.held

    @property
    def state(self) -> dict[str, Any]:
        """What pages show."""
        with self._lock:
            progress, limits = self._progress, self.uploads.limits
            files = self._place.asked.get("files", []) if self._phase != "idle" else []
            return {
                "phase": "receiving"
                if self._phase == "idle" and self.uploads.files
                else self._phase,
                "files": [*files, *self.uploads.files],
                "limits": {"files": limits.files, "size": limits.size, "total": limits.total},
                "station": self._place.asked.get("station", ""),
                "progress": dict(progress.progress),
                "losses": list(progress.losses),
                "samples": list(progress.samples),
                "lines": list(progress.lines),
                "skipped": list(progress.skipped),
                "trouble": progress.trouble,
            }

    def subscribe(self, take: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `take` at every change; return a function that ends this."""
        return self._subscribers.add(take)

    def changed(self) -> None:
        """Publish the current state."""
        self._subscribers.tell(self.state)

    def begin(
        self,
        station: str,
        *,
        minutes: float = 10.0,
        steps: int | None = None,
        beats: int = 64,
        seed: int = 0,
    ) -> None:
        """Train a new station on the uploaded music, for a number of minutes or steps.

        Raises:
            TrainError: if it can't begin.
            HomeError: if the name is invalid.
        """
        station = check_name(station, "station")
        if not MIN_MINUTES <= minutes <= MAX_MINUTES:
            raise TrainError(
                f"a training must take {MIN_MINUTES:g} to {MAX_MINUTES:g} minutes, not {minutes:g}"
            )
        if beats not in BEATS:
            raise TrainError(f"a song must have {', '.join(map(str, BEATS))} beats, not {beats}")
        with self._lock:
            self._check_held()
            if self._phase not in ("idle", "done"):
                raise TrainError(
                    f"there is already a training of {self._place.asked.get('station')};"
                    " finish or discard it first"
                )
            if station in self.home.stations() or (self.home.path / "stations" / station).exists():
                raise TrainError(f"there is already a station {station}; choose another name")
            if not self.uploads.sound:
                raise TrainError("there is no music to train on yet; drop some files on the page")
            self._clean()
            self._place.folder.mkdir(parents=True)
            self._place.asked = {
                "station": station,
                "minutes": None if steps else minutes,
                "steps": steps,
                "beats": beats,
                "seed": seed,
            }
            # In this order: the next server deletes music without a request.
            self._place.write(goes_on=True, files=self.uploads.move(self._place.folder / "music"))
            self._start()
        self.changed()

    def stop(self) -> None:
        """Stop the training after its current step, with a checkpoint; raise TrainError if idle."""
        with self._lock:
            if self._phase != "training":
                raise TrainError("no training is running")
            self._place.write(goes_on=False)
            self._close_input()
        self.changed()

    def resume(self) -> None:
        """Resume a training that was stopped or failed; raise TrainError if there is none."""
        with self._lock:
            if self._phase not in ("stopped", "failed") or not self._place.asked:
                raise TrainError("there is no training to resume")
            self._place.write(goes_on=True)
            self._start()
        self.changed()

    def clear(self) -> None:
        """Delete a training, its music and all uploads; raise TrainError while it runs."""
        with self._lock:
            self._check_held()
            if self._phase == "training":
                raise TrainError("the training is running; stop it first")
            if self._place.asked and self._phase != "done":
                self._place.discard_station()
            self._clean()
            self.uploads.clear()
        self.changed()

    def sample(self, number: int) -> bytes | None:
        """Return the WAV of a sample, or None."""
        with self._lock:
            known = any(sample["number"] == number for sample in self._progress.samples)
        try:
            return (
                (self._place.folder / "samples" / f"{number:03}.wav").read_bytes()
                if known
                else None
            )
        except OSError:
            return None

    def close(self) -> None:
        """End the process with the server; the next server resumes."""
        with self._lock:
            self._close_input()
        self._wait()
        self._place.let_go()

    def _check_held(self) -> None:
        if not self._place.held:
            raise TrainError(self._progress.trouble)

    def _start(self) -> None:
        self._wait()
        self._progress = TrainingState()
        self._progress.samples = self._place.samples()
        self._process = start_process(
            "radio.web.training.process",
            str(self._place.folder),
            str(self.home.path),
            log=self._place.folder / "training.log",
            mode="ab",
        )
        self._phase = "training"
        self._thread = threading.Thread(
            target=self._follow, args=(self._process,), name="training", daemon=True
        )
        self._thread.start()

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """Handle the events of a process until it ends; runs on a thread."""
        for line in cast(IO[bytes], process.stdout):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            for key in ("note", "skip", "trouble"):
                if key in event:
                    event[key] = self._place.named(str(event[key]))
            with self._lock:
                self._progress.take(event)
            self.changed()
        code = process.wait()
        with self._lock:
            cast(IO[bytes], process.stdout).close()
            self._close_input()
            self._ended(code)
        self.changed()

    def _ended(self, code: int) -> None:
        if code == 0 and self._progress.trained:
            self._phase = "done"
            with contextlib.suppress(OSError):
                (self._place.folder / "job.json").unlink(missing_ok=True)
                shutil.rmtree(self._place.folder / "music", ignore_errors=True)
        elif code == 130:
            self._phase = "stopped"
        else:
            self._phase = "failed"
            if not self._progress.trouble:
                log = self._place.folder / "training.log"
                self._progress.trouble = f"the training failed ({code}); {log} has details"
            with contextlib.suppress(OSError):  # it would fail again at every start of the server
                self._place.write(goes_on=False)

    def _close_input(self) -> None:
        """Tell the process to stop, by closing its input."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _wait(self) -> None:
        """Wait for the end of the process and of the thread that follows it."""
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(STOP_SECONDS)

    def _clean(self) -> None:
        self._progress, self._phase = TrainingState(), "idle"
        self._place.clean()
