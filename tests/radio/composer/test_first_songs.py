"""The songs that come with a station: they play while its composer opens, each once."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_station import tiny_station

from audio_parsing.playback import SilentDevice
from radio.composer import (
    ComposerProcess,
    FirstSongs,
    Learned,
    ReplayedSong,
    write_first_songs,
)
from radio.composer.worker_process import WorkerProcess
from radio.home import SHIPPED, STARTER, Home
from radio.session import Session
from radio.station import Station, description_of, read_description, station_fingerprint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("stations") / "tiny"
    tiny_station().save(place)
    write_first_songs(place, count=3)
    return place


def until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_the_shipped_songs_are_those_of_the_shipped_station(tmp_path: Path) -> None:
    """If not: python -m radio.composer.first_songs makes them of the new station."""
    place = SHIPPED / STARTER
    first = FirstSongs(place, tmp_path / "played.json")
    assert first.next is not None, "the station is another: python -m radio.composer.first_songs"
    assert first.made_by == station_fingerprint(Station.load(place))
    assert sum(file.stat().st_size for file in (place / "songs").iterdir()) < 3 << 20
    assert len(list((place / "songs").glob("*.ogg"))) == 6 and first.next.seconds > 30


def test_a_song_is_what_the_station_makes_of_its_point(folder: Path, tmp_path: Path) -> None:
    station, first = Station.load(folder), FirstSongs(folder, tmp_path / "played.json")
    song = first.take()
    assert song.description == description_of(station, song.latent)
    assert read_description(next(folder.glob(f"songs/*{song.name.split()[-1].lower()}*.ogg")))
    made = station.render(song.latent)
    assert song.sample_rate == station.sample_rate and len(song.samples) == len(made)
    assert np.corrcoef(song.samples, made)[0, 1] > 0.95  # Vorbis loses something


def test_none_is_played_twice_unasked(folder: Path, tmp_path: Path) -> None:
    memory = tmp_path / "played.json"
    first = FirstSongs(folder, memory)
    names = [first.take().name, first.take().name]
    assert names[0] != names[1]
    again = FirstSongs(folder, memory)
    third = again.take()
    assert third.name not in names and again.next is None
    later = FirstSongs(folder, memory)
    assert later.next is None
    found = later.at(third.latent)
    assert found is not None and found.name == third.name
    assert later.at(third.latent + 1) is None
    memory.write_text("[1", "utf-8")
    assert FirstSongs(folder, memory).next is not None


@pytest.mark.parametrize(
    "damage", ["another training", "no list", "a list of nonsense", "no sound"]
)
def test_songs_that_do_not_belong_to_the_station_are_passed_over(
    folder: Path, tmp_path: Path, damage: str
) -> None:
    place = tmp_path / "tiny"
    (place / "songs").mkdir(parents=True)
    for file in (folder / "songs").iterdir():
        (place / "songs" / file.name).write_bytes(file.read_bytes())
    (place / "station.npz").write_bytes((folder / "station.npz").read_bytes())
    assert FirstSongs(place, tmp_path / "played.json").next is not None
    names = place / "songs" / "songs.json"
    if damage == "another training":
        tiny_station(seed=1).save(place)
    elif damage == "no list":
        names.unlink()
    elif damage == "a list of nonsense":
        names.write_text(json.dumps({**json.loads(names.read_text("utf-8")), "songs": [7]}))
    else:
        for file in (place / "songs").glob("*.ogg"):
            file.write_bytes(b"OggS")
    assert FirstSongs(place, tmp_path / "played.json").next is None


def test_they_play_and_are_rated_while_the_worker_opens(folder: Path, tmp_path: Path) -> None:
    composer = ComposerProcess(folder, "me", home=Home(tmp_path))
    try:
        assert composer.ready and composer.upcoming()
        player = SilentDevice(lambda: 0.0)
        session = Session(composer, player, home=Home(tmp_path))
        session.tick()
        first = session.song
        assert first is not None and FirstSongs(folder, tmp_path / "none").at(first.latent)
        assert session.rate(first, 0.75) is not None
        learned: list[str] = []

        def has_learned() -> bool:
            for event in composer.events():
                learned.extend(event.keys if isinstance(event, Learned) else [])
            return first.key in learned

        until(has_learned)
        until(lambda: composer.upcoming() and composer.upcoming()[0].expected is not None)
        song = composer.next_song()
        assert FirstSongs(folder, tmp_path / "none").at(song.latent) is None
        assert composer.busy is None
        session.finish()
    finally:
        composer.close()


def test_one_that_was_left_goes_on_before_the_worker_is_open(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WorkerProcess, "send", lambda self, message: None)  # it never begins
    composer = ComposerProcess(folder, "me", home=Home(tmp_path))
    try:
        song = composer.next_song()
        composer.replay("key", song.latent)
        (event,) = composer.events()
        assert isinstance(event, ReplayedSong)
        assert (event.song.key, event.song.name) == ("key", song.name)
    finally:
        composer.close()


def test_other_songs_are_made_where_they_are_asked_for(folder: Path, tmp_path: Path) -> None:
    composer = ComposerProcess(folder, "me", home=Home(tmp_path), seed=3)
    try:
        until(lambda: composer.ready)
        song = composer.next_song()
        assert FirstSongs(folder, tmp_path / "none").at(song.latent) is None
    finally:
        composer.close()
