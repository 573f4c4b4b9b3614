"""The database of ratings: SQLite, one row a rated song, one commit a change.

    ratings = Ratings(path)                 open_ratings in repair.py repairs a damaged file as well
    ratings.write(Rating(...))              adds the rating of one play of a song, or overwrites it
    ratings.of(listener, station)           all of them, oldest first, for the taste
    ratings.undo(listener, station, ...)    deletes the latest and returns it
    ratings.listeners()                     who has rated how many songs of which station

So not even kill -9 loses a rating. A row holds the song's coordinate P, from which it can be made
again, and the slider's curve. A second table holds the frames of rated songs,
for the time when the station is retrained.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from radio.ratings import schema
from radio.ratings.connection import connect, explained, pragma
from radio.ratings.rating import LATEST_TIME, Rating, rating_of_row, row_of_rating

MAX_SOUNDS = 500  # of a listener and a station: 40 MB at the 80 kB a song of sound_codec.py


class Ratings:
    """See the module's contract.

    Args:
        path: of the file; created if it is missing.

    Raises:
        DamagedRatings: if the file is damaged; `open_ratings` repairs it.
        RatingsError: if it is of a newer version, of another program, or can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version = -1  # of the file's content, as SQLite counts what others write
        self._lock = threading.Lock()  # a session and its composer's thread may both ask
        self._database = connect(path)

    def write(self, rating: Rating) -> None:
        """Write a rating, at once and for good; the same key again overwrites it."""
        self.write_all([rating])

    def write_all(self, ratings: list[Rating]) -> None:
        """Write ratings, all or none."""
        rows = [row_of_rating(rating) for rating in ratings]
        marks = ", ".join("?" * len(schema.COLUMNS.split(",")))
        with self._transaction():
            self._database.executemany(
                f"INSERT OR REPLACE INTO ratings ({schema.COLUMNS}) VALUES ({marks})",  # noqa: S608
                rows,
            )

    def of(self, listener: str, station: str) -> list[Rating]:
        """Return a listener's ratings on a station, oldest first."""
        return self._select(
            "listener = ? AND station = ? ORDER BY time, rowid", (listener, station)
        )

    def of_listener(self, listener: str) -> list[Rating]:
        """Return a listener's ratings on all stations, oldest first."""
        return self._select("listener = ? ORDER BY time, rowid", (listener,))

    def all(self) -> list[Rating]:
        """Return everybody's ratings, the latest first."""
        return self._select("1 = 1 ORDER BY time DESC, rowid DESC", ())

    def get(self, key: str) -> Rating | None:
        """Return the rating of one play; None if there is none."""
        found = self._select("key = ?", (key,))
        return found[0] if found else None

    def judged(
        self, listener: str, station: str, made_by: str
    ) -> list[tuple[str, float | None, float, bool]]:
        """Return (song, predicted, rating, untouched) of each rating of a station, latest first."""
        return self._rows(
            "SELECT song, expected, rating, skipped AND curve = '[]' FROM ratings"
            " WHERE listener = ? AND station = ? AND made_by = ? ORDER BY time DESC, rowid DESC",
            (listener, station, made_by),
        )

    def values(self, listener: str, station: str, made_by: str) -> dict[str, tuple[float, float]]:
        """Return {key: (rating, weight)}: a hundred times faster than whole ratings."""
        rows = self._rows(
            "SELECT key, rating, weight FROM ratings"
            " WHERE listener = ? AND station = ? AND made_by = ?",
            (listener, station, made_by),
        )
        return {key: (rating, weight) for key, rating, weight in rows}

    def mark(self, listener: str, station: str) -> tuple[int, int]:
        """Return two numbers that change whenever a listener's ratings on a station change."""
        # Whatever is written, or overwritten, becomes the latest row.
        ((count, latest),) = self._rows(
            "SELECT count(*), coalesce(max(rowid), 0) FROM ratings"
            " WHERE listener = ? AND station = ?",
            (listener, station),
        )
        return int(count), int(latest)

    def listeners(self) -> list[tuple[str, str, int]]:
        """Return (listener, station, number of ratings), sorted."""
        return [(listener, station, count) for listener, station, count, _ in self.latest()]

    def latest(self) -> list[tuple[str, str, int, float]]:
        """Return (listener, station, number of ratings, time of the latest), sorted."""
        # SQLite stores bytes in a column of text, and text in one of numbers, if another program
        # wrote them.
        return self._rows(
            "SELECT listener, station, count(*), max(min(max(time), ?), 0.0) FROM ratings"
            " WHERE typeof(listener) = 'text' AND typeof(station) = 'text'"
            " GROUP BY listener, station ORDER BY listener, station",
            (LATEST_TIME,),
        )

    def remove_listener(self, listener: str) -> int:
        """Delete all ratings of a listener, and return how many there were."""
        with self._lock, explained(self.path):
            return self._database.execute(
                "DELETE FROM ratings WHERE listener = ?", (listener,)
            ).rowcount

    def changed_elsewhere(self) -> bool:
        """Return whether another connection has written since the last call."""
        with self._lock, explained(self.path):
            before, self._version = self._version, pragma(self._database, "data_version")
        return before != self._version

    def total(self) -> int:
        """Return the number of all listeners' ratings."""
        return int(self._rows("SELECT count(*) FROM ratings")[0][0])

    def write_sound(self, key: str, frames: bytes) -> None:
        """Write the frames of a play that has a rating; keep the latest MAX_SOUNDS of a listener.

        Args:
            key: of the play.
            frames: as `pack` in sound_codec.py returns them.
        """
        older = """DELETE FROM sounds WHERE key IN (
            SELECT other.key FROM ratings AS one JOIN ratings AS other USING (listener, station)
            WHERE one.key = ? ORDER BY other.time DESC, other.rowid DESC LIMIT -1 OFFSET ?)"""
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO sounds (key, frames)"
                " SELECT key, ? FROM ratings WHERE key = ?",
                (frames, key),
            )
            self._database.execute(older, (key, MAX_SOUNDS))

    def sound(self, key: str) -> bytes | None:
        """Return the frames of a rated song; None if there are none."""
        rows = self._rows("SELECT frames FROM sounds WHERE key = ?", (key,))
        return rows[0][0] if rows and isinstance(rows[0][0], bytes) else None

    def with_sound(self, listener: str, station: str) -> set[str]:
        """Return the keys of a listener's ratings on a station whose frames are stored."""
        rows = self._rows(
            "SELECT sounds.key FROM sounds JOIN ratings ON ratings.key = sounds.key"
            " WHERE listener = ? AND station = ?",
            (listener, station),
        )
        return {key for (key,) in rows}

    def undo(self, listener: str, station: str, made_by: str) -> Rating | None:
        """Delete a listener's latest rating on a station and return it; None without one."""
        # By the order of writing, not of time: clocks are set back.
        condition = "listener = ? AND station = ? AND made_by = ? ORDER BY rowid DESC LIMIT 1"
        latest = self._select(condition, (listener, station, made_by))
        if not latest:
            return None
        self.remove(latest[0].key)
        return latest[0]

    def remove(self, key: str) -> None:
        """Delete the rating of one play, if there is one."""
        with self._lock, explained(self.path):
            self._database.execute("DELETE FROM ratings WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, explained(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: tuple[str | float, ...] = ()) -> list[Any]:
        with self._lock, explained(self.path):
            return self._database.execute(query, values).fetchall()

    def _select(self, condition: str, values: tuple[str, ...]) -> list[Rating]:
        # The condition is a literal of this file; what comes from outside are the values.
        query = f"SELECT {schema.COLUMNS} FROM ratings WHERE {condition}"  # noqa: S608
        rows = self._rows(query, values)
        return [one for row in rows if (one := rating_of_row(row)) is not None]
