"""The generator's added layers in the radio: trained on their own when it pays, told of, reset, followed by a second radio."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tiny_station import tiny_station

from radio.composer.adapter import EVERY, FROM
from radio.composer.composer import RadioSession
from radio.composer.remote import RemoteSession
from radio.home.folder import Home
from radio.ratings.database import Rating, Ratings
from radio.station.song_file import station_fingerprint


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with FROM ratings of a listener who likes a large first value of z."""
    station = tiny_station()
    station.save(tmp_path / "stations" / "tiny")
    places = station.sample(FROM, np.random.default_rng(0))
    ratings = Ratings(Home(tmp_path).ratings)
    made_by = station_fingerprint(station)
    ratings.keep_all(
        [
            Rating("me", "tiny", made_by, f"Song {i}", p, float(np.tanh(p[0])), key=str(i))
            for i, p in enumerate(places)
        ]
    )
    ratings.close()
    return Home(tmp_path)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def open_remote(home: Home) -> Iterator[Callable[..., RemoteSession]]:
    with ExitStack() as opened:

        def begin(**named: bool) -> RemoteSession:
            session = RemoteSession(
                home.path / "stations" / "tiny", "me", home=home, seed=1, **named
            )
            opened.callback(session.close)
            return session

        yield begin


def test_they_are_trained_told_of_and_reset(
    open_remote: Callable[..., RemoteSession], home: Home
) -> None:
    session = open_remote()
    until(lambda: session.learned_layers[0] == FROM)
    assert session.learned_layers[1] > 0
    assert f"learned from {FROM} ratings" in session.attend() and session.attend() == ""
    session.reset_layers()
    until(lambda: session.learned_layers == (0, 0.0))
    assert "station's own again" in session.attend()
    session.close()
    again = RadioSession(tiny_station(), "me", home=home, background=False)
    assert (
        again.generator.layers.untouched
        and len(again.generator.versions()) == 2
        and not again.generator.due(again.rated)
    )
    again.generator.go_back(again.generator.versions()[0])
    assert again.generator.learned[0] == FROM, "every version can be gone back to"
    again.close()


def test_a_second_radio_follows_the_ratings_and_the_layers(
    open_remote: Callable[..., RemoteSession], home: Home
) -> None:
    first, second = open_remote(), open_remote()
    assert first.rated == second.rated == FROM
    until(lambda: first.ready and second.ready)
    song = first.next_song()
    first.began(song)
    first.rate(song, 0.7)
    until(lambda: second.attend() == "" and second.rated == FROM + 1)
    assert second.batches > 0, "it has learned what was said in the other"
    until(lambda: first.learned_layers[0] >= FROM and first.learned_layers == second.learned_layers)
    assert len(list((home.path / "listeners" / "me").glob("*/layers-*.npz"))) == 1, (
        "one of the two has trained"
    )
    first.delete(song.key)
    until(lambda: second.attend() == "" and second.rated == FROM)


def test_switched_off_there_are_none(home: Home) -> None:
    session = RadioSession(tiny_station(), "me", home=home, background=False, added_layers=False)
    assert not session.generator.due(session.rated)
    other = RadioSession(tiny_station(), "me", home=home, background=False)
    assert not other.generator.due(other.rated), "who holds the lock may train, even if they do not"
    session.close()
    assert other.generator.due(other.rated), "and who follows takes over"
    other.train_layers()
    assert not other.generator.due(other.rated) and other.generator.learned[0] == FROM
    off = RadioSession(tiny_station(), "me", home=home, background=False, added_layers=False)
    assert off.generator.learned == (0, 0.0)
    song = other.next_song()
    for value in np.linspace(-1, 1, EVERY):
        other.rate(song, float(value))
        song = other.next_song()
    assert other.generator.due(other.rated), "after ten more ratings"
    off.close()
    other.close()


def test_every_second_candidate_is_made_by_the_layers(home: Home) -> None:
    session = RadioSession(tiny_station(), "me", home=home, seed=3, background=False)
    session.next_song()
    plain, _ = session._maker.candidates(8, np.random.default_rng(5), enough=lambda: False)
    session.train_layers()
    moved, features = session._maker.candidates(8, np.random.default_rng(5), enough=lambda: False)
    np.testing.assert_array_equal(moved[1::2], plain[1::2])
    np.testing.assert_array_equal(
        moved[::2], session.generator.layers.forward(plain[::2].astype(float))[0].astype(np.float32)
    )
    assert (moved[::2] != plain[::2]).any()
    np.testing.assert_allclose(features, session._maker.judge(moved), rtol=1e-5)
    session.close()
