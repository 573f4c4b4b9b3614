"""The sound of rated songs is stored, so that a retrained station can learn their ratings."""

from __future__ import annotations

import sqlite3
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from listening import rate, undo
from tiny_station import tiny_station

from radio.composer import LocalComposer
from radio.home import Home
from radio.ratings import Rating, Ratings, database as ratings_module, pack, unpack
from radio.ratings.schema import ADDED, APPLICATION, COLUMNS
from radio.ratings.sound_codec import HEADER, LEVELS
from radio.station import Station, station_fingerprint


@pytest.mark.parametrize("shape", [(1, 202), (7, 1212), (256, 1212)])
def test_frames_come_back(shape: tuple[int, int], rng: np.random.Generator) -> None:
    steps = rng.uniform(-0.1, 1.1, shape).astype(np.float32)
    back = unpack(pack(steps, beside=2))
    assert (
        back is not None and back[1] == 2 and back[0].dtype == np.float32 and back[0].shape == shape
    )
    np.testing.assert_allclose(back[0], np.maximum(steps, 0), atol=0.5 / LEVELS + 1e-6)


def test_what_is_no_packed_song_is_none(rng: np.random.Generator) -> None:
    content = pack(rng.random((4, 1212), np.float32), beside=2)
    for broken in (
        b"",
        content[:8],
        content[:-9],
        b"x" + content[1:],
        content[:30] + b"1234567" + content[37:],
        content[:14] + b"\0" * 9,
    ):
        assert unpack(broken) is None
    assert unpack(content[:4] + (1 << 31).to_bytes(4, "little") + content[8:]) is None, (
        "no room is made for what can't be"
    )
    assert unpack(HEADER.pack(b"snd1", 2, 3, 2, 0) + zlib.compress(bytes(6))) is None, (
        "a step holds whole frames"
    )


def test_what_would_unpack_to_more_than_it_says_is_not_unpacked() -> None:
    bomb = HEADER.pack(b"snd1", 4, 1212, 202, 2) + zlib.compress(bytes(1 << 26))
    tracemalloc.start()
    try:
        assert unpack(bomb) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def rated(key: str, when: float = 1.0) -> Rating:
    return Rating("me", "tiny", "ab", f"Song {key}", np.zeros(3), 0.5, time=when, key=key)


def test_a_sound_goes_with_its_rating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = Ratings(tmp_path / "ratings.db")
    ratings.write_sound("nobody's", b"123")
    assert ratings.sound("nobody's") is None
    for number in range(4):
        ratings.write(rated(str(number), number))
        ratings.write_sound(str(number), bytes([number]))
    ratings.write(rated("1", 1))
    assert ratings.sound("1") == b"\1", "a rating that is written over keeps it"
    ratings.remove("1")
    assert ratings.sound("1") is None and ratings.with_sound("me", "tiny") == {"0", "2", "3"}
    monkeypatch.setattr(ratings_module, "MAX_SOUNDS", 2)
    ratings.write_sound("3", b"new")
    assert ratings.with_sound("me", "tiny") == {"2", "3"} and ratings.sound("3") == b"new"
    ratings.remove_listener("me")
    assert not ratings.with_sound("me", "tiny")
    ratings.close()


@pytest.mark.parametrize("version", [1, 2])
def test_older_tables_get_what_they_lack(tmp_path: Path, version: int) -> None:
    database = sqlite3.connect(tmp_path / "ratings.db")
    columns = COLUMNS if version == 2 else COLUMNS.removesuffix(", expected")
    database.execute(f"CREATE TABLE ratings ({columns.replace('key', 'key TEXT PRIMARY KEY', 1)})")
    values = ("k", "me", "tiny", "ab", "S", "[1, 2]", 0.5, 1.0, "[]", 0, 1.0, None)[
        : len(columns.split(","))
    ]
    marks = ", ".join("?" * len(values))
    database.execute(f"INSERT INTO ratings VALUES ({marks})", values)  # noqa: S608
    database.execute(f"PRAGMA user_version = {version}")
    database.execute(f"PRAGMA application_id = {APPLICATION}")
    database.commit()
    database.close()
    ratings = Ratings(tmp_path / "ratings.db")
    assert ratings.total() == 1 and set(ADDED) == {2, 3}
    ratings.write_sound("k", b"sound")
    assert ratings.sound("k") == b"sound"
    ratings.close()


def brightness(composer: LocalComposer, coordinate: np.ndarray) -> float:
    station = composer.station
    frames = np.maximum(station.model.to_frames(station.decode(coordinate[None])), 0)[0]
    return float((frames @ np.arange(202)).sum() / max(frames.sum(), 1e-9))


def test_a_station_that_was_trained_again_knows_what_was_liked(tmp_path: Path) -> None:
    def open_composer(station: Station) -> LocalComposer:
        return LocalComposer(station, "me", home=Home(tmp_path), seed=1, background=False)

    first = open_composer(tiny_station())
    songs = [first.next_song() for _ in range(48)]
    bright = np.array([brightness(first, song.latent) for song in songs])
    for song, value in zip(songs, (bright - bright.mean()) / bright.std(), strict=True):
        rate(first, song, float(np.tanh(value)))
    told = [first.predict(song)[0] for song in songs]
    first.close()
    again = tiny_station(seed=8)
    again.model.components = first.station.model.components  # those of the same music
    second = open_composer(again)
    assert station_fingerprint(second.station) != station_fingerprint(first.station)
    fresh = second.next_song()
    assert second.taste.count == 48 and fresh.expected is not None, "it begins with what is known"
    assert second.rated == 0 and undo(second) is None and not second.journal.history(), (
        "but those songs are no longer the station's"
    )
    unheard = second.station.sample(120, np.random.default_rng(3))
    expected = second.taste.predict(second.maker.features(unheard))[0]
    liked = np.corrcoef(expected, [brightness(second, one) for one in unheard])[0, 1]
    assert liked > 0.35, (
        "two untrained stations have little in common; by chance it would be 0 +- 0.09"
    )
    rate(second, fresh, 0.5)
    assert second.taste.count == 49
    undo(second)
    assert second.taste.count == 48
    second.close()
    same = open_composer(tiny_station())
    same.next_song()
    np.testing.assert_allclose([same.predict(song)[0] for song in songs], told, atol=1e-6)
    same.close()


def test_ratings_of_an_old_database_get_their_sound_while_the_station_still_makes_them(
    tmp_path: Path,
) -> None:
    composer = LocalComposer(tiny_station(), "me", home=Home(tmp_path), seed=1, background=False)
    song = composer.next_song()
    rate(composer, song, 0.5)
    with sqlite3.connect(tmp_path / "ratings.db") as database:
        database.execute("DELETE FROM sounds")
    composer.close()
    composer = LocalComposer(tiny_station(), "me", home=Home(tmp_path), seed=1, background=False)
    composer.next_song()
    kept = unpack(composer.journal.ratings.sound(song.key) or b"")
    assert kept is not None
    frames = composer.station.model.to_frames(composer.maker.decode(song.latent))[0]
    expected = np.clip(frames, 0, 255 / LEVELS).reshape(kept[0].shape)
    np.testing.assert_allclose(kept[0], expected, atol=0.6 / LEVELS)
    composer.close()
