"""The adapter in the radio: trained when it is due, announced, reset, followed by another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from listening import delete, rate
from tiny_station import tiny_station

from audio_parsing.playback import SilentDevice
from radio.composer import ComposerProcess, LocalComposer
from radio.composer.adapter import FIRST_RATINGS, RATINGS_BETWEEN
from radio.home import Home
from radio.ratings import Rating, Ratings
from radio.session import Session
from radio.station import station_fingerprint


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with FIRST_RATINGS ratings of a listener who likes a large first value of z."""
    station = tiny_station()
    station.save(tmp_path / "stations" / "tiny")
    places = station.sample(FIRST_RATINGS, np.random.default_rng(0))
    ratings = Ratings(Home(tmp_path).ratings)
    made_by = station_fingerprint(station)
    ratings.write_all(
        [
            Rating("me", "tiny", made_by, f"Song {i}", p, float(np.tanh(p[0])), key=str(i))
            for i, p in enumerate(places)
        ]
    )
    ratings.close()
    return Home(tmp_path)


class Listening:
    """A session with a worker, on a silent player, and the lines that it says."""

    def __init__(self, home: Home) -> None:
        self.said: list[str] = []
        self.composer = ComposerProcess(home.path / "stations" / "tiny", "me", home=home, seed=1)
        self.session = Session(
            self.composer, SilentDevice(lambda: 0.0), home=home, say=self.said.append
        )

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Tick until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never happened"
            self.session.tick()
            time.sleep(0.02)


@pytest.fixture
def listen(home: Home) -> Iterator[Callable[[], Listening]]:
    with ExitStack() as opened:

        def begin() -> Listening:
            listening = Listening(home)
            opened.callback(listening.composer.close)
            opened.callback(listening.session.finish)
            return listening

        yield begin


def test_it_is_trained_announced_and_reset(listen: Callable[[], Listening], home: Home) -> None:
    listening = listen()
    listening.until(lambda: listening.session.view().adapter[0] == FIRST_RATINGS)
    assert listening.session.view().adapter[1] > 0
    (line,) = [line for line in listening.said if "learned from" in line]
    assert f"learned from {FIRST_RATINGS} ratings" in line
    listening.composer.reset_adapter()
    listening.until(lambda: listening.session.view().adapter == (0, 0.0))
    assert "will adapt again" in listening.said[-1]
    listening.composer.close()
    again = LocalComposer(tiny_station(), "me", home=home, background=False)
    assert (
        again.generator.adapter.untouched
        and len(again.generator.versions()) == 2
        and not again.generator.due(again.rated)
    )
    again.generator.go_back(again.generator.versions()[0])
    assert again.generator.learned[0] == FIRST_RATINGS, "every version can be loaded again"
    again.close()


def test_a_second_radio_follows_the_ratings_and_the_adapter(
    listen: Callable[[], Listening], home: Home
) -> None:
    first, second = listen(), listen()
    assert first.session.view().rated == second.session.view().rated == FIRST_RATINGS
    first.until(lambda: first.composer.ready and second.composer.ready)
    song = first.composer.next_song()
    rate(first.composer, song, 0.7)
    second.until(lambda: second.session.view().rated == FIRST_RATINGS + 1)
    assert second.session.view().batches > 0, "it has learned the rating given in the other"
    second.until(lambda: second.session.view().adapter[0] >= FIRST_RATINGS)
    first.until(lambda: first.session.view().adapter == second.session.view().adapter)
    assert len(list((home.path / "listeners" / "me").glob("*/layers-*.npz"))) == 1, (
        "one of the two has trained"
    )
    delete(first.composer, song.key)
    second.until(lambda: second.session.view().rated == FIRST_RATINGS)


def test_switched_off_there_are_none(home: Home) -> None:
    composer = LocalComposer(tiny_station(), "me", home=home, background=False, adapter=False)
    assert not composer.generator.due(composer.rated)
    other = LocalComposer(tiny_station(), "me", home=home, background=False)
    assert not other.generator.due(other.rated), "who holds the lock may train, even if they do not"
    composer.close()
    assert other.generator.due(other.rated), "and who follows takes over"
    other.train_adapter()
    assert not other.generator.due(other.rated) and other.generator.learned[0] == FIRST_RATINGS
    off = LocalComposer(tiny_station(), "me", home=home, background=False, adapter=False)
    assert off.generator.learned == (0, 0.0)
    song = other.next_song()
    for value in np.linspace(-1, 1, RATINGS_BETWEEN):
        rate(other, song, float(value))
        song = other.next_song()
    assert other.generator.due(other.rated), "after ten more ratings"
    off.close()
    other.close()


def test_every_second_candidate_is_made_by_the_layers(home: Home) -> None:
    composer = LocalComposer(tiny_station(), "me", home=home, seed=3, background=False)
    composer.next_song()
    plain, _ = composer.maker.candidates(8, np.random.default_rng(5), enough=lambda: False)
    composer.train_adapter()
    moved, features = composer.maker.candidates(8, np.random.default_rng(5), enough=lambda: False)
    np.testing.assert_array_equal(moved[1::2], plain[1::2])
    np.testing.assert_array_equal(
        moved[::2],
        composer.generator.adapter.forward(plain[::2].astype(float))[0].astype(np.float32),
    )
    assert (moved[::2] != plain[::2]).any()
    np.testing.assert_allclose(features, composer.maker.features(moved), rtol=1e-5)
    composer.close()
