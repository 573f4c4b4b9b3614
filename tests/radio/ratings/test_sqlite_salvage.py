"""Rows read from damaged databases; from a sound one, all that SQLite reads."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from radio.ratings.sqlite_salvage import rows_of

PAGE = 4096


def database(path: Path, *, rows: int = 300, log: bool = False) -> sqlite3.Connection:
    """A table of all kinds of values, some rows longer than a page, some deleted."""
    rng = np.random.default_rng(0)
    made = sqlite3.connect(path, isolation_level=None)
    made.execute(f"PRAGMA page_size = {PAGE}")
    made.execute("PRAGMA journal_mode = WAL")
    if log:
        made.execute("PRAGMA wal_autocheckpoint = 0")
    made.execute(
        "CREATE TABLE things "
        "(name TEXT PRIMARY KEY, number REAL, whole INTEGER, text TEXT, bytes BLOB)"
    )
    made.execute("BEGIN")
    for index in range(rows):
        length = int(rng.choice([0, 10, 500, 3000, 9000, 40_000]))
        whole = int(rng.choice([0, 1, -1, 127, -129, 70_000, 1 << 40, -(1 << 62)]))
        values = (
            f"row {index}",
            float(rng.choice([0.0, 1.5, -7.0, 1e300])),
            whole,
            "é" * length,
            rng.bytes(length // 7) or None,
        )
        made.execute("INSERT INTO things VALUES (?, ?, ?, ?, ?)", values)
    made.execute("COMMIT")
    made.execute("DELETE FROM things WHERE whole = 127")
    return made


def things(rows: list[tuple]) -> dict[str, tuple]:
    found = [
        row
        for row in rows
        if len(row) == 5 and isinstance(row[0], str) and row[0].startswith("row ")
    ]
    named = {row[0]: row for row in found}
    assert len(named) == len(found)
    return named


@pytest.mark.parametrize("log", [False, True])
def test_it_reads_what_sqlite_reads(tmp_path: Path, log: bool) -> None:
    made = database(tmp_path / "f", log=log)
    expected = {row[0]: row for row in made.execute("SELECT * FROM things")}
    assert len(expected) > 200
    if not log:
        made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert ((tmp_path / "f-wal").stat().st_size > 0) == log
    assert things(rows_of(tmp_path / "f")) == expected


def test_damage_costs_the_rows_that_it_meets(tmp_path: Path) -> None:
    made = database(tmp_path / "f", rows=120)
    expected = {row[0]: row for row in made.execute("SELECT * FROM things")}
    made.close()
    sound = (tmp_path / "f").read_bytes()
    rng = np.random.default_rng(1)
    shares = []
    for kind in range(60):
        data = bytearray(sound)
        page = int(rng.integers(len(data) // PAGE)) * PAGE
        if kind % 4 == 0:
            data[page : page + PAGE] = rng.bytes(PAGE)
        elif kind % 4 == 1:
            del data[page + 100 :]
        elif kind % 4 == 2:
            data[0:100] = rng.bytes(100) if kind % 8 == 2 else bytes(100)
        else:
            for _ in range(5):
                data[int(rng.integers(len(data)))] ^= 255
        (tmp_path / "g").write_bytes(data)
        found = things(rows_of(tmp_path / "g"))
        # Bytes that are changed within a text are not noticed here: no checksum is over them.
        whole = [name for name, row in found.items() if row == expected.get(name)]
        assert len(whole) >= len(found) - 5
        if kind % 4 != 1:
            shares.append(len(whole) / len(expected))
    assert min(shares) > 0.6 and np.mean(shares) > 0.95


def test_noise_holds_no_rows_and_ends_soon(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for size in (0, 1, 99, 100, 5000, 200_000):
        data = bytearray(rng.bytes(size))
        data[100:101] = b"\x0d"[: len(data[100:101])]
        for start in range(PAGE, size, PAGE):
            data[start] = 13  # every page says that it has rows
        (tmp_path / "f").write_bytes(data)
        assert things(rows_of(tmp_path / "f")) == {}
