"""A session with a real composer: nobody waits for songs, and no rating is lost."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_station import tiny_station

from audio_parsing.playback import SilentDevice
from radio.composer import LocalComposer, Song, shelf
from radio.home import Home
from radio.ratings import Ratings
from radio.session import Session, rating_writer


class Stage:
    """A session of tiny songs, eight times as long, on a clock that is turned by hand."""

    def __init__(self, home: Path) -> None:
        self.now = 0.0
        self.path = home / "ratings.db"
        self.composer = LocalComposer(tiny_station(), "me", home=Home(home), seed=1, beats=128)
        self.said: list[str] = []
        self.session = Session(
            self.composer,
            SilentDevice(lambda: self.now),
            home=Home(home),
            say=self.said.append,
        )
        self.until(lambda: self.session.playing)

    def until(self, condition: Callable[[], bool]) -> None:
        """Tick until something is so, without letting the song go on."""
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, "it never happened"
            self.session.tick()
            time.sleep(0.01)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.session.tick()

    def kept(self) -> list[float]:
        """Return the ratings as another program sees them."""
        ratings = Ratings(self.path)
        try:
            return [one.rating for one in ratings.of("me", "tiny")]
        finally:
            ratings.close()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(shelf, "CANDIDATES", 32)
    made = Stage(tmp_path)
    yield made
    made.session.finish()
    made.composer.close()


@pytest.fixture
def locked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Another program holds the database; an attempt is over soon, and made at every tick."""
    monkeypatch.setattr(rating_writer, "RETRY_SECONDS", 0.0)
    stage.composer.journal.ratings._database.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(stage.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


@pytest.mark.parametrize("skip", [True, False])
def test_a_song_that_is_waited_for_comes_from_few_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skip: bool
) -> None:
    monkeypatch.setattr(shelf, "MINI_BATCH", 10_000_000)  # would take hours
    stage = Stage(tmp_path)
    try:
        if skip:
            stage.session.next()
        else:
            stage.session.playback.seek(1000)
        stage.until(lambda: stage.session.view().number == 2)
        assert not stage.composer._shelf._hurry.is_set(), "the one after it has time again"
    finally:
        stage.session.finish()
        stage.composer.close()


def test_undo_right_after_a_skip_takes_back_the_song_that_was_skipped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalComposer, "ready", property(lambda composer: False))
    for skip in (True, False):
        if skip:
            stage.session.set_slider(0.8)
            stage.session.next()
        assert stage.session.view().slider is None and not stage.session.playing
        if skip:
            assert stage.kept() == [0.8]
        stage.session.undo()
        assert stage.kept() == [] and stage.composer.rated == 0
    assert (
        "(+0.8) is taken back" in stage.said[-2]
        and stage.said[-1] == "There is no rating to take back."
    )


def test_the_slider_of_a_song_that_ended_is_gone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalComposer, "ready", property(lambda composer: False))
    stage.session.set_slider(-0.5)
    stage.pass_time(stage.session.view().duration + 1)
    assert stage.session.view().busy and stage.session.view().slider is None
    stage.session.undo()
    assert stage.kept() == []


def test_what_is_kept_of_a_song_that_plays_follows_its_mean(stage: Stage) -> None:
    stage.pass_time(3)
    stage.session.set_slider(-1.0)
    stage.pass_time(6)
    stage.session.set_slider(1.0)
    stage.pass_time(30)
    (kept,) = stage.kept()
    assert kept == pytest.approx((30 - 6) / 36, abs=0.1)
    stage.session.playback.toggle_pause()
    notes: list[Song] = []
    note: Any = lambda song, curve: notes.append(song)  # noqa: E731
    stage.composer.journal.note = note  # type: ignore[method-assign]
    stage.pass_time(30)
    assert not notes, "nothing is written while it waits"


def test_the_final_song_counts_the_song_that_plays(stage: Stage) -> None:
    stage.pass_time(4)
    stage.session.set_slider(0.8)
    stage.session.make_final()
    assert stage.said[-1] == "Making the final song from your ratings ..."
    assert stage.session.song is not None and stage.composer.rated == 1
    assert stage.composer.predict(stage.session.song)[0] > 0
    stage.until(lambda: stage.session.finals.song is not None)
    assert stage.session.song is stage.session.finals.song and stage.kept() == [pytest.approx(0.8)]


def test_a_rating_taken_back_after_the_final_song_was_asked_for_is_unlearned(stage: Stage) -> None:
    stage.session.set_slider(0.8)
    stage.session.make_final()
    stage.session.undo()
    assert stage.kept() == [] and stage.composer.rated == 0


def test_a_busy_database_is_told_once_and_loses_nothing(
    stage: Stage, locked: sqlite3.Connection
) -> None:
    stage.pass_time(4)
    stage.session.set_slider(0.6)
    stage.pass_time(3)
    stage.session.next()
    stage.until(lambda: stage.session.playing)
    stage.session.set_slider(-0.4)
    stage.session.tick()
    stage.session.undo()
    stage.session.set_slider(-0.2)
    stage.session.make_final()
    told = [line for line in stage.said if line.startswith("Not saved yet")]
    assert len(told) == 1 and "another program holds" in told[0] and "\n" not in told[0]
    assert stage.kept() == []
    assert "none could be saved yet" in stage.said[-1]
    locked.execute("ROLLBACK")
    stage.session.tick()
    assert stage.kept() == [pytest.approx(0.6), pytest.approx(-0.2)]
    assert stage.said[-1] == "Ratings are saved again." and stage.composer.rated == 2


def test_undo_of_a_rating_in_a_busy_database_says_that_nothing_was_done(
    stage: Stage, locked: sqlite3.Connection
) -> None:
    locked.execute("ROLLBACK")
    stage.session.set_slider(0.6)
    stage.session.next()
    stage.until(lambda: stage.session.playing)
    locked.execute("BEGIN IMMEDIATE")
    stage.session.undo()
    assert (
        stage.said[-1].startswith("Nothing is taken back: another program")
        and stage.composer.rated == 1
    )
    locked.execute("ROLLBACK")
    stage.session.undo()
    assert stage.kept() == []


@pytest.mark.parametrize("freed", [True, False])
def test_at_the_end_a_busy_database_is_tried_once_more(
    stage: Stage, locked: sqlite3.Connection, freed: bool
) -> None:
    name = stage.session.view().name
    stage.session.set_slider(0.6)
    stage.session.next()
    if freed:
        locked.execute("ROLLBACK")
    stage.session.finish()
    assert stage.kept() == ([pytest.approx(0.6)] if freed else [])
    assert (
        any(
            line.startswith(f"Not saved: your rating of {name}; another program")
            for line in stage.said
        )
        is not freed
    )


def test_attempts_on_a_busy_database_are_few(
    stage: Stage, locked: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rating_writer, "RETRY_SECONDS", 100.0)
    attempts: list[Song] = []
    note = stage.composer.journal.note

    def counted(song: Song, curve: np.ndarray | float) -> None:
        attempts.append(song)
        note(song, curve)

    stage.composer.journal.note = counted  # type: ignore[method-assign]
    stage.session.set_slider(0.6)
    stage.pass_time(10)
    assert len(attempts) == 1, "each makes the keys wait"


def test_quitting_gives_up_the_final_song(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radio.composer.final_song.STEPS", 1_000_000)
    stage.session.set_slider(0.6)
    stage.session.make_final()
    stage.session.finish()
    assert stage.said[-1] == "The final song was not ready yet and is dropped."
    end = time.monotonic() + 60
    while any(one.name.startswith("final-song") for one in threading.enumerate()):
        assert time.monotonic() < end, "the interpreter would wait for it"
        time.sleep(0.01)


def test_a_final_song_that_is_there_when_the_listener_quits_is_saved(stage: Stage) -> None:
    stage.session.set_slider(0.6)
    stage.session.make_final()
    end = time.monotonic() + 60
    while any(one.name == "final-song" for one in threading.enumerate()):
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.01)
    stage.session.finish()
    assert (
        stage.said[-1].startswith("Your final song is ")
        and len(list((stage.path.parent / "songs").glob("*.wav"))) == 1
    )
