"""A lock on a station's folder: two trainings at once would overwrite each other's checkpoints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from radio.home import FileLock
from radio.station import StationError

FOLDERS_LOCK = sys.platform != "win32"  # there a file in the folder is locked instead
LOCK = "training.lock"


@contextmanager
def station_lock(folder: Path) -> Iterator[None]:
    """Lock a station's folder; the lock ends with the process, however that ends.

    Raises:
        StationError: if another process holds it.
    """
    refused = StationError(
        f"another process is training station {folder.name}; wait for it, or choose another name"
    )
    if not FOLDERS_LOCK:
        lock = FileLock(folder / LOCK)
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
