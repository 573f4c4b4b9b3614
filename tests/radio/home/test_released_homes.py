"""Homes that earlier versions left, frozen at their releases, are taken over by this one."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radio.cli import main as cli
from radio.composer import LocalComposer, shelf
from radio.home import Home, read_settings
from radio.ratings import Ratings
from radio.session import Resume, read_last
from radio.station import Station, StationError

RELEASED = sorted((Path(__file__).parent / "released").glob("*.tar.xz"))


@pytest.fixture(params=RELEASED, ids=lambda path: path.name)
def released(request: pytest.FixtureRequest, home: Path) -> Path:
    """The home of this test, as an earlier version left it."""
    with tarfile.open(request.param) as archive:
        archive.extractall(home, filter="data")
    return home


def expected(released: Path) -> dict[str, Any]:
    return json.loads((released / "expected.json").read_text("utf-8"))


def playable(released: Path) -> dict[str, Station]:
    """Return the stations that play; the others are refused in one line."""
    found = {}
    for name, folder in Home(released).stations().items():
        try:
            found[name] = Station.load(folder)
        except StationError as error:
            assert "\n" not in str(error) and name in str(error)
    return found


def test_every_rating_is_kept_with_its_curve_and_its_sound(released: Path) -> None:
    ratings = Ratings(released / "ratings.db")
    rows = [
        [one.key, one.listener, one.station, one.song, one.rating, one.curve.tolist(), one.time]
        for one in ratings.all()
    ]
    wanted = expected(released)
    assert rows == wanted["ratings"] and len(rows) >= 6
    assert [row[0] for row in rows if ratings.sound(row[0])] == wanted["sounds"]
    ratings.close()


def test_settings_hold(released: Path) -> None:
    settings = read_settings(released / "config.toml")
    assert settings.kind == "flac" and settings.keys_of("next") == ["l", "right"]


def test_stations_play_or_are_refused_in_one_line(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["stations", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert {"moving", "points"} <= {one["name"] for one in listed}
    for station in playable(released).values():
        samples = station.render(station.sample(1, np.random.default_rng(0))[0], beats=4)
        assert np.isfinite(samples).all() and np.abs(samples).max() > 0


def test_the_taste_and_the_last_song_are_taken_over(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "CANDIDATES", 8)
    last = read_last(released / "session.json")
    wanted = expected(released)
    assert last.song is not None and last.song["key"] == wanted["session"]["song"]["key"]
    station = playable(released).get(last.station)
    if station is None:
        pytest.skip("its station is refused")
    composer = LocalComposer(station, last.listener, home=Home(released), background=False)
    composer.next_song()
    count = sum(row[1:3] == [last.listener, last.station] for row in wanted["ratings"])
    assert composer.taste.count == count > 0
    assert Resume(released / "session.json", last).song(composer.journal) is not None
    composer.close()
