"""Opens the file of the ratings' database, and explains what SQLite reports.

database = connect(path)            checked, and brought up to the current version
with explained(path):               SQLite's errors become a RatingsError of one line
    database.execute(...)
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radio.ratings import schema

# Waiting times in seconds while another program writes; chosen, not measured: at the start a person
# waits anyway, later a listener's keys do, and radio/session/rating_writer.py tries again.
OPEN_SECONDS = 10.0
BUSY_SECONDS = 1.0


class RatingsError(ValueError):
    """The database can't be used; the message is one line. Nothing was overwritten."""


class DamagedRatings(RatingsError):
    """The file is damaged."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database at `path`, which is created if it is missing.

    Raises:
        DamagedRatings: if the file is damaged.
        RatingsError: if it is of a newer version, of another program, or can't be written.
    """
    with explained(path):
        database = sqlite3.connect(
            path, timeout=OPEN_SECONDS, check_same_thread=False, isolation_level=None
        )
    try:
        with explained(path):
            _prepare(database, path)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one line that says what to do.

    Raises:
        DamagedRatings: for a file that is damaged.
        RatingsError: for anything else that SQLite refuses.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise RatingsError(
                f"another program holds the ratings in {path} ({error}); wait for it, or close it"
            ) from error
        raise RatingsError(
            f"the ratings in {path} can't be used: {error}; "
            "check the folder, or choose another home"
        ) from error
    except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
        raise DamagedRatings(
            f"{path} is damaged ({error}); move it away, or put a copy back, and start again"
        ) from error


def pragma(database: sqlite3.Connection, name: str) -> int:
    """Return a setting of the file that is a whole number."""
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Check that the file is a ratings database before anything is written to it."""
    # One reading of all three: another program may be creating the tables.
    database.execute("BEGIN")
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version = pragma(database, "user_version")
    application = pragma(database, "application_id")
    database.execute("COMMIT")
    if (application, version) != (0, 0) or tables:
        if application != schema.APPLICATION:
            raise RatingsError(
                f"{path} is a database of another program; move it away or choose another home"
            )
        if version > schema.VERSION:
            raise RatingsError(
                f"{path} was written by a newer AI Radio "
                f"(version {version} of the table); update this one"
            )
    _use_write_ahead_log(database)
    database.execute("PRAGMA synchronous = FULL")
    # macOS's fsync stops at the drive's own memory
    database.execute("PRAGMA fullfsync = 1")
    if version < schema.VERSION:
        schema.upgrade(database)
    database.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_SECONDS)}")
    if database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise DamagedRatings(
            f"{path} is damaged; move it away, or put a copy back, and start again"
        )


def _use_write_ahead_log(database: sqlite3.Connection) -> None:
    # No busy timeout holds for this change: two programs that both read would wait
    # for each other, so it fails at once instead (sqlite.org/c3ref/busy_handler.html).
    deadline = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.02)
