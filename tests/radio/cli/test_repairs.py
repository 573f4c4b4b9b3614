"""`ai-radio doctor --fix`: each problem is reported and repaired once; nothing is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from radio.cli import main as cli
from radio.cli.repairs import repairs
from radio.home import STARTER, Home, read_settings
from radio.ratings import Rating, Ratings
from radio.session import read_last


def carry_out(home: Path) -> list[str]:
    """Carry out all repairs, and return the problems; afterwards there are none."""
    problems = []
    for each in repairs(Home(home)):
        each.carry_out()
        problems.append(each.problem)
    assert not list(repairs(Home(home)))
    assert all("\n" not in problem for problem in problems)
    return problems


def test_a_home_in_order_is_left_alone(home: Path) -> None:
    ratings = Ratings(home / "ratings.db")
    ratings.write(Rating("me", STARTER, "ab", "Song", np.zeros(3), 0.5))
    ratings.close()
    (home / "config.toml").write_text('[save]\nkind = "flac"\n')
    assert carry_out(home) == []
    assert {path.name for path in home.iterdir()} == {"config.toml", "ratings.db"}


def test_settings_with_a_mistake_are_kept_aside(home: Path) -> None:
    (home / "config.toml").write_text("[keys]\nnext = 7\n")
    (problem,) = carry_out(home)
    assert "next" in problem and read_settings(home / "config.toml").kind == "wav"
    (aside,) = home.glob("config.damaged-*.toml")
    assert aside.read_text() == "[keys]\nnext = 7\n"


def test_ratings_that_nobody_can_read_are_kept_aside(home: Path) -> None:
    (home / "ratings.db").write_bytes(b"no database" * 1000)
    assert len(carry_out(home)) == 1
    (aside,) = home.glob("ratings.damaged-*.db")
    assert aside.read_bytes() == b"no database" * 1000
    Ratings(home / "ratings.db").close()


def test_a_newer_database_is_not_touched(home: Path) -> None:
    ratings = Ratings(home / "ratings.db")
    ratings._database.execute("PRAGMA user_version = 99")
    ratings.close()
    assert carry_out(home) == [] and (home / "ratings.db").exists()


@pytest.mark.parametrize("station", ["gone", "damaged"])
def test_a_session_that_cannot_be_resumed_begins_anew(home: Path, station: str) -> None:
    (home / "stations" / "damaged").mkdir(parents=True)
    (home / "stations" / "damaged" / "station.npz").write_bytes(b"noise" * 100)
    last = {"listener": "you", "station": station, "volume": 0.25, "song": None}
    (home / "session.json").write_text(json.dumps(last))
    (problem,) = carry_out(home)
    found = read_last(home / "session.json")
    assert station in problem
    assert (found.listener, found.station, found.volume) == ("you", STARTER, 0.25)
    assert (home / "stations" / "damaged" / "station.npz").exists()


def test_unfinished_files_are_deleted_once_no_process_can_be_writing_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "songs").mkdir()
    left = [home / ".session.json.ab.part", home / "songs" / ".song.wav.cd.tmp"]
    others = [home / "songs" / ".hidden.wav", home / "songs" / "song.tmp"]
    for path in left + others:
        path.write_bytes(b"")
    assert carry_out(home) == [], "a process may be writing them"
    for path in left + others:
        os.utime(path, (0, 0))
    assert len(carry_out(home)) == 1
    assert not any(path.exists() for path in left) and all(path.exists() for path in others)


def test_as_it_is_typed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config.toml").write_text("no settings")
    assert cli.main(["doctor", "--quiet"]) == 1
    assert "PROBLEM" in capsys.readouterr().out and (home / "config.toml").exists()
    assert cli.main(["doctor", "--quiet", "--fix", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert "config.toml" in facts["repaired"][0] and not (home / "config.toml").exists()
