"""The radio without a terminal, for pipes and programs: a command a line on standard input, plain lines on standard output.

Commands: n next, p pause or resume, a number from -1 to 1 rates this song, u undo, s save, f final
song, x reset what the generator learned, q quit; they wait for a song. At the end of the input the
song that plays is played to its end, a final song that was asked for is made and played too, and
that is all.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from radio.home.signals import ending_signals
from radio.session.session import Broadcast

TICK_SECONDS = 0.05
HELP = "commands: n next, p pause, a number from -1 to 1 rates this song, u undo, s save, f final song, x reset the generator, q quit"


def play_on_lines(
    open_broadcast: Callable[[Callable[[str], None]], Broadcast], *, commands: TextIO | None = None
) -> None:
    """Play until 'q', or until the song that plays at the end of the input is over.

    Args:
        open_broadcast: makes the broadcast; handed what prints a line.
        commands: where they are read from; standard input if None.
    """
    lines: queue.Queue[str | None] = queue.Queue()
    # A thread, because pipes can't be asked on every platform whether they hold something.
    threading.Thread(
        target=_read, args=(sys.stdin if commands is None else commands, lines), daemon=True
    ).start()
    with ending_signals():
        broadcast = open_broadcast(_say)
        try:
            _run(broadcast, lines)
        finally:
            broadcast.finish()


def _run(broadcast: Broadcast, lines: queue.Queue[str | None]) -> None:
    # number of the song that played when the input ended, or of the final song that came later
    last: int | None = None
    ended = False
    while True:
        broadcast.tick()
        view = broadcast.view()
        playing = view.number if broadcast.playing else None
        if ended:
            if last is None or (playing is not None and broadcast.song is broadcast.final):
                last = playing
            if last is not None and playing != last and not broadcast.making_final:
                return
        if ended or playing is None:
            time.sleep(TICK_SECONDS)
            continue
        try:
            line = lines.get(timeout=TICK_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            ended = True
            if view.paused:
                broadcast.toggle_pause()  # or it would never end
        elif line in ("q", "quit"):
            return
        else:
            obey(broadcast, line)


def obey(broadcast: Broadcast, line: str) -> None:
    """Do what a line says; say so if it is no command."""
    commands: dict[str, Callable[[], None]] = {
        "n": broadcast.next,
        "next": broadcast.next,
        "p": broadcast.toggle_pause,
        "pause": broadcast.toggle_pause,
        "u": broadcast.undo,
        "undo": broadcast.undo,
        "s": broadcast.save,
        "save": broadcast.save,
        "f": broadcast.make_final,
        "final": broadcast.make_final,
        "x": broadcast.reset_layers,
        "reset": broadcast.reset_layers,
        "?": lambda: _say(HELP),
        "help": lambda: _say(HELP),
        "": lambda: None,
    }
    if line in commands:
        commands[line]()
        return
    try:
        value = float(line)
    except ValueError:
        value = float("nan")
    if -1 <= value <= 1:
        broadcast.set_slider(value)
    else:
        _say(f"{line!r} is no command and no rating from -1 to 1; {HELP}")


def _read(commands: TextIO, lines: queue.Queue[str | None]) -> None:
    try:
        for line in commands:
            lines.put(line.strip().lower())
    except (OSError, ValueError):
        pass
    lines.put(None)


def _say(text: str) -> None:
    print(text, flush=True)
