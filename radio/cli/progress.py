"""Progress of long work on stderr: a changing line on a terminal, elsewhere occasional lines."""

from __future__ import annotations

import shutil
import sys
import time
import unicodedata
from typing import TextIO

REDRAW_SECONDS = 0.1
LINE_SECONDS = 10.0  # between lines that can't be redrawn


class Progress:
    """One line that changes.

    Args:
        stream: stderr if None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._redraws = self._stream.isatty()
        self._length = 0
        # Without a terminal short work prints nothing.
        self._shown = float("-inf") if self._redraws else time.monotonic()

    def show(self, text: str) -> None:
        """Show a text, unless one was shown a moment ago."""
        moment = time.monotonic()
        if moment - self._shown < (REDRAW_SECONDS if self._redraws else LINE_SECONDS):
            return
        self._shown = moment
        if self._redraws:
            text = text[: shutil.get_terminal_size().columns - 1]
            self._write("\r" + text.ljust(self._length))
            self._length = len(text)
        else:
            self._write(text + "\n")

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        self._write(text + "\n")

    def clear(self) -> None:
        """Erase the changing line."""
        if self._redraws and self._length:
            self._write("\r" + " " * self._length + "\r")
            self._length = 0

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def duration(seconds: float) -> str:
    """Format a duration: '45 s', '3 min 20 s', '2 h 5 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def padded(text: str, width: int) -> str:
    """Return a text with spaces up to a width of the terminal, in which some letters take two."""
    cells = sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )
    return text + " " * (width - cells)
