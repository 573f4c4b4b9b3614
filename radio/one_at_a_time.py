"""One process at a time may train a station: two would write their checkpoints over each other's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radio.station import StationError


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a station's folder; whatever ends the process lets go of it, so nothing stays locked.

    NOTE: Windows has no locks of folders; there nobody is kept out.

    Raises:
        StationError: if another process holds it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StationError(f"another process is training station {folder.name}; wait for it, or choose another name") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
