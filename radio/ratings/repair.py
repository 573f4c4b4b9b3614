"""A damaged database of ratings: what can be read goes into a new one, and the damaged one is kept beside it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from radio.ratings.database import Ratings, RatingsError, rating_of_row
from radio.ratings.sqlite_salvage import rows_of


def rescue(path: Path) -> str:
    """Put a new database with the ratings that can still be read into the place of a damaged one; return a line that says so.

    Raises:
        RatingsError: if there is none that can be read, or nothing can be written; the file is left
            as it was.
    """
    try:
        found = [rating for row in rows_of(path) if (rating := rating_of_row(row)) is not None]
    except OSError as error:
        raise RatingsError(
            f"{path} is damaged and can't be read ({error.strerror or error}); put a copy back"
        ) from error
    if not found:
        raise RatingsError(
            f"{path} is damaged, and no rating can be read of it; move it away, or put a copy back, and start again"
        )
    # Of rows with the same key, which damage may bring back, the one that was given last.
    ratings = {rating.key: rating for rating in sorted(found, key=lambda rating: rating.time)}
    unfinished = path.with_name(f".{path.name}.rescued-{os.getpid()}")
    damaged = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    try:
        database = Ratings(unfinished)
        for rating in ratings.values():
            database.keep(rating)
        database.close()
        # empty: the last one to close a database brings everything into it
        _sidecar(unfinished, "-wal").unlink(missing_ok=True)
        for sidecar in ("-wal", "-shm"):
            if _sidecar(path, sidecar).exists():
                os.replace(_sidecar(path, sidecar), _sidecar(damaged, sidecar))
        os.replace(path, damaged)
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise RatingsError(
            f"{path} is damaged and can't be replaced ({error.strerror or error}); put a copy back"
        ) from error
    line = f"{path} was damaged: {len(ratings)} ratings were rescued, and the damaged file is kept as {damaged.name}"
    print(line, file=sys.stderr)
    return line


def _sidecar(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
