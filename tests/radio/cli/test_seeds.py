"""`ai-radio listener seed`: music and ratings of another station that a taste begins with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_station import tiny_station

from radio.cli.commands import seeds
from radio.cli.main import main
from radio.composer import LocalComposer
from radio.composer.seeds import seed_of_music
from radio.home import Home
from radio.ratings import Rating, Ratings, pack
from radio.station import Station, station_fingerprint, to_steps, write_wav


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two stations, and one with two songs and a file that is none."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("tiny", "other"):
        tiny_station(name).save(folder / "stations" / name)
    station = Station.load(folder / "stations" / "tiny")
    (folder / "music").mkdir()
    for number, one in enumerate(station.sample(2, np.random.default_rng(3))):
        samples = station.render(one, beats=16)
        write_wav(folder / "music" / f"song {number}.wav", samples, station.sample_rate)
    (folder / "music" / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEnonsense")
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home with the two stations."""
    monkeypatch.setattr("radio.composer.compile_once", lambda: None)
    shutil.copytree(made / "stations", tmp_path / "home" / "stations")
    return tmp_path / "home"


@pytest.fixture
def music(made: Path) -> Path:
    """Return the folder of music."""
    return made / "music"


def seed(home: Path, *typed: str, action: str = "seed") -> int:
    return main(["listener", action, "me", *typed, "--station", "tiny", "--home", str(home)])


def test_a_seed_is_of_the_middle_of_a_file(home: Path) -> None:
    station = Station.load(home / "stations" / "tiny")
    time = np.arange(40 * station.sample_rate) / station.sample_rate
    middle = 0.3 * np.sin(2 * np.pi * 220 * time * (1 + 0.01 * time)) * (time % 0.5 < 0.3)
    other = np.full(20 * station.sample_rate, 0.01)
    named = {"listener": "me", "song": "it", "key": "a"}
    whole, alone = (
        seed_of_music(station, np.concatenate(parts).astype(np.float32), **named)
        for parts in ([other, middle, other], [middle])
    )
    assert whole[1] == alone[1]
    np.testing.assert_array_equal(whole[0].coordinate, alone[0].coordinate)


def test_music_is_learned_listed_and_taken_back(
    home: Path, music: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # the second time changes nothing
        assert seed(home, str(music)) == 0
    out, err = capsys.readouterr()
    assert err.count("broken.wav") == 2 and "2 seeds, learned when me next plays" in out
    station = Station.load(home / "stations" / "tiny")
    composer = LocalComposer(station, "me", home=Home(home), seed=1, background=False)
    composer.next_song()
    assert composer.taught and composer.rated == 0 and composer.taste.count == 2
    liked = composer.predict(composer.next_song())[0]
    assert liked > 0.05, "what is loved is expected of a station where nothing was disliked"
    composer.close()
    assert seed(home, "--json", action="seeds") == 0
    listed = json.loads(capsys.readouterr().out)["seeds"]
    assert [(one["song"], one["from"]) for one in listed] == [
        ("song 0", "music"),
        ("song 1", "music"),
    ]
    main(["history", "--home", str(home)])
    assert capsys.readouterr().out.count("seed: music") == 2
    assert seed(home, action="unseed") == 0 and seed(home, action="seeds") == 0
    assert "0 seeds of me" in capsys.readouterr().out


def test_what_was_encoded_before_a_kill_is_not_encoded_again(
    home: Path, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = seeds._write, []

    def killed(ratings: Ratings, rating: Rating, frames: bytes) -> None:
        if written:
            ratings.write(rating)  # but not its sound
            raise KeyboardInterrupt
        written.append(rating.key)
        write(ratings, rating, frames)

    monkeypatch.setattr(seeds, "_write", killed)
    assert seed(home, str(music)) == 130
    ratings = Ratings(Home(home).ratings)
    assert [one.key for one in seeds.seeds_of(ratings, "me", "tiny")] == written
    again: list[str] = []
    monkeypatch.setattr(seeds, "_write", lambda ratings, rating, frames: again.append(rating.key))
    assert seed(home, str(music)) == 0
    assert len(again) == 1 and again != written
    ratings.close()


def test_ratings_of_another_station_are_learned(home: Path) -> None:
    tiny, other = (Station.load(home / "stations" / name) for name in ("tiny", "other"))
    ratings, made_by = Ratings(Home(home).ratings), station_fingerprint(other)
    songs = other.sample(3, np.random.default_rng(4))
    for number, one in enumerate(songs):
        rating = Rating("me", "other", made_by, f"song {number}", one, 0.5 - number / 2)
        ratings.write(rating)
        if number < 2:  # the sound of the third is not there
            frames = to_steps(np.maximum(other.generate(one[None])[0], 0))
            ratings.write_sound(rating.key, pack(frames, beside=2))
    assert seed(home, "--from-station", "other") == 0
    found = seeds.seeds_of(ratings, "me", "tiny")
    assert [(one.song, one.rating, one.seed) for one in found] == [
        ("song 0", 0.5, "station other"),
        ("song 1", 0.0, "station other"),
    ]
    np.testing.assert_array_equal(
        [tiny.beside(one.coordinate[None])[0] for one in found], other.beside(songs[:2])
    )
    ratings.close()


@pytest.mark.parametrize(
    "typed", [[], ["nowhere"], ["--from-station", "nowhere"], ["--from-station", "other"]]
)
def test_what_can_not_be_taken_is_one_line(
    home: Path, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert seed(home, *typed) == 2
    assert capsys.readouterr().err.count("\n") == 1
