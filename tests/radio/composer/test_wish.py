"""Songs more like one, or less: near it in z or far away, at once, for three songs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from listening import rate
from tiny_station import tiny_station

from radio.composer import (
    WISHED_SONGS,
    ComposerProcess,
    LocalComposer,
    Song,
    Wish,
    messages,
    process,
    shelf,
)
from radio.composer.wish import SHARE
from radio.home import Home


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge fewer songs than the radio does."""
    monkeypatch.setattr(shelf, "CANDIDATES", 16)


def distances(songs: list[Song], song: Song) -> list[float]:
    """Return how far each song's z is from another song's."""
    return [float(np.linalg.norm((one.latent - song.latent)[:6])) for one in songs]


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize("count", [1, 16])
def test_a_wish_keeps_the_nearest_or_the_farthest(more: bool, count: int) -> None:
    points = np.random.default_rng(0).permutation(SHARE * count)[:, None] * np.ones(3)
    points[:, 2] *= -7  # beside z
    kept = Wish(np.zeros(5), "Song", more).of(points, 2)
    place = range(count) if more else range(SHARE * count - 1, (SHARE - 1) * count - 1, -1)
    assert kept[:, 0].tolist() == list(place)


@pytest.mark.parametrize("ratings", [0, 6])
def test_three_songs_are_nearer_or_farther_than_the_others(tmp_path: Path, ratings: int) -> None:
    composer = LocalComposer(tiny_station(), "me", home=Home(tmp_path), seed=1, background=False)
    songs = [composer.next_song() for _ in range(8)]
    for number in range(ratings):
        rate(composer, songs[number], np.sin(number))
    usual = distances(songs[1:], songs[0])
    wished = {}
    for more in (True, False):
        composer.wish(Wish(songs[0].latent, songs[0].name, more))
        wished[more] = [composer.next_song() for _ in range(WISHED_SONGS + 1)]
        reason = f"{'more' if more else 'less'} like {songs[0].name}"
        assert [one.wish for one in wished[more]] == [reason] * WISHED_SONGS + [""]
    assert max(distances(wished[True][:-1], songs[0])) < np.median(usual)
    assert min(distances(wished[False][:-1], songs[0])) > np.median(usual)
    ordered = composer.order([*songs[:2], *wished[True]])
    assert ordered.index(wished[True][-1]) >= WISHED_SONGS
    assert all(one.wish for one in ordered[:WISHED_SONGS])
    composer.close()


def test_songs_made_ahead_are_dropped(tmp_path: Path) -> None:
    composer = LocalComposer(tiny_station(), "me", home=Home(tmp_path), seed=1, background=True)
    song = composer.next_song()
    ahead = composer._shelf._songs.result()
    composer.wish(Wish(song.latent, song.name, True))
    songs = [composer.next_song() for _ in range(WISHED_SONGS + 1)]
    assert [bool(one.wish) for one in songs] == [True] * WISHED_SONGS + [False]
    before = distances([one for one, _ in ahead], song)
    assert max(distances(songs[:WISHED_SONGS], song)) < min(before)
    composer.close()


def test_the_worker_drops_its_offers_and_makes_three_others(tmp_path: Path) -> None:
    tiny_station().save(tmp_path / "tiny")
    composer = ComposerProcess(tmp_path / "tiny", "me", home=Home(tmp_path), seed=1)
    until(lambda: len(composer.upcoming()) == 3)
    song = composer.next_song()
    composer.played(song.key, song.latent)
    composer.wish(Wish(song.latent, song.name, False))
    assert not any(one.wish == "" for one in composer.upcoming())
    until(lambda: len(composer.upcoming()) == 3)
    rate(composer, song, 0.5)  # one more is made, and is not to come before them
    until(lambda: not composer.pending)
    songs = []
    for _ in range(WISHED_SONGS + 1):
        until(lambda: composer.ready)
        songs.append(composer.next_song())
        composer.played(songs[-1].key, songs[-1].latent)
    assert [one.wish for one in songs] == [f"less like {song.name}"] * WISHED_SONGS + [""]
    composer.close()
    # an offer that was under way when the wish was sent
    composer._offers.begin_wish(Wish(song.latent, song.name, False))
    composer._take(messages.Offer(song))
    assert not composer.ready
    composer._take(messages.Order([], []))
    composer._take(messages.Offer(song))
    assert composer.ready


def test_what_is_left_of_a_wish_survives_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    worker = SimpleNamespace(
        send=sent.append,
        listen=lambda take: None,
        close=lambda: None,
        receive=lambda seconds: messages.Opened("tiny", "abc"),
        died=False,
    )
    monkeypatch.setattr(process, "WorkerProcess", lambda begin, log: worker)
    composer = ComposerProcess(tmp_path / "tiny", "me", home=Home(tmp_path), seed=1)
    song = Song(np.zeros(4, np.float32), 4, np.zeros(10, np.float32), "Song", "")
    song.wish = "more like it"
    composer._restart()
    assert not any(isinstance(one, Wish) for one in sent)
    composer.wish(Wish(song.latent, song.name, True))
    for left in (2, 1, 0):
        sent.clear()
        composer._restart()
        assert [one.songs for one in sent if isinstance(one, Wish)] == [left + 1]
        composer._take(messages.Offer(song))
        assert not composer.ready, "older offers are dropped"
        composer._deaths = []
        composer._take(messages.Order([], []))
        composer._take(messages.Offer(song))
        assert composer.next_song() is song
    sent.clear()
    composer._restart()
    assert not any(isinstance(one, Wish) for one in sent), "three songs answered it"
    composer.journal.close()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
