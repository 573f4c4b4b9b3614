"""Who learns: one session of a listener and station holds a lock and trains the added layers; others follow its ratings and layers.

The lock is the operating system's, on an open file, so that it ends with its process, however that
ends.
"""

from __future__ import annotations

import os
from pathlib import Path


class LearnerLock:
    """A lock on a file; `held` tells whether this one got it.

    Args:
        path: of the file, made if it is not there; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.held = False
        self.take()

    def take(self) -> bool:
        """Take the lock if nobody else holds it; return whether it is held."""
        if not self.held and self._file >= 0:
            self.held = _locked(self._file)
        return self.held

    def close(self) -> None:
        """Let go."""
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
