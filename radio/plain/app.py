"""The user interface of plain lines: commands on standard input, messages on standard output.

Commands are those of radio/session/commands.py; they wait for a song. At the end of the input the
current song is played to its end, and so is a final song that was asked for.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from radio.errors import UsageError
from radio.home import Settings, ending_signals
from radio.session import Session, View, execute, help_lines

TICK_SECONDS = 0.05
HINT = "Type n for the next song, 1 to 9 to rate this one, s to save it, ? for all, q to quit."


def play_on_lines(
    open_session: Callable[[Callable[[str], None]], Session],
    settings: Settings,
    *,
    commands: TextIO | None = None,
) -> None:
    """Play until 'q', or until the song that plays at the end of the input ends.

    Args:
        open_session: makes the session, given a function that prints a line.
        settings: keys, which a line may name.
        commands: stream to read from; standard input if None.
    """
    lines: queue.Queue[str | None] = queue.Queue()
    # A thread, because not every platform can poll a pipe.
    threading.Thread(
        target=_read, args=(sys.stdin if commands is None else commands, lines), daemon=True
    ).start()
    with ending_signals():
        session = open_session(_say)
        _say(HINT)
        try:
            _run(session, lines, settings)
        finally:
            session.finish()


def _run(session: Session, lines: queue.Queue[str | None], settings: Settings) -> None:
    # number of the song playing when the input ended, or of the final song after it
    last: int | None = None
    ended, number, quarter = False, 0, -1
    while True:
        session.tick()
        view = session.view()
        if view.number != number:
            number = view.number
            _announce(view)
        if view.opening is not None and quarter != (quarter := _quarter(view.opening)):
            _say(f"{view.opening[0]}: {25 * quarter} %")
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
        elif settings.keys.get(line, line) == "quit":
            return
        elif settings.keys.get(line, line) == "help":
            _say("\n".join(help_lines(settings)))
        else:
            try:
                execute(session, line, settings)
            except UsageError as error:
                _say(str(error))
            for change in _changes(view, session.view()):
                _say(change)


def _quarter(opening: tuple[str, int, int]) -> int:
    """Return how many quarters are done of what takes long while the composer opens."""
    _, done, of = opening
    return 4 * done // max(1, of)


def _changes(before: View, after: View) -> Iterator[str]:
    """Yield what a command changed of the song that plays, for those who see no slider."""
    if after.number != before.number:
        return
    if after.slider != before.slider:
        yield "unrated" if after.slider is None else f"rating {after.slider:+.2f}"
    if after.volume != before.volume:
        yield f"volume {100 * after.volume:.0f}"
    if after.paused != before.paused:
        yield "paused" if after.paused else "playing"


def _read(commands: TextIO, lines: queue.Queue[str | None]) -> None:
    try:
        for line in commands:
            lines.put(line.strip())
    except (OSError, ValueError):
        pass
    lines.put(None)


def _announce(view: View) -> None:
    """Print the song that begins."""
    details = f"  {view.details}" if view.details else ""
    clock = f"{int(view.duration) // 60}:{int(view.duration) % 60:02d}"
    _say(f"{view.number:3d}  {view.name}{details}  {clock}")


def _say(text: str) -> None:
    print(text, flush=True)
