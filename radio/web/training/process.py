"""The process that trains what job.json requests; it prints events as lines of JSON.

    python -m radio.web.training.process FOLDER HOME

    FOLDER/job.json      station, minutes or steps, beats, seed
    FOLDER/music/        the training set
    FOLDER/samples/      songs made during the training: 000.wav, 001.wav ...

Its input is a pipe without content: it ends when the server closes it, or dies. Then the process
finishes its step and saves a checkpoint. Exit codes are those of the command line.
"""

from __future__ import annotations

import _thread
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from neural_networks.training.streams import Stream
from radio.web.background import lower_priority, wait_for_server

if TYPE_CHECKING:
    from radio.station import Station

SAMPLE_SECONDS = 20.0
SAMPLES_KEPT = 12
TELL_SECONDS = 0.25


class EventPrinter:
    """Print events as lines of JSON, progress only as often as a person can follow."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = (0.0, "")
        self.steps = 0

    def __call__(self, event: dict[str, Any]) -> None:
        """Print an event; ignore a reader that has gone."""
        now, phase = time.monotonic(), str(event.get("phase"))
        if "done" in event:
            self.steps = event["done"]
            last = event["done"] == event["of"]
            if not last and self._last[1] == phase and now - self._last[0] < TELL_SECONDS:
                return
            self._last = (now, phase)
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(json.dumps(event) + "\n")
            self._stream.flush()


class Sampler:
    """Make a sample song now and then, of the model as it is then.

    Args:
        folder: of the samples.
        report: called with an event for each sample.
        seed: of the songs.
    """

    def __init__(self, folder: Path, report: EventPrinter, seed: int) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._report = folder, report
        self._rng = np.random.default_rng((seed, Stream.PREVIEWS))
        self._due = 0.0
        numbers = [int(path.stem) for path in folder.glob("*.wav") if path.stem.isdigit()]
        self._number = max(numbers, default=-1) + 1

    def __call__(self, station_now: Callable[[], Station]) -> None:
        """Make a sample if it is time, without effect on weights and random numbers."""
        if time.monotonic() < self._due:
            return
        from radio.station import write_wav

        station = station_now()
        coordinate = station.sample(1, self._rng)[0]
        samples = station.render(coordinate)
        if np.isfinite(samples).all():
            write_wav(self._folder / f"{self._number:03}.wav", samples, station.sample_rate)
            (self._folder / f"{self._number - SAMPLES_KEPT:03}.wav").unlink(missing_ok=True)
            self._report(
                {
                    "sample": self._number,
                    "name": station.song_name(coordinate),
                    "step": self._report.steps,
                }
            )
            self._number += 1
        self._due = time.monotonic() + SAMPLE_SECONDS


class Stop:
    """Watch for the end of the input; exit at once as long as there is no progress to save.

    Attributes:
        asked: whether to stop.
        has_progress: False while the music is read.
    """

    def __init__(self) -> None:
        self.asked = self.has_progress = False
        threading.Thread(target=self._read, name="input", daemon=True).start()

    def _read(self) -> None:
        wait_for_server()
        self.asked = True
        if not self.has_progress:
            _thread.interrupt_main()


def main(folder: Path, home: Path) -> int:
    """Train what FOLDER/job.json requests."""
    lower_priority()
    # Libraries must not print between the lines.
    report = EventPrinter(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    stop = Stop()
    try:
        with _alone(folder):
            return _train(folder, home, report, stop)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from radio.errors import explain

        report(
            {"trouble": explain(error) or f"a bug in the program ({type(error).__name__}: {error})"}
        )
        if explain(error) is None:
            raise
        return 2


def _train(folder: Path, home: Path, printer: EventPrinter, stop: Stop) -> int:
    from radio.composer import TRAINING, compile_once
    from radio.home import Home
    from radio.training import TrainingOptions, train_station

    job = json.loads((folder / "job.json").read_text("utf-8"))
    where = Home(home)

    def report(event: dict[str, Any]) -> None:
        stop.has_progress = event["phase"] not in ("prepare", "compile")
        printer(event)
        if event["phase"] == "compile":
            compile_once(part=TRAINING)

    station = train_station(
        where.writable("stations") / job["station"],
        folder / "music",
        TrainingOptions(
            beats=job["beats"],
            minutes=job["minutes"],
            steps=job["steps"],
            seed=job["seed"],
            prepared=where.prepared,
        ),
        report=report,
        should_stop=lambda: stop.asked,
        watch=Sampler(folder / "samples", printer, job["seed"]),
    )
    if station is None:
        return 130
    printer({"trained": station.name})
    return 0


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until the training of a killed server has saved its progress."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
