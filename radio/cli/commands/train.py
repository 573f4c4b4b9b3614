"""`ai-radio train`: train a station, with progress and time left; Ctrl-C saves the progress.

Under mpiexec, as in `mpiexec -n 4 ai-radio train ...`, all processes train one station; the first
one reports and saves.
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
from radio.cli.commands.reconstruct import check_soundfont
from radio.cli.progress import Progress, duration
from radio.errors import UsageError
from radio.home import Home, check_name

PHASES = {
    "prepare": "reading the music",
    "vae": "training the autoencoder",
    "gan": "training with the critic",
    "save": "saving",
}


def train(options: argparse.Namespace) -> int:
    """Train a station on music or on the starter collection."""
    communicator = processes()
    with communicator.together():
        return _train(options, communicator)


def _check(options: argparse.Namespace) -> None:
    if not options.music and not options.starter:
        raise UsageError(
            "no music was given; name files or folders, or --starter for the starter collection"
        )
    if options.music and options.starter:
        raise UsageError("give music or --starter, not both")
    for name in ("fresh", "invented"):
        if getattr(options, name) is not None and not options.starter:
            raise UsageError(f"--{name} is for the starter collection; give it with --starter")
    if options.station is None:
        raise UsageError("the new station needs a name; give one with --station NAME")
    check_name(options.station, "station")
    for source in options.music:
        if not source.expanduser().exists():
            raise UsageError(f"{source} does not exist; name files or folders of music")
    if options.soundfont is not None and options.starter:
        raise UsageError("--soundfont plays scores of yours; the starter collection has its own")
    check_soundfont(options.soundfont)
    if options.plot is not None and options.plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"the name of a plot ends in .png, .svg or .pdf, not {options.plot}")
    if options.plot is not None and not options.plot.expanduser().absolute().parent.is_dir():
        raise UsageError(f"there is no folder {options.plot.parent} for the plot; make it first")


def _train(options: argparse.Namespace, communicator: Communicator) -> int:
    _check(options)
    home = Home(options.home)
    folder = home.writable("stations") / options.station

    from radio.training import TrainingOptions, train_station

    progress = Progress()
    account = Account()
    first = communicator.rank == 0
    stop = _StopPolitely(tells=first)

    def report(event: dict[str, Any]) -> None:
        stop.has_progress = event["phase"] not in ("prepare", "compile")
        line = event.get("note") or event.get("skip")
        if event["phase"] == "compile":
            progress.clear()
            _compile(communicator)
        elif first and line:
            progress.say(str(line))
        elif first:
            progress.show(account.describe(event))

    music = [source.expanduser() for source in options.music] or None
    with stop:
        station = train_station(
            folder,
            music,
            TrainingOptions(
                beats=options.beats or 64,
                minutes=options.minutes,
                steps=options.steps,
                seed=options.seed or 0,
                threads=options.threads,
                batch=options.batch,
                critic=options.critic,
                latent=options.latent,
                soundfont=options.soundfont and options.soundfont.expanduser(),
                prepared=home.prepared,
                plot=None if options.plot is None or not first else options.plot.expanduser(),
                **_beside_the_collection(options),
            ),
            communicator=communicator,
            report=report,
            should_stop=lambda: stop.asked,
        )
    if not first:
        return 0
    progress.clear()
    if station is None:
        print(
            "Stopped; the progress is saved. The same command continues from here.",
            file=sys.stderr,
        )
        return 130
    print(f"Station {station.name} is trained: ai-radio play --station {station.name}")
    return 0


def _beside_the_collection(options: argparse.Namespace) -> dict[str, int]:
    found = {"fresh": options.fresh, "invented": options.invented}
    return {name: count for name, count in found.items() if count is not None}


def _compile(communicator: Communicator) -> None:
    """Compile the kernels in the first process, then in the others, which may share its cache."""
    from radio.composer import TRAINING, compile_once

    if communicator.rank == 0:
        compile_once(part=TRAINING)
    communicator.broadcast(b"")
    if communicator.rank:
        compile_once(part=TRAINING)


class Account:
    """Format the events of a training: progress, loss, speed, and the time left of this phase.

    Args:
        clock: seconds that never decrease.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._phase = ""
        self._began = (0.0, 0)  # seconds and steps done at the phase's first event

    def describe(self, event: dict[str, Any]) -> str:
        """Return a line for an event with a 'phase', and perhaps 'done', 'of' and 'loss'."""
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
    """Stop after the current step at the first Ctrl-C or SIGTERM, at once at the second.

    After a step the state is consistent and can be saved.

    Args:
        tells: whether to print a message; one of several processes is enough.

    Attributes:
        asked: whether to stop.
        has_progress: False while the music is read, when Ctrl-C need not wait.
    """

    def __init__(self, *, tells: bool = True) -> None:
        self._tells = tells
        self.asked = False
        self.has_progress = False

    def __enter__(self) -> None:
        self._before = {
            number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked or not self.has_progress:
            raise KeyboardInterrupt
        self.asked = True
        # os.write, because a signal handler can't write to a Python stream that is being written to
        if self._tells:
            os.write(2, b"\nStopping after this step; press Ctrl-C again to stop at once.\n")
