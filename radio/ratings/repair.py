"""Opens the ratings' database; a damaged one is first replaced by one with its readable rows."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from radio.ratings.connection import DamagedRatings, RatingsError
from radio.ratings.database import Ratings
from radio.ratings.rating import rating_of_row
from radio.ratings.sqlite_salvage import rows_of


def open_ratings(path: Path) -> Ratings:
    """Open the database; a damaged one is repaired first, and a line on stderr says so.

    Raises:
        RatingsError: if it can't be used, or not be repaired.
    """
    try:
        return Ratings(path)
    except DamagedRatings:
        print(repair(path), file=sys.stderr)
        return Ratings(path)


def repair(path: Path) -> str:
    """Replace a damaged database by one with its readable ratings; return a line that says so.

    Raises:
        RatingsError: if no rating is readable, or nothing can be written; the file is then left as
            it was.
    """
    try:
        found = [rating for row in rows_of(path) if (rating := rating_of_row(row)) is not None]
    except OSError as error:
        raise RatingsError(
            f"{path} is damaged and can't be read ({error.strerror or error}); put a copy back"
        ) from error
    if not found:
        raise RatingsError(
            f"{path} is damaged, and no rating can be read of it; "
            "move it away, or put a copy back, and start again"
        )
    # Of rows with the same key, which damage may bring back, the latest.
    ratings = {rating.key: rating for rating in sorted(found, key=lambda rating: rating.time)}
    unfinished = path.with_name(f".{path.name}.rescued-{os.getpid()}")
    damaged = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    try:
        database = Ratings(unfinished)
        for rating in ratings.values():
            database.write(rating)
        database.close()
        # empty: closing the last connection moves the log's content into the database
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
    return (
        f"{path} was damaged: {len(ratings)} ratings were rescued, "
        f"and the damaged file is kept as {damaged.name}"
    )


def _sidecar(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
