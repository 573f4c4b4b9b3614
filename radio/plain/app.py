"""The user interface of plain lines: commands on standard input, messages on standard output.

Commands: n next, p pause or resume, a number from -1 to 1 rates this song, u undo, s save, f final
song, x reset the generator, q quit; they wait for a song. At the end of the input the current song
is played to its end, and so is a final song that was asked for.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from radio.home import ending_signals
from radio.session import Session

TICK_SECONDS = 0.05
HELP = (
    "commands: n next, p pause, a number from -1 (dislike) to 1 (love) rates this song, u undo,"
    " s save, f final song, x reset the generator, q quit"
)


def play_on_lines(
    open_session: Callable[[Callable[[str], None]], Session], *, commands: TextIO | None = None
) -> None:
    """Play until 'q', or until the song that plays at the end of the input ends.

    Args:
        open_session: makes the session, given a function that prints a line.
        commands: stream to read from; standard input if None.
    """
    lines: queue.Queue[str | None] = queue.Queue()
    # A thread, because not every platform can poll a pipe.
    threading.Thread(
        target=_read, args=(sys.stdin if commands is None else commands, lines), daemon=True
    ).start()
    with ending_signals():
        session = open_session(_say)
        try:
            _run(session, lines)
        finally:
            session.finish()


def _run(session: Session, lines: queue.Queue[str | None]) -> None:
    # number of the song playing when the input ended, or of the final song after it
    last: int | None = None
    ended = False
    while True:
        session.tick()
        view = session.view()
        playing = view.number if session.playing else None
        if ended:
            if last is None or (playing is not None and session.song is session.finals.song):
                last = playing
            if last is not None and playing != last and not session.finals.running:
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
                session.playback.toggle_pause()  # or it would never end
        elif line in ("q", "quit"):
            return
        else:
            execute(session, line)


def execute(session: Session, line: str) -> None:
    """Execute a line; print help if it is not a command."""
    commands: dict[str, Callable[[], None]] = {
        "n": session.next,
        "next": session.next,
        "p": session.playback.toggle_pause,
        "pause": session.playback.toggle_pause,
        "u": session.undo,
        "undo": session.undo,
        "s": session.save,
        "save": session.save,
        "f": session.make_final,
        "final": session.make_final,
        "x": session.composer.reset_adapter,
        "reset": session.composer.reset_adapter,
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
        session.set_slider(value)
    else:
        _say(f"{line!r} is neither a command nor a rating from -1 to 1; {HELP}")


def _read(commands: TextIO, lines: queue.Queue[str | None]) -> None:
    try:
        for line in commands:
            lines.put(line.strip().lower())
    except (OSError, ValueError):
        pass
    lines.put(None)


def _say(text: str) -> None:
    print(text, flush=True)
