"""`ai-radio train`: make a station, with progress and time left; Ctrl-C keeps what was learned.

Started by mpiexec, as in `mpiexec -n 4 ai-radio train ...`, all processes train one station; the
first one tells and saves.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from neural_networks.parallel.communicator import Communicator
from neural_networks.parallel.mpi import processes
from radio.cli.progress import Progress, duration
from radio.errors import UsageError
from radio.home.folder import Home, check_name

PHASES = {
    "prepare": "reading the music",
    "learn": "learning the songs",
    "perform": "learning to make new ones",
    "save": "saving",
}


def train(options: argparse.Namespace) -> int:
    """Train a station from a folder of music or from the starter collection."""
    communicator = processes()
    with communicator.together():
        return _train(options, communicator)


def _train(options: argparse.Namespace, communicator: Communicator) -> int:
    if options.folder is None and not options.starter:
        raise UsageError(
            "no folder with music was given; name one, or --starter for the starter collection"
        )
    if options.folder is not None and options.starter:
        raise UsageError("give a folder or --starter, not both")
    if options.fresh and not options.starter:
        raise UsageError(
            "--fresh makes new arrangements of the starter collection; give it with --starter"
        )
    if options.station is None:
        raise UsageError("the new station needs a name; give one with --station NAME")
    check_name(options.station, "station")
    if options.folder is not None and not options.folder.expanduser().is_dir():
        what = "is no folder" if options.folder.expanduser().exists() else "does not exist"
        raise UsageError(f"{options.folder} {what}; name a folder with music")
    if options.plot is not None and options.plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"a picture is a file that ends in .png, .svg or .pdf, not {options.plot}")
    if options.plot is not None and not options.plot.expanduser().absolute().parent.is_dir():
        raise UsageError(f"there is no folder {options.plot.parent} for the picture; make it first")
    home = Home(options.home)
    folder = home.writable("stations") / options.station

    from gan.latent import DEFAULT_KIND
    from radio.training.train import BATCH_SIZE, train_station

    progress = Progress()
    account = Account()
    first = communicator.rank == 0
    stop = _StopPolitely(tells=first)

    def report(event: dict[str, Any]) -> None:
        stop.has_something_to_keep = event["phase"] not in ("prepare", "compile")
        line = event.get("note") or event.get("skip")
        if event["phase"] == "compile":
            progress.clear()
            _compile(communicator)
        elif first and line:
            progress.say(str(line))
        elif first:
            progress.show(account.describe(event))

    music = None if options.folder is None else options.folder.expanduser()
    with stop:
        station = train_station(
            folder,
            music,
            beats=options.beats or 64,
            minutes=options.minutes,
            steps=options.steps,
            seed=options.seed or 0,
            fresh=options.fresh,
            threads=options.threads,
            batch=options.batch or BATCH_SIZE,
            communicator=communicator,
            critic=options.critic,
            latent=options.latent or DEFAULT_KIND,
            thorough=options.thorough,
            prepared=home.prepared,
            plot=None if options.plot is None or not first else options.plot.expanduser(),
            report=report,
            should_stop=lambda: stop.asked,
        )
    if not first:
        return 0
    progress.clear()
    if station is None:
        print(
            "Stopped, and kept what was learned. The same command goes on from here.",
            file=sys.stderr,
        )
        return 130
    print(f"Station {station.name} is trained: ai-radio play --station {station.name}")
    return 0


def _compile(communicator: Communicator) -> None:
    """Compile the kernels, the first process before the others, who then find them where they share its disk."""
    from radio.composer.warm_up import compile_once

    if communicator.rank == 0:
        compile_once()
    communicator.broadcast(b"")
    if communicator.rank:
        compile_once()


class Account:
    """Turn the events of a training into lines: how far it is, its loss, its rate, and the time left of this phase.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._phase = ""
        self._began = (0.0, 0)  # seconds and steps done when the phase was first heard of

    def describe(self, event: dict[str, Any]) -> str:
        """Return the line of an event with a 'phase', and maybe 'done', 'of' and 'loss'."""
        now, phase, done, of = self._clock(), event["phase"], event.get("done"), event.get("of")
        parts = [PHASES.get(phase, phase)]
        if done is None or not of:
            return parts[0]
        if phase != self._phase:
            self._phase, self._began = phase, (now, done)
        parts.append(f"{done} of {of} ({100 * done // of} %)")
        if event.get("loss") is not None:
            parts.append(f"loss {event['loss']:.5f}")
        seconds, steps = now - self._began[0], done - self._began[1]
        if seconds > 0 and steps > 0:
            parts.append(f"{steps / seconds:.1f} a second")
            parts.append(f"{duration((of - done) * seconds / steps)} left")
        return "  ".join(parts)


class _StopPolitely:
    """Let the first Ctrl-C or SIGTERM wait for the end of a step, where everything is whole and is saved; the second interrupts at once.

    Args:
        tells: whether it says so; one of several processes that get the same Ctrl-C is enough.

    Attributes:
        asked: whether to stop.
        has_something_to_keep: False while the music is read, when Ctrl-C needs not wait.
    """

    def __init__(self, *, tells: bool = True) -> None:
        self._tells = tells
        self.asked = False
        self.has_something_to_keep = False

    def __enter__(self) -> None:
        self._before = {
            number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked or not self.has_something_to_keep:
            raise KeyboardInterrupt
        self.asked = True
        # Not through Python's streams: they can't be written to by a handler while they are being
        # written to.
        if self._tells:
            os.write(2, b"\nStopping after this step; press Ctrl-C again to stop at once.\n")
