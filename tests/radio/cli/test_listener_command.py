"""`ai-radio listener` exports, imports and deletes ratings, and refuses other files in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from radio.cli.main import main
from radio.home import Home
from radio.ratings import Rating, Ratings


def rate(home: Path, listener: str = "me", count: int = 3) -> None:
    ratings = Ratings(Home(home).ratings)
    for number in range(count):
        curve = np.array([] if number == 1 else [[3.0, 0.1], [5.0, 0.25]]).reshape(-1, 2)
        ratings.write(
            Rating(
                listener,
                "starter",
                "abc",
                f"song {number}",
                np.arange(4.0),
                0.25,
                curve=curve,
                skipped=number == 1,
            )
        )
    ratings.close()


def test_ratings_go_from_home_to_home_and_are_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, file = tmp_path / "first", tmp_path / "second", tmp_path / "me.json"
    rate(first)
    rate(first, "you", 1)
    assert main(["listener", "export", "me", str(file), "--home", str(first)]) == 0
    for _ in range(2):  # the second time changes nothing
        assert main(["listener", "import", "guest", str(file), "--home", str(second)]) == 0
    before, after = Ratings(Home(first).ratings), Ratings(Home(second).ratings)
    assert after.listeners() == [("guest", "starter", 3)]
    for one, other in zip(before.of_listener("me"), after.of_listener("guest"), strict=True):
        assert (one.song, one.rating, one.skipped, one.time, one.key) == (
            other.song,
            other.rating,
            other.skipped,
            other.time,
            other.key,
        )
        np.testing.assert_array_equal(one.curve, other.curve)
        np.testing.assert_array_equal(one.coordinate, other.coordinate)
    (first / "listeners" / "me").mkdir(parents=True)
    assert main(["listener", "delete", "me", "--home", str(first)]) == 0
    assert (
        before.listeners() == [("you", "starter", 1)] and not (first / "listeners" / "me").exists()
    )
    capsys.readouterr()
    assert main(["listener", "--json", "--home", str(first)]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"listener": "you", "station": "starter", "ratings": 1}
    ]
    before.close()
    after.close()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"kind": "listener", "version": 2, "ratings": []}',
        '{"kind": "listener"}',
        "\x00\x01",
    ],
)
def test_what_is_no_listener_is_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file.json").write_text(content)
    assert (
        main(["listener", "import", "me", str(tmp_path / "file.json"), "--home", str(tmp_path)])
        == 2
    )
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_with_one_bad_rating_brings_none(tmp_path: Path) -> None:
    rate(tmp_path / "first")
    file = tmp_path / "me.json"
    main(["listener", "export", "me", str(file), "--home", str(tmp_path / "first")])
    content = json.loads(file.read_text())
    content["ratings"][2]["rating"] = 7
    file.write_text(json.dumps(content))
    assert main(["listener", "import", "me", str(file), "--home", str(tmp_path / "second")]) == 2
    ratings = Ratings(Home(tmp_path / "second").ratings)
    assert ratings.total() == 0
    ratings.close()


@pytest.mark.parametrize(
    "typed",
    [
        ["export"],
        ["import", "me"],
        ["delete", "nobody"],
        ["export", "nobody", "x.json"],
        ["delete", "../me"],
    ],
)
def test_what_can_not_be_done_is_one_line(
    typed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listener", *typed, "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_was_expected_comes_along_and_a_program_can_read_what_was_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ratings = Ratings(Home(tmp_path).ratings)
    ratings.write(Rating("me", "starter", "abc", "song", np.arange(4.0), 0.25, expected=0.5))
    assert (
        main(
            [
                "listener",
                "export",
                "me",
                str(tmp_path / "me.json"),
                "--json",
                "--home",
                str(tmp_path),
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out) == {
        "action": "export",
        "listener": "me",
        "ratings": 1,
    }
    main(["listener", "import", "you", str(tmp_path / "me.json"), "--home", str(tmp_path)])
    assert [one.expected for one in ratings.of_listener("you")] == [0.5]
    ratings.close()


BAD = [
    {"weight": 101.0},
    {"song": "\x1b[2J"},
    {"song": "\udcff"},
    {"coordinate": []},
    {"key": 5},
    {"station": 5},
    {"station": "../x"},
]


@pytest.mark.parametrize("changed", BAD)
def test_a_rating_that_the_database_would_not_give_back_is_not_taken(
    changed: dict, tmp_path: Path
) -> None:
    rate(tmp_path, count=1)
    file = tmp_path / "me.json"
    main(["listener", "export", "me", str(file), "--home", str(tmp_path)])
    content = json.loads(file.read_text())
    content["ratings"][0] |= changed
    file.write_text(json.dumps(content))
    assert main(["listener", "import", "you", str(file), "--home", str(tmp_path)]) == 2


@pytest.mark.parametrize("moment", [1e300, -1e300, 1e12, -5.0])
def test_a_moment_that_no_calendar_has_is_told_of_all_the_same(
    moment: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ratings = Ratings(Home(tmp_path).ratings)
    ratings.write(Rating("me", "starter", "abc", "song", np.arange(4.0), 0.25, time=moment))
    ratings.close()
    for command in (["history"], ["history", "--csv"], ["listeners"], ["listeners", "--json"]):
        assert main([*command, "--home", str(tmp_path)]) == 0
        assert "starter" in capsys.readouterr().out


def test_ratings_do_not_take_the_place_of_a_song(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate(tmp_path)
    (tmp_path / "song.wav").write_bytes(b"sound")
    assert (
        main(["listener", "export", "me", str(tmp_path / "song.wav"), "--home", str(tmp_path)]) == 2
    )
    assert (tmp_path / "song.wav").read_bytes() == b"sound" and capsys.readouterr().err.count(
        "\n"
    ) == 1
