"""A lock on a file: one process per listener and station may train, one may write a station.

It is the operating system's lock on an open file, so it ends with the process, however that ends.
"""

from __future__ import annotations

import os
from pathlib import Path


class FileLock:
    """A lock on a file; `held` is whether this process has it.

    Args:
        path: of the file, made if needed; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.held = False
        self.take()

    def take(self) -> bool:
        """Take the lock if no other process holds it; return whether it is held."""
        if not self.held and self._file >= 0:
            self.held = _locked(self._file)
        return self.held

    def close(self) -> None:
        """Release the lock."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self.held = -1, False


def _locked(file: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
