"""`history`, `listeners`, `completion` and what `doctor` says of sound, as they are typed."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from radio.cli import main as cli
from radio.cli.commands import doctor as about
from radio.cli.parser import COMMANDS
from radio.ratings import Rating, Ratings


@pytest.fixture
def rated(home: Path) -> Path:
    ratings = Ratings(home / "ratings.db")
    curve = np.array([[3.0, 0.5], [6.0, 0.5]])
    ratings.write(
        Rating(
            "anna",
            "mine",
            "ab",
            "Blue, Bay",
            np.array([0.5, 1.0]),
            0.5,
            curve=curve,
            time=1e9,
            key="a",
            expected=1.7,
        )
    )
    ratings.write(
        Rating(
            "me",
            "starter",
            "cd",
            "Red Hill",
            np.array([0.1, 0.2]),
            -0.3,
            skipped=True,
            weight=0.5,
            time=2e9,
            key="b",
        )
    )
    ratings.close()
    return home


def test_history_is_a_table_or_for_a_program(
    rated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["history"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert "Red Hill" in first and "-0.30" in first and first.endswith("skipped"), (
        "the latest first"
    )
    assert (
        "Blue, Bay" in second
        and "+1.00" in second
        and "+0.50" in second
        and head.startswith("when")
    )
    assert cli.main(["history", "--json", "--listener", "anna"]) == 0
    (only,) = json.loads(capsys.readouterr().out)
    assert (
        only["song"] == "Blue, Bay"
        and only["coordinate"] == [0.5, 1.0]
        and only["curve"] == [[3.0, 0.5], [6.0, 0.5]]
    )
    assert only["time"] == "2001-09-09T01:46:40Z" and only["expected"] == 1.7
    assert cli.main(["history", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["song"], row["rating"], row["expected"]) for row in rows] == [
        ("Red Hill", "-0.3", ""),
        ("Blue, Bay", "0.5", "1.7"),
    ]
    assert cli.main(["history", "--station", "none"]) == 0
    assert (
        "The station none has no ratings; stations with ratings: mine, starter"
        in capsys.readouterr().out
    )
    assert cli.main(["history", "--listener", "ana"]) == 0
    assert "did you mean anna?; listeners with ratings: anna, me" in capsys.readouterr().out
    assert cli.main(["history", "--listener", "../x"]) == 2


def test_listeners_are_listed(rated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["listeners"]) == 0
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()] == [
        ["anna", "mine", "1"],
        ["me", "starter", "1"],
    ]
    assert cli.main(["listeners", "--json"]) == 0
    assert [one["listener"] for one in json.loads(capsys.readouterr().out)] == ["anna", "me"]


def test_nothing_is_made_where_nothing_was_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (
        ["history"],
        ["history", "--json"],
        ["history", "--csv"],
        ["listeners"],
        ["listeners", "--json"],
    ):
        assert cli.main(arguments) == 0
    assert not (home / "ratings.db").exists() and capsys.readouterr().err == ""
    (home / "ratings.db").write_bytes(b"no database" * 1000)
    assert cli.main(["history"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh", "fish"])
def test_completion_is_a_script_of_all_commands(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command in script for command in COMMANDS)
    if shell == "bash":
        (tmp_path / "script").write_text(script)
        assert (
            subprocess.run(["bash", "-n", str(tmp_path / "script")], capture_output=True).returncode
            == 0
        )


def test_doctor_plays_a_tone_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[np.ndarray] = []

    class Taking:
        name, underruns, failure, volume, finished = "taking", 0, None, 0.0, True

        def play(self, samples: np.ndarray, rate: int) -> None:
            heard.append(samples)

        def close(self) -> None:
            heard.append(np.zeros(0))

    monkeypatch.setattr("audio_parsing.playback.Player", Taking)
    monkeypatch.setattr("audio_parsing.playback.open_player", lambda: (Taking(), None))
    assert about._sound(tone=True)["test tone"].startswith("1 s of 440 Hz")
    tone, closed = heard
    assert (
        tone.size == 22050
        and np.argmax(np.abs(np.fft.rfft(tone))) == 440
        and np.abs(tone).max() < 0.25
        and closed.size == 0
    )
    assert about._sound(tone=False)["test tone"] == "not played"
