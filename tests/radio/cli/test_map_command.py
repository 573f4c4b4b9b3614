"""`ai-radio map`, and the prepared music that `train` caches and `doctor` reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from small_recipe import small_recordings
from tiny_station import tiny_station

from radio.cli import main as cli
from radio.ratings import Rating, Ratings
from radio.station import Station, latent_map, station_fingerprint


@pytest.fixture
def station(home: Path) -> Station:
    """The tiny station, in this test's home."""
    station = tiny_station()
    station.save(home / "stations" / "tiny")
    return station


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was drawn."""
    calls: list[dict[str, Any]] = []
    original = latent_map.plot_latent_map

    def plot(songs: np.ndarray, **options: Any) -> Path | None:
        calls.append({"songs": songs, **options})
        return original(songs, **options)

    monkeypatch.setattr("radio.station.plot_latent_map", plot)
    return calls


def rate(
    station: Station, home: Path, listener: str, made_by: str, ratings: list[float]
) -> np.ndarray:
    """Keep some ratings; return the coordinates of the songs."""
    places = station.sample(len(ratings), np.random.default_rng(5))
    database = Ratings(home / "ratings.db")
    for place, rating in zip(places, ratings, strict=True):
        database.write(Rating(listener, station.name, made_by, "song", place, rating))
    database.close()
    return places


def test_a_map_shows_what_there_is(
    station: Station,
    home: Path,
    tmp_path: Path,
    drawn: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = rate(station, home, "me", station_fingerprint(station), [0.5, -1.0, 0.25])
    rate(station, home, "me", "an older training", [1.0])
    rate(station, home, "eve", station_fingerprint(station), [1.0])
    output = tmp_path / "new" / "map.svg"
    assert (
        cli.main(
            ["map", "--station", "tiny", "--seed", "7", "--count", "12", "--output", str(output)]
        )
        == 0
    )
    assert (
        capsys.readouterr().out
        == f"{output}  {len(station.means)} training excerpts, 12 new songs, 3 rated by me\n"
    )
    assert b"<svg" in output.read_bytes()[:1000]
    (call,) = drawn
    np.testing.assert_array_equal(call["songs"], station.means)
    np.testing.assert_array_equal(
        call["generated"], station.sample(12, np.random.default_rng(7))[:, : station.latent_size]
    )
    np.testing.assert_allclose(call["rated"], places[:, : station.latent_size])
    np.testing.assert_array_equal(call["ratings"], [0.5, -1.0, 0.25])


def test_a_map_without_ratings(
    station: Station, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "map.png"
    assert (
        cli.main(
            [
                "map",
                "--station",
                "tiny",
                "--count",
                "0",
                "--listener",
                "eve",
                "--output",
                str(output),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.endswith("0 new songs, none rated by eve\n")
    assert output.stat().st_size > 5000 and not (home / "ratings.db").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--output", "map.txt"],
            "not the name of a picture; give one that ends in .png, .svg, .pdf",
        ),
        (["--output", "/proc/nowhere/map.png"], "/proc/nowhere"),
        (["--listener", "../me"], "can't be the name of a listener"),
        (["--station", "nowhere"], "no station 'nowhere'"),
    ],
)
def test_maps_that_can_not_be_drawn_are_one_line(
    station: Station, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["map", "--station", "tiny", *arguments]) == 2
    written = capsys.readouterr()
    assert (
        written.err.startswith("ai-radio: ")
        and written.err.count("\n") == 1
        and words in written.err
        and not written.out
    )


def test_training_keeps_prepared_music_in_the_home_and_doctor_tells_how_much(
    home: Path,
    tmp_path: Path,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from radio.training import recording_reader

    monkeypatch.setattr("radio.composer.compile_once", lambda **options: None)
    soundfile.write(tmp_path / "song.wav", 0.1 * rng.standard_normal(22050 * 70), 22050)
    for name in ("one", "two"):
        asked = ["train", str(tmp_path), "--station", name, "--steps", "1", "--beats", "16"]
        with small_recordings():
            assert cli.main(asked) == 0
        monkeypatch.setattr(
            recording_reader, "read_pieces", None
        )  # the second time it is not called
    one, two = (Station.load(home / "stations" / name) for name in ("one", "two"))
    np.testing.assert_array_equal(one.means, two.means)
    kept = sum(path.stat().st_size for path in (home / "prepared").iterdir())
    assert kept > 2 * 3000 * 202 * 2
    cli.main(["doctor", "--json"])
    written = capsys.readouterr().out
    prepared = json.loads(written[written.index("{") :])["prepared"]
    assert (
        prepared == f"{kept / 1e6:.0f} MB of music for training, at most 1074 MB, safe to delete:"
        f" {home / 'prepared'}"
    )
