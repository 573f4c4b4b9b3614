"""The radio on a terminal: keys without Enter, one status line that is redrawn in place, other lines scrolling above it.

`status_line(view, width)` is a function of state and tested without a terminal; `play_on_terminal` adds the keys and the screen.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from radio.broadcast import Broadcast, View
from radio.keyboard import open_keyboard

REDRAW_SECONDS = 0.1
SEEK_SECONDS = 5.0
SLIDER_STEP = 0.1
VOLUME_STEP = 0.05
HELP = """
  space       pause, resume         up down, k j  move the slider
  n           next song             1 to 9        set it, from -1 to +1
  left right  seek 5 seconds        0             back to untouched
  + -         volume                u             undo the last rating
  s           save as WAV           f             final song, from your ratings
  ?           this help             q             quit
  The slider rates the song while it plays: its mean, without the first
  3 seconds, is the rating. Untouched it says nothing; skipping an untouched
  song counts as a weak dislike.
""".strip("\n")
HINT = "? help  q quit"

BOLD, DIM, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class Terminated(BaseException):
    """The process was asked to end (SIGTERM, SIGHUP); carries the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def status_line(view: View, width: int, *, colour: bool = False, unicode: bool = True) -> str:
    """Return the line that says what is going on, at most `width` - 1 columns wide; what fits least important goes first."""
    room = max(0, width - 1)
    marks = "━╸─●" if unicode else "=>-o"
    state = view.busy if view.busy and not view.duration else "paused" if view.paused else ""
    clock = f"{_clock(view.position)} / {_clock(view.duration)}"
    slider = "unrated" if view.slider is None else f"{view.slider:+.1f}"
    bar_width = 8 if view.duration else 0
    mean, deviation = view.expected or (0.0, 0.0)
    # In order of importance; each has a column to be shown in.
    parts = {
        "clock": clock,
        "slider": f"slider {slider}",
        "state": state,
        "name": view.name,
        "bar": " " * bar_width,
        "rated": f"{view.rated} rated",
        "expected": f"expects {min(1.0, max(-1.0, mean)):+.1f} ({deviation:.1f})" if view.expected else "",
        "track": _track(view.slider, marks),
        "busy": view.busy if view.busy != state else "",
        "volume": f"vol {view.volume * 100:.0f}" if not view.silent else "silent",
        "details": view.details,
    }
    shown, used = set(), 0
    for name, text in parts.items():
        if text and used + len(text) + 2 * bool(used) <= room:
            shown.add(name)
            used += len(text) + 2 * bool(used)
    if "bar" in shown:
        parts["bar"] = _bar(view, min(40, bar_width + room - used), marks)
    columns = ["state", "name", "details", "bar", "clock", "slider", "track", "rated", "expected", "volume", "busy"]
    texts = {name: parts[name] for name in columns if name in shown}
    if colour:
        tint = "" if view.slider is None else GREEN if view.slider >= 0 else RED
        styles = {"name": BOLD, "slider": tint, "track": tint, "details": DIM, "volume": DIM, "rated": DIM}
        texts = {name: f"{styles[name]}{text}{PLAIN}" if styles.get(name) else text for name, text in texts.items()}
    return "  ".join(texts.values())


def _bar(view: View, width: int, marks: str) -> str:
    share = view.position / view.duration if view.duration else 0.0
    done = min(width - 1, int(share * width))
    return marks[0] * done + marks[1] + marks[2] * (width - done - 1)


def _track(slider: float | None, marks: str) -> str:
    """Return the slider as a knob on a track of 11 places."""
    track = [marks[2]] * 11
    track[5] = "|"
    if slider is not None:
        track[round((slider + 1) * 5)] = marks[3]
    return "".join(track)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Screen:
    """A status line at the bottom of what was printed, and lines that scroll above it.

    Args:
        stream: a terminal.
        environment: of the process; NO_COLOR and TERM are read.
    """

    def __init__(self, stream: Any = None, environment: dict[str, str] | None = None) -> None:
        environment = dict(os.environ) if environment is None else environment
        self._stream = sys.stdout if stream is None else stream
        self._dumb = environment.get("TERM", "") in ("", "dumb") and sys.platform != "win32"
        self.colour = not self._dumb and not environment.get("NO_COLOR")
        self.unicode = "utf" in (getattr(self._stream, "encoding", None) or "").lower()
        self._status = ""
        self._length = 0

    def say(self, text: str) -> None:
        """Print lines above the status line."""
        self._clear()
        self._write(text + "\n" + self._status)

    def show(self, view: View) -> None:
        """Redraw the status line, at the width the terminal has now."""
        width = shutil.get_terminal_size().columns
        status = status_line(view, width, colour=self.colour, unicode=self.unicode)
        if status != self._status:
            self._clear()
            self._status = status
            self._length = len(status_line(view, width, unicode=self.unicode))
            self._write(status)

    def close(self) -> None:
        """Leave the cursor on a line of its own."""
        if self._status:
            with contextlib.suppress(OSError):  # the terminal itself may be gone
                self._write("\n")
            self._status, self._length = "", 0

    def _clear(self) -> None:
        self._write("\r" + " " * self._length + "\r" if self._dumb else "\r\x1b[J")

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


def actions(broadcast: Broadcast, say: Callable[[str], None]) -> dict[str, Callable[[], None]]:
    """Return what each key does; 'q' is the face's own."""
    table: dict[str, Callable[[], None]] = {
        "space": broadcast.toggle_pause,
        "n": broadcast.next,
        "u": broadcast.undo,
        "s": broadcast.save,
        "f": broadcast.make_final,
        "?": lambda: say(HELP),
        "0": lambda: broadcast.set_slider(None),
        "left": lambda: broadcast.seek(-SEEK_SECONDS),
        "right": lambda: broadcast.seek(SEEK_SECONDS),
    }
    for key in ("up", "k"):
        table[key] = lambda: broadcast.move_slider(SLIDER_STEP)
    for key in ("down", "j"):
        table[key] = lambda: broadcast.move_slider(-SLIDER_STEP)
    for key in ("+", "="):  # '=' is '+' without the shift key
        table[key] = lambda: broadcast.change_volume(VOLUME_STEP)
    for key in ("-", "_"):
        table[key] = lambda: broadcast.change_volume(-VOLUME_STEP)
    for digit in range(1, 10):
        table[str(digit)] = lambda value=(digit - 5) / 4: broadcast.set_slider(value)  # type: ignore[misc]
    return table


def play_on_terminal(open_broadcast: Callable[[Callable[[str], None]], Broadcast]) -> None:
    """Play until the listener quits. The terminal is put back as it was, whatever ends the session.

    Args:
        open_broadcast: makes the broadcast; handed what prints a line.
    """
    screen = Screen()
    with contextlib.ExitStack() as stack:
        stack.callback(screen.close)
        keyboard: Any = stack.enter_context(open_keyboard())
        stack.enter_context(ending_signals())
        broadcast = open_broadcast(screen.say)
        stack.callback(broadcast.finish)
        table = actions(broadcast, screen.say)
        while True:
            broadcast.tick()
            screen.show(broadcast.view())
            try:
                keys = keyboard.read(REDRAW_SECONDS)
            except EOFError:
                return
            for key in keys:
                if key in ("q", "end", "interrupt"):
                    return
                if key in table:
                    table[key]()


@contextlib.contextmanager
def ending_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exception, so that everything is put back on the way out."""

    def end(number: int, frame: Any) -> None:
        raise Terminated(number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


@contextlib.contextmanager
def stderr_to(log: Path) -> Iterator[None]:
    """Send file descriptor 2, where the libraries of the sound device write whenever they like, to a file."""
    try:
        kept = os.dup(2)
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        yield
        return
    sys.stderr.flush()
    try:
        os.dup2(target, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(target)
