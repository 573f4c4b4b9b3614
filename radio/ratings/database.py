"""What listeners said, in SQLite: one row a rated song, one commit a change, so that not even kill -9 loses a rating.

    ratings = Ratings(path)
    ratings.keep(Rating(...))               writes or rewrites the rating of one play of a song, by its key
    ratings.of(listener, station)           all of them, oldest first: the taste is rebuilt from these
    ratings.undo(listener, station, ...)    takes back the latest and returns it
    ratings.listeners()                     who has rated how many songs of which station

A row holds the song's coordinate P, from which station and song can be made again, and the slider's
curve as it was drawn. A second table holds what songs sounded like, for the time when the station
is trained again.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA_VERSION = 3
APPLICATION = 0x41695264  # "AiRd": marks the file as ours in SQLite's header
OPEN_SECONDS = 10.0  # how long to wait, at the start, while another program writes
MOST_WEIGHT = 100.0
# seconds since 1970: in the year 2999, beyond which Windows has no calendar
LATEST = 32_500_000_000.0
MOST_SOUNDS = 500  # of a listener and a station, about 40 MB
BUSY_SECONDS = 1.0  # and later, when a listener's keys wait too; who writes may try again

TABLE = """
CREATE TABLE ratings (
    key        TEXT PRIMARY KEY,  -- of one play of a song
    listener   TEXT NOT NULL,
    station    TEXT NOT NULL,
    made_by    TEXT NOT NULL,     -- fingerprint of the station: trained again it makes other songs of the same coordinates
    song       TEXT NOT NULL,     -- its name
    coordinate TEXT NOT NULL,     -- P, a JSON list of numbers
    rating     REAL NOT NULL,     -- -1 to 1
    weight     REAL NOT NULL,     -- how much the taste trusts it
    curve      TEXT NOT NULL,     -- a JSON list of [seconds, slider]
    skipped    INTEGER NOT NULL,  -- 1 if the song was ended early
    time       REAL NOT NULL,     -- seconds since 1970
    expected   REAL               -- what the radio expected when it chose the song, NULL before it had learned
)
"""
# The frames of rated songs, as radio/ratings/sound_codec.py packs them: of a station that was
# trained again nothing else tells how they sounded. A rating that is written over keeps its sound,
# one that is taken back takes it along.
SOUNDS = (
    "CREATE TABLE sounds (key TEXT PRIMARY KEY, frames BLOB NOT NULL)",
    "CREATE TRIGGER forget_sound AFTER DELETE ON ratings BEGIN DELETE FROM sounds WHERE key = OLD.key; END",
)
SCHEMA = (TABLE, "CREATE INDEX ratings_of ON ratings (listener, station, time)", *SOUNDS)
# What a table of an earlier version lacks, by the version that brought it.
ADDED = {2: ("ALTER TABLE ratings ADD COLUMN expected REAL",), 3: SOUNDS}
COLUMNS = "key, listener, station, made_by, song, coordinate, rating, weight, curve, skipped, time, expected"
MARKS = ", ".join("?" * len(COLUMNS.split(",")))


class RatingsError(ValueError):
    """The database can't be used; the message is one line. Nothing was overwritten."""


class DamagedRatings(RatingsError):
    """The file is damaged."""


@dataclass(eq=False)
class Rating:
    """One rating.

    Attributes:
        listener: who.
        station: on which station.
        made_by: fingerprint of the station as it was then.
        song: its name.
        coordinate: P (D,).
        rating: from -1 to 1.
        weight: how much it counts; a song that was skipped without a word counts less.
        curve: (k, 2) seconds into the song and slider; (0, 2) where there is none.
        skipped: whether the song was ended early.
        time: seconds since 1970.
        key: names this play of the song.
        expected: the rating that the radio expected when it chose the song; None before it had
            learned anything.
    """

    listener: str
    station: str
    made_by: str
    song: str
    coordinate: np.ndarray
    rating: float
    weight: float = 1.0
    curve: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    skipped: bool = False
    time: float = field(default_factory=time.time)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    expected: float | None = None


def rating_of_row(row: Sequence[Any]) -> Rating | None:
    """Return the rating of a row of the table; None if its values are not those of one, as another program or damage may leave them."""
    try:
        (
            key,
            listener,
            station,
            made_by,
            song,
            coordinate,
            rating,
            weight,
            curve,
            skipped,
            when,
            *rest,
        ) = row
        place = np.array(json.loads(coordinate), float)
        points = np.array(json.loads(curve), float).reshape(-1, 2)
        numbers = float(rating), float(weight), float(when)
        # a clock that was wrong is no reason to lose a rating
        moment = min(max(numbers[2], 0.0), LATEST)
        # a table of the first version has no such column
        expected = float(rest[0]) if rest and rest[0] is not None else None
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    texts = all(isinstance(text, str) for text in (key, listener, station, made_by, song))
    finite = (
        place.ndim == 1
        and place.size
        and np.isfinite(place).all()
        and np.isfinite(points).all()
        and np.isfinite(numbers).all()
    )
    if (
        not texts
        or not finite
        or not abs(numbers[0]) <= 1
        or not 0 <= numbers[1] <= MOST_WEIGHT
        or skipped not in (0, 1)
    ):
        return None
    if expected is not None and not np.isfinite(expected):
        return None
    return Rating(
        listener,
        station,
        made_by,
        song,
        place,
        numbers[0],
        numbers[1],
        points,
        bool(skipped),
        moment,
        key,
        expected,
    )


class Ratings:
    """The ratings' database.

    Args:
        path: of the file; made if it is not there.

    Raises:
        RatingsError: if the file is damaged, of a newer version, not ours, or can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rescued = ""
        self._version = -1  # of the file's content, as SQLite counts what others write
        self._lock = threading.Lock()  # a session's face and its background thread may both ask
        try:
            self._connect()
        except DamagedRatings:
            from radio.ratings.repair import rescue

            self.rescued = rescue(path)
            self._connect()

    def _connect(self) -> None:
        path = self.path
        with self._explained():
            self._database = sqlite3.connect(
                path, timeout=OPEN_SECONDS, check_same_thread=False, isolation_level=None
            )
        try:
            with self._explained():
                self._open()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        """Check what the file is before anything is written to it."""
        version = self._pragma("user_version")
        application = self._pragma("application_id")
        tables = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (application, version) != (0, 0) or tables:
            if application != APPLICATION:
                raise RatingsError(
                    f"{self.path} is a database of another program; move it away or choose another home"
                )
            if version > SCHEMA_VERSION:
                raise RatingsError(
                    f"{self.path} was written by a newer AI Radio (version {version} of the table); update this one"
                )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        # macOS's fsync stops at the drive's own memory
        self._database.execute("PRAGMA fullfsync = 1")
        if version < SCHEMA_VERSION:
            # IMMEDIATE, and looked at again under the lock: two programs may start at once.
            self._database.execute("BEGIN IMMEDIATE")
            found = self._pragma("user_version")
            added = [
                statement
                for number in range(found + 1, SCHEMA_VERSION + 1)
                for statement in ADDED.get(number, ())
            ]
            for statement in SCHEMA if found == 0 else added:
                self._database.execute(statement)
            self._database.execute(f"PRAGMA application_id = {APPLICATION}")
            self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._database.execute("COMMIT")
        self._database.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_SECONDS)}")
        if self._database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise DamagedRatings(
                f"{self.path} is damaged; move it away, or put a copy back, and start again"
            )

    def keep(self, rating: Rating) -> None:
        """Write a rating, at once and for good; the same key again replaces it."""
        self.keep_all([rating])

    def keep_all(self, ratings: list[Rating]) -> None:
        """Write ratings, all or none."""
        rows = [
            (
                rating.key,
                rating.listener,
                rating.station,
                rating.made_by,
                rating.song,
                json.dumps(np.asarray(rating.coordinate, float).tolist()),
                float(rating.rating),
                float(rating.weight),
                json.dumps(np.asarray(rating.curve, float).tolist()),
                int(rating.skipped),
                rating.time,
                None if rating.expected is None else float(rating.expected),
            )
            for rating in ratings
        ]
        with self._lock, self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(
                    f"INSERT OR REPLACE INTO ratings ({COLUMNS}) VALUES ({MARKS})",  # noqa: S608
                    rows,  # noqa: S608
                )
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    def of(self, listener: str, station: str) -> list[Rating]:
        """Return a listener's ratings on a station, oldest first."""
        return self._select(
            "listener = ? AND station = ? ORDER BY time, rowid", (listener, station)
        )

    def all(self) -> list[Rating]:
        """Return everything that anybody said, the latest first."""
        return self._select("1 = 1 ORDER BY time DESC, rowid DESC", ())

    def get(self, key: str) -> Rating | None:
        """Return the rating of one play; None if there is none."""
        found = self._select("key = ?", (key,))
        return found[0] if found else None

    def judged(
        self, listener: str, station: str, made_by: str
    ) -> list[tuple[str, float | None, float]]:
        """Return (song, expected, given) of a listener's ratings of a station's songs, the latest first."""
        condition = "listener = ? AND station = ? AND made_by = ? ORDER BY time DESC, rowid DESC"
        values = listener, station, made_by
        with self._lock, self._explained():
            rows = self._database.execute(
                f"SELECT song, expected, rating FROM ratings WHERE {condition}",  # noqa: S608
                values,  # noqa: S608
            )
            return rows.fetchall()

    def values(self, listener: str, station: str, made_by: str) -> dict[str, tuple[float, float]]:
        """Return {key: (rating, weight)} as the rows have it: a hundred times faster than the ratings themselves."""
        condition = "listener = ? AND station = ? AND made_by = ?"
        with self._lock, self._explained():
            rows = self._database.execute(
                f"SELECT key, rating, weight FROM ratings WHERE {condition}",  # noqa: S608
                (listener, station, made_by),
            )
            return {key: (rating, weight) for key, rating, weight in rows.fetchall()}

    def mark(self, listener: str, station: str) -> tuple[int, int]:
        """Return two numbers that change with every change of a listener's ratings on a station, whoever made it."""
        # Whatever is written, written anew too, becomes the latest row.
        query = "SELECT count(*), coalesce(max(rowid), 0) FROM ratings WHERE listener = ? AND station = ?"
        with self._lock, self._explained():
            count, latest = self._database.execute(query, (listener, station)).fetchone()
        return int(count), int(latest)

    def listeners(self) -> list[tuple[str, str, int]]:
        """Return (listener, station, how many ratings), sorted."""
        return [(listener, station, count) for listener, station, count, _ in self.latest()]

    def latest(self) -> list[tuple[str, str, int, float]]:
        """Return (listener, station, how many ratings, time of the latest), sorted."""
        # SQLite keeps bytes where text belongs, and text where numbers do, if another program wrote
        # them.
        query = f"""
            SELECT listener, station, count(*), max(min(max(time), {LATEST}), 0.0) FROM ratings
            WHERE typeof(listener) = 'text' AND typeof(station) = 'text' GROUP BY listener, station ORDER BY listener, station
        """  # noqa: S608
        with self._lock, self._explained():
            return self._database.execute(query).fetchall()

    def of_listener(self, listener: str) -> list[Rating]:
        """Return a listener's ratings on all stations, oldest first."""
        return self._select("listener = ? ORDER BY time, rowid", (listener,))

    def remove_listener(self, listener: str) -> int:
        """Take back everything a listener said, and return how many ratings that were."""
        with self._lock, self._explained():
            return self._database.execute(
                "DELETE FROM ratings WHERE listener = ?", (listener,)
            ).rowcount

    def changed_elsewhere(self) -> bool:
        """Return whether another connection has written since this was asked last."""
        with self._lock, self._explained():
            before, self._version = self._version, self._pragma("data_version")
        return before != self._version

    def total(self) -> int:
        """Return how many ratings there are, of all listeners."""
        with self._lock, self._explained():
            return int(self._database.execute("SELECT count(*) FROM ratings").fetchone()[0])

    def keep_sound(self, key: str, frames: bytes) -> None:
        """Keep the frames of a rated song, if that play has a rating, and those of MOST_SOUNDS ratings of its listener and station."""
        with self._lock, self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                rated = "INSERT OR REPLACE INTO sounds (key, frames) SELECT key, ? FROM ratings WHERE key = ?"
                self._database.execute(rated, (frames, key))
                older = """DELETE FROM sounds WHERE key IN (
                    SELECT other.key FROM ratings AS one JOIN ratings AS other USING (listener, station)
                    WHERE one.key = ? ORDER BY other.time DESC, other.rowid DESC LIMIT -1 OFFSET ?)"""
                self._database.execute(older, (key, MOST_SOUNDS))
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    def sound(self, key: str) -> bytes | None:
        """Return the frames of a rated song; None if there are none."""
        with self._lock, self._explained():
            row = self._database.execute(
                "SELECT frames FROM sounds WHERE key = ?", (key,)
            ).fetchone()
        return row[0] if row and isinstance(row[0], bytes) else None

    def with_sound(self, listener: str, station: str) -> set[str]:
        """Return the keys of a listener's ratings on a station whose frames are kept."""
        query = "SELECT sounds.key FROM sounds JOIN ratings ON ratings.key = sounds.key WHERE listener = ? AND station = ?"
        with self._lock, self._explained():
            return {key for (key,) in self._database.execute(query, (listener, station))}

    def undo(self, listener: str, station: str, made_by: str) -> Rating | None:
        """Take back a listener's latest rating of a station's songs and return it; None if there is none."""
        # By the order of writing, not of time: clocks are set back.
        condition = "listener = ? AND station = ? AND made_by = ? ORDER BY rowid DESC LIMIT 1"
        latest = self._select(condition, (listener, station, made_by))
        if not latest:
            return None
        self.remove(latest[0].key)
        return latest[0]

    def remove(self, key: str) -> None:
        """Take back the rating of one play, if there is one."""
        with self._lock, self._explained():
            self._database.execute("DELETE FROM ratings WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _select(self, condition: str, values: tuple[str, ...]) -> list[Rating]:
        with self._lock, self._explained():
            # Both are literals of this file; what comes from outside are the values.
            rows = self._database.execute(
                f"SELECT {COLUMNS} FROM ratings WHERE {condition}",  # noqa: S608
                values,  # noqa: S608
            ).fetchall()
        return [one for row in rows if (one := rating_of_row(row)) is not None]

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into one line that says what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise RatingsError(
                    f"another program holds the ratings in {self.path} ({error}); wait for it, or close it"
                ) from error
            raise RatingsError(
                f"the ratings in {self.path} can't be used: {error}; check the folder, or choose another home"
            ) from error
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            raise DamagedRatings(
                f"{self.path} is damaged ({error}); move it away, or put a copy back, and start again"
            ) from error
