"""A training as a process of its own, niced: trains what job.json asks for and tells of it in lines of JSON; ends when its input does.

    python -m radio.web.training.process FOLDER HOME

    FOLDER/job.json      station, minutes or steps, beats, seed
    FOLDER/music/        what it learns from
    FOLDER/samples/      songs that it makes as it learns: 000.wav, 001.wav ...

Its input is a pipe that nothing is written to: it ends when the server says stop, or when the
server is gone, however it went. Then the step is finished and a checkpoint saved. Exit codes are
those of the command line.
"""

from __future__ import annotations

import _thread
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

NICE = 10
SAMPLE_SECONDS = 20.0
SAMPLES_KEPT = 12
MIXED = 3  # songs that a sample lies between
TELL_SECONDS = 0.25


class Telling:
    """Write events as lines of JSON; of the progress only as much as somebody can follow."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = (0.0, "")
        self.steps = 0

    def __call__(self, event: dict[str, Any]) -> None:
        """Tell of an event; a reader that has gone is no fault."""
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
    """Let a song be heard now and then of what is learned so far: one that lies between some of the music's.

    Args:
        folder: of the samples.
        tell: of each.
        seed: of the choice of songs.
    """

    def __init__(self, folder: Path, tell: Telling, seed: int) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._tell = folder, tell
        self._rng = np.random.default_rng((seed, 7))
        self._due = 0.0
        numbers = [int(path.stem) for path in folder.glob("*.wav") if path.stem.isdigit()]
        self._number = max(numbers, default=-1) + 1

    def __call__(self, vae: Any, songs: Any) -> None:
        """Make a sample if it is time; weights and the training's own random numbers stay as they are."""
        if time.monotonic() < self._due:
            return
        from radio.station.song_file import write_wav
        from radio.station.station import Station
        from radio.training.recipes import encode_songs

        chosen = self._rng.choice(
            len(songs.steps), size=min(MIXED, len(songs.steps)), replace=False
        )
        statistics, _ = encode_songs(vae, songs.steps[chosen])
        means, log_variances = np.split(statistics, 2, axis=1)
        station = Station(
            "sample",
            songs.grid,
            songs.steps.shape[1] // 4,
            vae,
            None,  # type: ignore[arg-type]
            means,
            log_variances,
            songs.coordinates[chosen],
        )
        coordinate = np.concatenate(
            [self._rng.dirichlet(np.ones(len(chosen))) @ means, songs.coordinates[chosen[0]]]
        ).astype(np.float32)
        samples = station.render(coordinate)
        if np.isfinite(samples).all():
            write_wav(self._folder / f"{self._number:03}.wav", samples, station.sample_rate)
            (self._folder / f"{self._number - SAMPLES_KEPT:03}.wav").unlink(missing_ok=True)
            self._tell(
                {
                    "sample": self._number,
                    "name": station.song_name(coordinate),
                    "step": self._tell.steps,
                }
            )
            self._number += 1
        self._due = time.monotonic() + SAMPLE_SECONDS


class Stop:
    """Notice the end of the input: at once while there is nothing to keep, else after the step.

    Attributes:
        asked: whether to stop.
        has_something_to_keep: False while the music is read.
    """

    def __init__(self) -> None:
        self.asked = self.has_something_to_keep = False
        threading.Thread(target=self._read, name="input", daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        self.asked = True
        if not self.has_something_to_keep:
            _thread.interrupt_main()


def main(folder: Path, home: Path) -> int:
    """Train what FOLDER asks for."""
    with contextlib.suppress(OSError, AttributeError):  # Windows has no nice
        os.nice(NICE)
    # What libraries print must not come between the lines.
    tell = Telling(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    stop = Stop()
    try:
        with _alone(folder):
            return _train(folder, home, tell, stop)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from radio.errors import explain

        tell(
            {
                "trouble": explain(error)
                or f"a fault of the program ({type(error).__name__}: {error})"
            }
        )
        if explain(error) is None:
            raise
        return 2


def _train(folder: Path, home: Path, tell: Telling, stop: Stop) -> int:
    from radio.composer.warm_up import compile_once
    from radio.home.folder import Home
    from radio.training.train import train_station

    job = json.loads((folder / "job.json").read_text("utf-8"))
    where = Home(home)

    def report(event: dict[str, Any]) -> None:
        stop.has_something_to_keep = event["phase"] not in ("prepare", "compile")
        tell(event)
        if event["phase"] == "compile":
            compile_once()

    station = train_station(
        where.writable("stations") / job["station"],
        folder / "music",
        beats=job["beats"],
        minutes=job["minutes"],
        steps=job["steps"],
        seed=job["seed"],
        prepared=where.prepared,
        report=report,
        should_stop=lambda: stop.asked,
        watch=Sampler(folder / "samples", tell, job["seed"]),
    )
    if station is None:
        return 130
    tell({"trained": station.name})
    return 0


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until the training of a server that was killed has saved what it had."""
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
