"""Open a file of sound: regular files alone, and every error in one printable line."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path


class AudioError(ValueError):
    """A file or folder can't be used; the message is one line."""


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as one printable line: file names may hold line ends and undecodable bytes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in os.fspath(path)
    )


def reason(error: OSError) -> str:
    """Return the system's message, without the path, which `shown` gives."""
    return (error.strerror or str(error)).lower()


def read_beginning(path: Path) -> bytes:
    """Return the first 16 bytes of a file, or as many as it has."""
    with open_file(path) as descriptor:
        return os.read(descriptor, 16)


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[int]:
    """Open a regular file for reading.

    NOTE: without O_NONBLOCK this would wait for ever for the other end of a named pipe.

    Raises:
        AudioError: if it can't be opened, is empty, or is no file.
    """
    try:
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError as error:
        nowhere = isinstance(error, FileNotFoundError) and os.path.islink(path)
        raise AudioError(
            f"{shown(path)}: {'is a broken link' if nowhere else reason(error)}"
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{shown(path)}: is not a file")
        if not status.st_size:
            raise AudioError(f"{shown(path)}: is empty")
        yield descriptor
    finally:
        os.close(descriptor)
