"""Where the screen is drawn: on standard output, by Textual's own way of writing, and patiently when the terminal is gone."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class Drawing:
    """A terminal to write to. Once it is gone what is written is dropped: Textual's writer must not die, as the screen would wait for it.

    Args:
        stream: the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.gone = False

    def write(self, text: str) -> int:
        """Write."""
        self._patiently(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Bring to the terminal what was written."""
        self._patiently(self._stream.flush)

    def close(self) -> None:
        """Close."""
        self._patiently(self._stream.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _patiently(self, write: Any, *text: str) -> None:
        if not self.gone:
            try:
                write(*text)
            except (OSError, ValueError):
                self.gone = True


@contextlib.contextmanager
def drawing_on_stdout() -> Iterator[Drawing | None]:
    """Let Textual draw on standard output: it draws on standard error, which we keep for what the libraries of the sound device write."""
    kept = sys.__stderr__
    try:
        drawing = Drawing(os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace"))
    except OSError:
        yield None
        return
    sys.__stderr__ = drawing  # type: ignore[misc, assignment]
    try:
        yield drawing
    finally:
        sys.__stderr__ = kept  # type: ignore[misc]
        drawing.close()
