"""Let Textual draw on standard output, and survive the end of the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class TerminalStream:
    """A stream to the terminal that drops everything once the terminal is gone.

    Textual's writer thread must not die, as the screen would wait for it for ever.

    Args:
        stream: the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.gone = False

    def write(self, text: str) -> int:
        """Write."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush the terminal."""
        self._try(self._stream.flush)

    def close(self) -> None:
        """Close."""
        self._try(self._stream.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, write: Any, *text: str) -> None:
        if not self.gone:
            try:
                write(*text)
            except (OSError, ValueError):
                self.gone = True


# XTerm's control sequences: put the title aside, and take it back
PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"


def title_sequence(title: str) -> str:
    """Return the control sequence that sets the terminal's title (OSC 2)."""
    shown = "".join(letter for letter in title if letter.isprintable())
    return f"\x1b]2;{shown}\x07"


@contextlib.contextmanager
def textual_on_stdout(*, titled: bool = False) -> Iterator[TerminalStream | None]:
    """Let Textual draw on standard output instead of standard error.

    Standard error is redirected to a file, as audio libraries write to it.

    Args:
        titled: whether the terminal's title is changed, and so to be restored.
    """
    kept = sys.__stderr__
    try:
        drawing = TerminalStream(os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace"))
    except OSError:
        yield None
        return
    sys.__stderr__ = drawing  # type: ignore[misc, assignment]
    if titled:
        drawing.write(PUSH_TITLE)
    try:
        yield drawing
    finally:
        if titled:
            drawing.write(POP_TITLE)
        sys.__stderr__ = kept  # type: ignore[misc]
        drawing.close()
