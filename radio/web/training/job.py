"""Train your own, as the page asks for it: one training at a time, in a process of its own, that goes on after whatever ends the server.

job = TrainJob(home)                  goes on with a training that was running when the last server ended
job.uploads                           music that has come for the next training
job.begin(station, minutes=10)        job.stop()  job.resume()  job.clear()
job.state                             what pages show, ready for JSON
job.subscribe(take) -> end            take(state) whenever it changes, on a thread of the job's

home/web/training/job.json            what was asked for, and whether it is to go on
                  music/  samples/    see radio/web/training/process.py
home/web/uploads/                     see radio/web/training/uploads.py
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, cast

from radio.composer.process import PACKAGES
from radio.home.folder import Home, check_name
from radio.web.training.folder import BEATS, TrainingPlace
from radio.web.training.state import TrainingState
from radio.web.training.uploads import Limits, Uploads

SHORTEST, LONGEST = 0.1, 24 * 60.0  # minutes
STOP_SECONDS = 30.0  # for the step that is being made, and the checkpoint


class TrainError(ValueError):
    """What was asked of the training can't be done; the message is one line."""


class TrainJob:
    """See the module's contract.

    Args:
        home: where the station will be.
        limits: of what may be uploaded.
    """

    def __init__(self, home: Home, limits: Limits | None = None) -> None:
        self.home = home
        self._place = place = TrainingPlace(home)
        self.uploads = Uploads(
            home.path / "web" / ("uploads" if place.held else "no-uploads"),
            limits if place.held else Limits(files=0),
        )
        self._takers: list[Callable[[dict[str, Any]], None]] = []
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._told = TrainingState()
        self._phase = "idle"
        if place.held:
            place.read()
        else:
            self._told.trouble = "another server has this home; train on its page"
        if self._place.asked:
            self._phase = "stopped"
            self._told.samples = self._place.samples()
            if self._place.asked["goes_on"]:
                self._start()

    @property
    def state(self) -> dict[str, Any]:
        """What pages show."""
        with self._lock:
            told, limits = self._told, self.uploads.limits
            files = self._place.asked.get("files", []) if self._phase != "idle" else []
            return {
                "phase": "receiving"
                if self._phase == "idle" and self.uploads.files
                else self._phase,
                "files": [*files, *self.uploads.files],
                "limits": {"files": limits.files, "size": limits.size, "total": limits.total},
                "station": self._place.asked.get("station", ""),
                "progress": dict(told.progress),
                "losses": list(told.losses),
                "samples": list(told.samples),
                "lines": list(told.lines),
                "trouble": told.trouble,
            }

    def subscribe(self, take: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Tell somebody of every change; return what ends that."""
        with self._lock:
            self._takers.append(take)

        def end() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._takers.remove(take)

        return end

    def changed(self) -> None:
        """Tell everybody what the state is now."""
        state = self.state
        with self._lock:
            takers = list(self._takers)
        for take in takers:
            take(state)

    def begin(
        self,
        station: str,
        *,
        minutes: float = 10.0,
        steps: int | None = None,
        beats: int = 64,
        seed: int = 0,
    ) -> None:
        """Train a station of the music that was uploaded.

        Args:
            station: its name, which no station has yet.
            minutes: how long.
            steps: instead of minutes.
            beats: length of its songs.
            seed: of its random numbers.

        Raises:
            TrainError: if it can't be begun.
            HomeError: if that is no name.
        """
        check_name(station, "station")
        if not SHORTEST <= minutes <= LONGEST:
            raise TrainError(
                f"a training takes {SHORTEST:g} to {LONGEST:g} minutes, not {minutes:g}"
            )
        if beats not in BEATS:
            raise TrainError(f"a song has {', '.join(map(str, BEATS))} beats, not {beats}")
        with self._lock:
            self._check_held()
            if self._phase not in ("idle", "done"):
                raise TrainError(
                    f"there is a training already, of {self._place.asked.get('station')}; finish or discard it first"
                )
            if station in self.home.stations() or (self.home.path / "stations" / station).exists():
                raise TrainError(f"there is a station {station} already; choose another name")
            if not self.uploads.sound:
                raise TrainError("there is no music to learn from yet; drop some files on the page")
            self._clean()
            self._place.folder.mkdir(parents=True)
            self._place.asked = {
                "station": station,
                "minutes": None if steps else minutes,
                "steps": steps,
                "beats": beats,
                "seed": seed,
            }
            # In this order: music that nothing was asked of yet is deleted when the next server
            # starts.
            self._place.write(goes_on=True, files=self.uploads.move(self._place.folder / "music"))
            self._start()
        self.changed()

    def stop(self) -> None:
        """Stop the training after its step; what it learned is kept.

        Raises:
            TrainError: if none runs.
        """
        with self._lock:
            if self._phase != "training":
                raise TrainError("no training is running")
            self._place.write(goes_on=False)
            self._close_input()
        self.changed()

    def resume(self) -> None:
        """Go on with a training that was stopped, or failed.

        Raises:
            TrainError: if there is none.
        """
        with self._lock:
            if self._phase not in ("stopped", "failed") or not self._place.asked:
                raise TrainError("there is no training to go on with")
            self._place.write(goes_on=True)
            self._start()
        self.changed()

    def clear(self) -> None:
        """Forget a training that does not run, what it learned, and its music; and all that was uploaded.

        Raises:
            TrainError: if it runs.
        """
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
        """Return the WAV of a sample; None if there is none of that number."""
        with self._lock:
            known = any(sample["number"] == number for sample in self._told.samples)
        try:
            return (
                (self._place.folder / "samples" / f"{number:03}.wav").read_bytes()
                if known
                else None
            )
        except OSError:
            return None

    def close(self) -> None:
        """End the process as the server ends; the next server goes on."""
        with self._lock:
            self._close_input()
        self._wait()
        self._place.let_go()

    def _check_held(self) -> None:
        if not self._place.held:
            raise TrainError(self._told.trouble)

    def _start(self) -> None:
        self._wait()
        self._told = TrainingState()
        self._told.samples = self._place.samples()
        environment = {**os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])
        )
        with (self._place.folder / "training.log").open("ab") as errors:
            # -P: a file in the working folder must not be taken for a library.
            command = [
                sys.executable,
                "-P",
                "-m",
                "radio.web.training.process",
                str(self._place.folder),
                str(self.home.path),
            ]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )
        self._phase = "training"
        self._thread = threading.Thread(
            target=self._follow, args=(self._process,), name="training", daemon=True
        )
        self._thread.start()

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """Take what a process tells, until it ends; on a thread."""
        for line in cast(IO[bytes], process.stdout):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            for key in ("note", "skip", "trouble"):
                if key in event:
                    event[key] = self._place.named(str(event[key]))
            with self._lock:
                self._told.take(event)
            self.changed()
        code = process.wait()
        with self._lock:
            cast(IO[bytes], process.stdout).close()
            self._close_input()
            self._ended(code)
        self.changed()

    def _ended(self, code: int) -> None:
        if code == 0 and self._told.trained:
            self._phase = "done"
            with contextlib.suppress(OSError):
                (self._place.folder / "job.json").unlink(missing_ok=True)
                shutil.rmtree(self._place.folder / "music", ignore_errors=True)
        elif code == 130:
            self._phase = "stopped"
        else:
            self._phase = "failed"
            self._told.trouble = (
                self._told.trouble
                or f"the training ended unexpectedly ({code}); {self._place.folder / 'training.log'} says more"
            )
            with contextlib.suppress(OSError):  # it would fail again at every start of the server
                self._place.write(goes_on=False)

    def _close_input(self) -> None:
        """Tell the process to stop: its input ends."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _wait(self) -> None:
        """Wait until the process and what follows it have ended."""
        if self._process is not None:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(STOP_SECONDS)

    def _clean(self) -> None:
        self._told, self._phase = TrainingState(), "idle"
        self._place.clean()
