"""Mending the song that plays: old and new are played, one of them stays."""

from __future__ import annotations

import pytest

from radio.composer import NoMend
from radio.errors import UsageError
from radio.home import Settings
from radio.session import execute
from tests.support.fake_session import Stage


def mending() -> Stage:
    stage = Stage()
    stage.pass_time(5)
    stage.press("m")
    stage.pass_time(0.1)
    return stage


def test_old_and_new_are_played_and_then_the_song_goes_on_where_it_was():
    stage = mending()
    view = stage.session.view()
    assert view.comparing and view.mended is not None and view.mended["start"] == 2.0
    assert stage.player.duration == pytest.approx(2 + 0.7 + 2 + 0.7)
    assert "predicted rating +0.75. Old, then new: keep " in stage.said[-1]
    stage.press("7")  # a rating in between is one of the song, where it was left
    assert stage.session.view().position == pytest.approx(5, abs=0.2)
    stage.press("m")
    stage.pass_time(5)
    assert stage.session.view().comparing
    stage.pass_time(1)
    view = stage.session.view()
    assert not view.comparing and view.mended is not None
    assert view.name == "Song 1" and view.position == pytest.approx(5.7, abs=0.3)
    curve = view.curve
    assert len(curve) and curve[:, 0].max() < 6.2, "what plays in between draws no curve"


def test_the_kept_version_takes_the_songs_place_and_the_discarded_one_goes():
    stage = mending()
    stage.press("9", "y")
    song = stage.session.song
    assert song is not None and song.name == "Song 1 mended"
    assert stage.session.view().position == pytest.approx(5, abs=0.2)
    assert stage.session.view().mended is None and stage.session.view().slider is None
    assert [name for name, _, _ in stage.journal.ratings] == ["Song 1"]
    stage.press("n")
    stage.pass_time(0.3)
    stage.press("p")
    assert stage.session.view().name == "Song 1 mended"
    other = mending()
    other.press("r")
    assert other.session.view().name == "Song 1" and not other.session.view().comparing
    other.press("y", "r")
    assert other.said[-2:] == [
        "There is no mended version to keep.",
        "There is no mended version to discard.",
    ]


def test_the_next_song_drops_the_version_and_one_that_comes_late_is_for_nobody():
    stage = mending()
    stage.press("n")
    stage.pass_time(0.3)
    assert stage.session.view().mended is None
    assert "The mended version is dropped." in stage.said
    stage.press("m", "n")
    stage.pass_time(0.3)
    assert stage.session.view().mended is None and not stage.session.view().comparing


def test_the_end_of_a_search_that_was_given_up_does_not_end_the_next_one():
    stage = Stage()
    stage.composer.start_mend = lambda *given: None  # type: ignore[method-assign]
    stage.pass_time(5)
    stage.press("m", "r", "m")
    stage.composer.reported.append(NoMend(""))
    stage.pass_time(0.1)
    assert stage.session.mends.running
    stage.composer.reported.append(NoMend("there is nothing better"))
    stage.pass_time(0.1)
    assert not stage.session.mends.running and stage.said[-1].startswith("Not mended: there")
    stage.press("m")
    stage.pass_time(6)
    assert not stage.session.mends.running, "its song has ended"
    assert stage.said[-1] == "The mended version is dropped."


def test_a_range_is_mended_and_a_wrong_one_is_refused():
    stage = Stage()
    execute(stage.session, "mend 3 4.5", Settings())
    stage.pass_time(0.1)
    view = stage.session.view()
    assert view.mended is not None and (view.mended["start"], view.mended["stop"]) == (3, 4.5)
    for line in ("mend 3", "mend a b", "mend -1 3", "mend 1 2 3"):
        with pytest.raises(UsageError):
            execute(stage.session, line, Settings())


def test_the_radio_says_why_a_song_is_not_mended():
    stage = Stage()
    stage.composer.start_mend = lambda *given: stage.composer.reported.append(  # type: ignore[method-assign]
        NoMend("no version is expected to be liked more than this one")
    )
    stage.press("m")
    stage.pass_time(0.1)
    assert stage.said[-1].startswith("Not mended: no version")
    assert not stage.session.view().busy
