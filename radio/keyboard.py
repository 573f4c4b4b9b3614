"""Keys of a terminal as they are pressed, without Enter and without echo; the terminal's settings are always put back.

    with open_keyboard() as keyboard:
        for key in keyboard.read(timeout=0.1): ...        'space', 'up', 'left', ... or the character itself

Ctrl-C stays a KeyboardInterrupt. Ctrl-Z gives the terminal back to the shell as it was, `fg` takes it again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from types import TracebackType
from typing import Any

NAMES = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left",
    "\x1bOA": "up", "\x1bOB": "down", "\x1bOC": "right", "\x1bOD": "left",
    " ": "space", "\r": "enter", "\n": "enter", "\x1b": "escape", "\x03": "interrupt", "\x04": "end",
}  # fmt: skip
WINDOWS_NAMES = {"H": "up", "P": "down", "M": "right", "K": "left"}


def decode(text: str) -> list[str]:
    """Return the keys in what a terminal sent; sequences of keys we don't know are left out."""
    keys = []
    while text:
        length = 1
        if text[0] == "\x1b" and len(text) > 1 and text[1] in "[O":
            # A control sequence ends with its first letter or '~' after the bracket.
            ends = [i for i, letter in enumerate(text[2:], 3) if letter.isalpha() or letter == "~"]
            length = ends[0] if ends else len(text)
        key, text = text[:length], text[length:]
        if key in NAMES:
            keys.append(NAMES[key])
        elif length == 1 and key.isprintable():
            keys.append(key)
    return keys


class _PosixKeyboard:
    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno()
        self._kept: Any = None

    def __enter__(self) -> _PosixKeyboard:
        import termios

        self._kept = termios.tcgetattr(self._descriptor)
        self._take()
        suspend, go_on = signal.signal(signal.SIGTSTP, self._suspend), signal.signal(signal.SIGCONT, self._continue)
        self._handlers = {signal.SIGTSTP: suspend, signal.SIGCONT: go_on}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._give_back()

    def _take(self) -> None:
        """Each key at once, unseen; Ctrl-C and Ctrl-Z stay signals."""
        import termios

        settings = termios.tcgetattr(self._descriptor)
        settings[3] &= ~(termios.ICANON | termios.ECHO)
        settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, settings)

    def _give_back(self) -> None:
        import termios

        try:
            # What was typed and not read is dropped, lest the shell takes it for a command.
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._kept)
        except (termios.error, OSError):  # the terminal itself is gone
            pass

    def _suspend(self, number: int, frame: Any) -> None:
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # stops here, until it is continued
        signal.signal(signal.SIGTSTP, self._suspend)
        self._take()

    def _continue(self, number: int, frame: Any) -> None:
        self._take()

    def read(self, timeout: float) -> list[str]:
        """Return the keys pressed, after at most `timeout` seconds.

        Raises:
            EOFError: if the terminal is gone.
        """
        import select

        try:
            ready, _, _ = select.select([self._descriptor], [], [], timeout)
            if not ready:
                return []
            data = os.read(self._descriptor, 1024)
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return decode(data.decode(errors="ignore"))


class _WindowsKeyboard:
    def __enter__(self) -> _WindowsKeyboard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def read(self, timeout: float) -> list[str]:
        """Return the keys pressed, after at most `timeout` seconds."""
        import msvcrt

        console: Any = msvcrt
        until = time.monotonic() + timeout
        while not console.kbhit():
            if time.monotonic() >= until:
                return []
            time.sleep(0.01)
        keys: list[str] = []
        while console.kbhit():
            letter = console.getwch()
            if letter in "\0\xe0":  # an arrow or function key; which one follows
                named = WINDOWS_NAMES.get(console.getwch())
                keys += [named] if named else []
            else:
                keys += decode(letter)
        return keys


def open_keyboard() -> _PosixKeyboard | _WindowsKeyboard:
    """Return this platform's keyboard, to be used in a `with` statement."""
    return _WindowsKeyboard() if sys.platform == "win32" else _PosixKeyboard()
