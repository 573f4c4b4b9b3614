"""One process at a time may train a station: two would write their checkpoints over each other's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from radio.home.file_lock import LearnerLock
from radio.station.station import StationError

FOLDERS_LOCK = sys.platform != "win32"  # there a file in the folder is locked instead
LOCK = "training.lock"


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a station's folder; whatever ends the process lets go of it, so nothing stays locked.

    Raises:
        StationError: if another process holds it.
    """
    refused = StationError(
        f"another process is training station {folder.name}; wait for it, or choose another name"
    )
    if not FOLDERS_LOCK:
        lock = LearnerLock(folder / LOCK)
        try:
            if not lock.held:
                raise refused
            yield
        finally:
            mine = lock.held
            lock.close()
            if mine:
                with suppress(OSError):
                    (folder / LOCK).unlink()
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refused from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
