"""A damaged ratings database: readable rows are rescued, the damaged file is kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from tiny_station import tiny_station

from radio.composer import LocalComposer
from radio.home import Home
from radio.ratings import Rating, Ratings, RatingsError, open_ratings
from radio.ratings.schema import COLUMNS
from radio.station import station_fingerprint
from tests.radio.test_fuzz import fuzz, often

PAGE = 4096


def rating(number: int, size: int = 66) -> Rating:
    rng = np.random.default_rng(number)
    curve = np.stack([np.arange(number % 400) / 4, rng.uniform(-1, 1, number % 400)], axis=1)
    place, value = rng.standard_normal(size), float(rng.uniform(-1, 1))
    return Rating(
        "me",
        "tiny",
        "ab12",
        f"song {number}",
        place,
        value,
        curve=curve,
        time=float(number),
        key=f"{number:032}",
    )


def equal(one: Rating, other: Rating) -> bool:
    names = ("song", "rating", "weight", "time", "skipped")
    alike = all(getattr(one, name) == getattr(other, name) for name in names) and np.array_equal(
        one.coordinate, other.coordinate
    )
    return alike and np.array_equal(one.curve, other.curve)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database of 250 ratings, some with long curves."""
    path = tmp_path_factory.mktemp("sound") / "ratings.db"
    ratings = Ratings(path)
    for number in range(250):
        ratings.write(rating(number))
    for number in range(0, 250, 10):
        ratings.remove(f"{number:032}")
    ratings._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ratings.close()
    return path.read_bytes()


def harmed(sound: bytes, kind: int, rng: np.random.Generator) -> bytes:
    data = bytearray(sound)
    page = int(rng.integers(1, len(data) // PAGE)) * PAGE
    if kind == 0:
        data[page : page + PAGE] = rng.bytes(PAGE)
    elif kind == 1:
        data[page : page + 8] = bytes(8)  # what says how many rows there are, and where
    elif kind == 2:
        del data[page + 100 :]
    elif kind == 3:
        data[:100] = rng.bytes(100)
    else:
        data[100:PAGE] = rng.bytes(PAGE - 100)  # where the tables are
    return bytes(data)


@pytest.mark.parametrize("kind", range(5))
def test_what_can_be_read_is_rescued(
    tmp_path: Path, sound: bytes, kind: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(kind)
    rescued = []
    for index in range(4):
        path = tmp_path / str(index) / "ratings.db"
        path.parent.mkdir()
        content = harmed(sound, kind, rng)
        path.write_bytes(content)
        ratings = open_ratings(path)
        found = ratings.of("me", "tiny")
        said = capsys.readouterr().err
        assert said.count("\n") == bool(said)
        if said:
            assert f"{len(found)} ratings were rescued" in said
            (kept,) = path.parent.glob("ratings.damaged-*.db")
            assert kept.read_bytes() == content
        for one in found:
            number = int(one.key)
            # none that was taken back comes again
            assert number % 10 and equal(one, rating(number))
        rescued.append(len(found))
        ratings.write(rating(1000))
        ratings.close()
        assert len(Ratings(path).of("me", "tiny")) == len(found) + 1 and not capsys.readouterr().err
        assert not [left for left in path.parent.iterdir() if left.name.startswith(".")]
    assert kind == 2 or min(rescued) > 180, rescued


def test_ratings_in_the_log_beside_a_damaged_file_are_rescued(tmp_path: Path) -> None:
    path = tmp_path / "a" / "ratings.db"
    path.parent.mkdir()
    ratings = Ratings(path)
    ratings._database.execute("PRAGMA wal_autocheckpoint = 0")
    for number in range(40):
        ratings.write(rating(number))
    files = {name: path.with_name(name).read_bytes() for name in ("ratings.db", "ratings.db-wal")}
    ratings.close()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "ratings.db").write_bytes(b"noise" * 1000)
    assert [one.time for one in open_ratings(tmp_path / "ratings.db").of("me", "tiny")] == list(
        range(40)
    )


def test_where_nothing_can_be_rescued_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "ratings.db").write_bytes(b"SQLite format 3\0" + b"noise" * 1000)
    with pytest.raises(RatingsError, match="no rating can be read of it"):
        open_ratings(tmp_path / "ratings.db")
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.db"]


NUMBERS = (
    st.integers(-(1 << 63), (1 << 63) - 1) | st.floats() | st.sampled_from([0, 0.5, -1, 1e300])
)
LISTS = st.sampled_from(
    [
        "[]",
        "[0,0,0,0,0,0,0,0]",
        "[[1,0.5]]",
        "[[1,2],[3]]",
        "[NaN]",
        "[1e999]",
        "{}",
        "null",
        "[" * 3000,
        "[null]",
        '["1"]',
        "[[[1,2]]]",
    ]
)
VALUES = NUMBERS | st.text(max_size=5) | st.binary(max_size=5) | LISTS
ROWS = st.tuples(
    VALUES,
    VALUES,
    VALUES,
    VALUES,
    VALUES,
    LISTS | VALUES,
    NUMBERS | VALUES,
    NUMBERS | VALUES,
    LISTS | VALUES,
    VALUES,
    VALUES,
)


@often
def test_a_row_that_is_no_rating_is_passed_over(tmp_path: Path, count: int) -> None:
    """Rows as another program might write them, some under this listener's name."""
    fingerprint = station_fingerprint(tiny_station())
    Ratings(tmp_path / "ratings.db").close()

    def check(row: tuple[Any, ...]) -> None:
        with sqlite3.connect(tmp_path / "ratings.db") as database:
            database.execute("DELETE FROM ratings")
            for values in (row, (row[0], "me", "tiny", fingerprint, *row[4:])):
                names = COLUMNS.removesuffix(", expected")
                database.execute(
                    f"INSERT OR REPLACE INTO ratings ({names}) "  # noqa: S608
                    "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                    [null(v) for v in values],
                )
        database.close()
        ratings = Ratings(tmp_path / "ratings.db")
        found = ratings.of("me", "tiny")
        ratings.undo("me", "tiny", fingerprint)
        ratings.close()
        assert all(np.isfinite(one.coordinate).all() and abs(one.rating) <= 1 for one in found)

    fuzz(count, ROWS, check)


def null(value: Any) -> Any:
    """Return a value that SQLite takes where NULL is refused."""
    return 0 if value != value or value is None else value


def test_a_session_leaves_rows_of_another_size_alone(tmp_path: Path) -> None:
    station = tiny_station()
    ratings = Ratings(tmp_path / "ratings.db")
    for number in range(3):
        one = rating(number, size=station.size if number else 5)
        one.made_by = station_fingerprint(station)
        ratings.write(one)
    ratings.close()
    composer = LocalComposer(station, "me", home=Home(tmp_path), background=False)
    assert composer.rated == 2
    composer.next_song()
    composer.close()
