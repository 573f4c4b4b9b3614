"""A session and its lines: what each action does, on a clock that is turned by hand."""

from __future__ import annotations

import io
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_session import FakeComposer, FakeSession, Stage

from audio_parsing.loudness import loudness
from audio_parsing.playback import SilentDevice
from radio.cli import main as cli
from radio.composer import AdapterChanged, Busy, final_line
from radio.errors import UsageError
from radio.home import Home, Settings
from radio.plain.app import play_on_lines
from radio.session import Session, Tuner, execute, help_lines, playback, read_last
from radio.session.resume import LastSession
from radio.session.sleep import SleepTimer
from radio.taste import Insight


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_songs_follow_each_other_and_silence_says_nothing(stage: Stage) -> None:
    assert stage.said == [] and stage.session.view().name == "Song 1"
    stage.pass_time(25)
    assert stage.session.view().name == "Song 3"
    assert stage.journal.ratings == [("Song 1", None, False), ("Song 2", None, False)]


def test_the_slider_rates_the_song_that_plays(stage: Stage) -> None:
    stage.pass_time(4)
    stage.press("up", "k", "up", "down")
    assert stage.session.view().slider == 0.2
    stage.press("9")
    stage.pass_time(2)
    stage.press("j")
    stage.pass_time(5)
    assert stage.journal.ratings == [("Song 1", 0.9, False)]
    assert stage.journal.notes, "it is kept while the song plays already"
    assert stage.session.view().slider is None, "the next song is unrated"


def test_digits_go_from_dislike_to_love_and_0_takes_back(stage: Stage) -> None:
    seen = []
    for digit in "123456789":
        stage.press(digit)
        seen.append(stage.session.view().slider)
    np.testing.assert_allclose(seen, np.linspace(-1, 1, 9))
    stage.press("0")
    assert stage.session.view().slider is None
    stage.pass_time(6)
    stage.press("n")
    assert stage.journal.ratings == [("Song 1", None, True)], "as if it had never been touched"


def test_next_pause_seek_and_volume(stage: Stage) -> None:
    stage.pass_time(1)
    stage.press("space")
    stage.pass_time(60)
    view = stage.session.view()
    assert view.paused and view.position == pytest.approx(1)
    stage.press("space", "right")
    assert stage.session.view().position == pytest.approx(6)
    stage.press("left", "left")
    assert stage.session.view().position == 0
    stage.press("-", "-", "+")
    assert stage.session.view().volume == pytest.approx(0.75)
    stage.press("7", "n")
    stage.pass_time(0.1)
    assert stage.session.view().name == "Song 2"
    assert stage.journal.ratings == [("Song 1", 0.5, True)]


def test_nothing_waits_for_a_song_that_is_not_there_yet(stage: Stage) -> None:
    stage.composer.ready = False
    stage.press("n", "n", "5", "s", "space", "space")
    stage.pass_time(1)
    view = stage.session.view()
    assert (view.busy, view.duration, view.slider) == ("making the next song", 0, None)
    assert stage.journal.ratings == [("Song 1", None, False)], (
        "one skip, however often it is asked for"
    )
    stage.composer.ready = True
    stage.pass_time(0.1)
    assert stage.session.view().name == "Song 2"


def test_what_takes_long_while_the_composer_opens_is_shown_and_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.composer.busy, stage.composer.ready = Busy("compiling kernels", 12, 40), False
    assert stage.session.view().opening == ("compiling kernels", 12, 40)
    stage.press("n")
    assert stage.session.view().busy == "compiling kernels 12 of 40"
    stage.composer.busy = Busy("opening the station", 0, 1)
    view = stage.session.view()
    assert view.busy == "opening the station" and view.opening is None
    monkeypatch.setattr("radio.session.requests.REPLAY_SECONDS", 0.02)
    monkeypatch.setattr(stage.composer, "replay", lambda key, coordinate: None)
    stage.session.replay("old", np.arange(3.0))
    time.sleep(0.03)
    stage.pass_time(1)
    stage.composer.busy = None
    stage.pass_time(0.1)
    assert stage.session.replays.running, "the wait counts from when it is open"
    time.sleep(0.03)
    stage.pass_time(0.1)
    assert not stage.session.replays.running and "there is no answer" in stage.said[-1]
    assert stage.session.view().opening is None


def test_of_songs_that_are_asked_for_again_the_last_one_plays(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(stage.composer, "replay", lambda key, coordinate: asked.append(key))
    for key in ("first", "second", "third"):
        stage.session.replay(key, np.arange(3.0))
    replays = stage.session.replays
    assert asked == ["first"], "one at a time"
    songs = {key: replace(stage.composer.next_song(), key=key) for key in ("first", "third")}
    assert replays.take_song(songs["first"]) is None and asked == ["first", "third"]
    assert replays.take_song(songs["third"]) == 0.0 and not replays.running


def test_lines_tell_how_far_the_composer_is_while_it_opens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    composer = FakeComposer()
    dones = iter([0, 3, 11, 12, 25])

    class Opening(FakeSession):
        def tick(self) -> None:
            super().tick()
            done = next(dones, None)
            composer.busy = None if done is None else Busy("compiling kernels", done, 40)

    player = SilentDevice(lambda: 0.0)
    lines = io.StringIO("v\nv\nv\nv\nv\nv\nq\n")
    play_on_lines(
        lambda say: Opening(player, say=say, composer=composer), Settings(), commands=lines
    )
    written = [line for line in capsys.readouterr().out.split("\n") if "kernels" in line]
    assert written == [
        "compiling kernels: 0 %",
        "compiling kernels: 25 %",
        "compiling kernels: 50 %",
    ]


def test_lines_say_what_a_command_changed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = io.StringIO("7\n+\np\nspace\n0\nq\n")
    keys = {**Settings().keys, "p": "pause"}
    play_on_lines(
        lambda say: FakeSession(SilentDevice(lambda: 0.0), say=say),
        Settings(keys=keys),
        commands=lines,
    )
    written = capsys.readouterr().out.split("\n")
    said = ["rating +0.50", "volume 85", "paused", "playing", "unrated"]
    assert [line for line in written if line in said] == said


def test_a_skip_counts_only_after_some_seconds(stage: Stage) -> None:
    stage.pass_time(2)
    stage.press("n")
    stage.pass_time(4)
    assert not any("skipped" in line for line in stage.said)
    stage.press("n")
    stage.pass_time(0.1)
    assert stage.journal.ratings == [("Song 1", None, False), ("Song 2", None, True)]
    assert "Song 2: skipped, counted as mild dislike; u undoes it." in stage.said


def test_love_and_ban_are_one_key_each_and_undone_by_another(stage: Stage) -> None:
    stage.pass_time(4)
    stage.press("l")
    assert stage.session.view().slider == 1.0
    assert stage.said[-1] == "Song 1: loved; u undoes it."
    stage.press("u")
    assert stage.session.view().slider is None
    stage.press("b")
    stage.pass_time(0.1)
    assert stage.session.view().name == "Song 2"
    assert stage.journal.ratings == [("Song 1", -1.0, True)]
    assert "Song 1: banned; u undoes it." in stage.said
    stage.press("u")
    assert stage.journal.ratings == []


def test_a_final_song_says_how_sure_it_is() -> None:
    few = "predicted rating +1.00 ± 0.4, from 4 ratings: a guess; best after about 15"
    assert final_line(4, (1.3, 0.42)) == few
    assert final_line(15, (0.5, 0.1)) == "predicted rating +0.50 ± 0.1, from 15 ratings"
    assert final_line(1, None) == "1 rating: a guess; best after about 15"


def test_the_sleep_timer_fades_and_pauses(stage: Stage) -> None:
    times = iter([0.0, *[14 * 60.0] * 3, *[15 * 60.0 - 4] * 3, *[15 * 60.0 + 1] * 9])
    timer = SleepTimer(stage.said.append, clock=lambda: next(times))
    timer.change()
    timer.tick(stage.player)
    assert stage.player.volume == 0.8 and timer.left == 60.0
    next(times)
    timer.tick(stage.player)
    assert stage.player.volume == pytest.approx(0.4) and not stage.player.paused
    assert timer.left == 4.0
    next(times)
    timer.tick(stage.player)
    assert stage.player.paused and stage.player.volume == 0.8 and timer.left is None
    assert "fades out in 15 minutes" in stage.said[-2] and "Good night" in stage.said[-1]


def test_volume_and_sleep_timer_stay_when_the_station_changes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "radio.session.tuner.open_player", lambda: (SilentDevice(lambda: 0.0), "silent")
    )
    tuner = Tuner(Home(tmp_path), Settings(), LastSession())
    execute(stage.session, "volume 30", Settings())
    execute(stage.session, "sleep 20", Settings())
    view = tuner.open(FakeComposer(), stage.said.append, after=stage.session).view()
    assert view.volume == 0.3 and view.sleep == pytest.approx(1200, abs=5)


def test_undo_takes_back_this_song_first_and_then_earlier_ones(stage: Stage) -> None:
    stage.press("8", "n")
    stage.pass_time(0.1)
    stage.press("3", "u")
    assert stage.session.view().slider is None and len(stage.session.history.judged) == 1
    stage.press("u", "u")
    assert stage.said[-3:] == [
        "The rating of this song is taken back.",
        "The rating of Song 1 (+0.8) is taken back.",
        "There is no rating to take back.",
    ]


def test_saving_and_its_failure_are_told(stage: Stage) -> None:
    stage.press("s")
    assert stage.said[-1] == "Saved /songs/Song 1.wav"
    stage.composer.failing = True
    stage.press("s")
    assert stage.said[-1] == "Not saved: no room"


def test_the_final_song_is_made_in_the_background_saved_and_played(stage: Stage) -> None:
    stage.press("f")
    assert "Rate a song first" in stage.said[-1]
    stage.press("9", "n")
    stage.pass_time(0.1)
    stage.press("f")
    stage.pass_time(0.2)
    assert stage.session.view().name == "Final Song"
    assert "Your final song is Final Song, saved as /songs/Final Song.wav" in stage.said
    assert any(line.endswith("rating: a guess; best after about 15") for line in stage.said)


def test_what_was_said_is_kept_when_the_listener_quits(stage: Stage) -> None:
    stage.pass_time(1)
    stage.press("9")
    stage.session.finish()
    stage.session.finish()
    assert stage.journal.ratings == [("Song 1", 1.0, False)]


def test_quitting_an_untouched_song_is_no_dislike(stage: Stage) -> None:
    stage.session.finish()
    assert stage.journal.ratings == []


def test_a_lost_device_is_replaced_at_the_same_moment(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.pass_time(3)
    other = SilentDevice(lambda: stage.now)
    monkeypatch.setattr(
        playback,
        "open_player",
        lambda name: (other, "No sound: nothing there; playing silently"),
    )
    stage.player.failure = "the sound device 'x' no longer answers"
    stage.pass_time(1)
    assert stage.session.playback.player is other
    assert (
        stage.said[-1]
        == "The sound device 'x' no longer answers. No sound: nothing there; playing silently"
    )
    assert stage.session.view().position == pytest.approx(4, abs=0.15)


def test_the_next_songs_are_wished_like_the_song_that_plays(stage: Stage) -> None:
    execute(stage.session, "more-like-this", Settings())
    assert stage.said[-1] == "3 songs more like Song 1 come next."
    stage.composer.busy = Busy("compiling kernels", 1, 2)
    stage.press("G")
    assert stage.said[-1] == "Once the radio is ready: 3 songs less like Song 1 come next."
    assert [(one.song, one.more) for one in stage.composer.wishes] == [
        ("Song 1", True),
        ("Song 1", False),
    ]
    np.testing.assert_array_equal(stage.composer.wishes[0].coordinate, np.arange(3))
    stage.session.playback.song = None
    stage.press("g")
    assert stage.said[-1] == "Nothing plays yet." and len(stage.composer.wishes) == 2


def test_lines_are_keys_words_and_ratings(stage: Stage) -> None:
    settings = Settings()
    for line in ("0.5", "n", "-1.0", "s", "u", "pause", "pause", "x", "", "next"):
        execute(stage.session, line, settings)
        stage.pass_time(0.1)
    assert stage.journal.ratings == [("Song 1", 0.5, True), ("Song 2", None, False)]
    assert stage.composer.resets == 0 and "nothing to reset" in stage.said[-1]
    stage.composer.reported.append(AdapterChanged(20, 0.1, False))
    stage.session.tick()
    execute(stage.session, "reset", settings)
    assert stage.composer.resets == 1
    for line, slider in (("1", -1.0), ("7", 0.5), ("rate -0.3", -0.3), ("love", 1.0), ("0", None)):
        execute(stage.session, line, settings)
        assert stage.session.view().slider == slider, line
    for line, part in (
        ("nan", "is not a number for rate"),
        ("1e400", "is not a number for rate"),
        ("rate much", "-1 (dislike) to 1 (love)"),
        ("volume 101", "0 to 100"),
        ("nxet", "did you mean next?"),
        ("hello", "commands are pause, next"),
        ("next song", "is not a command"),
        ("history", "only the screen has"),
    ):
        with pytest.raises(UsageError, match=re.escape(part)):
            execute(stage.session, line, settings)
    execute(stage.session, "volume 30", settings)
    execute(stage.session, "seek 4", settings)
    execute(stage.session, "sleep 20", settings)
    view = stage.session.view()
    assert (view.volume, view.position) == (0.3, 4) and view.sleep == pytest.approx(1200, abs=5)
    assert len(help_lines(settings)) > 15


@pytest.mark.parametrize(
    ("commands", "songs"), [("", 1), ("0.5\nn\n-0.5\n", 2), ("pause\n", 1), ("n\nq\nn\n", 1)]
)
def test_the_end_of_the_input_lets_the_song_finish(
    commands: str, songs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    composer = FakeComposer()
    fast = SilentDevice(lambda: time.monotonic() * 20)
    play_on_lines(
        lambda say: FakeSession(fast, say=say, composer=composer),
        Settings(),
        commands=io.StringIO(commands),
    )
    finished = [name for name, _, _ in composer.journal.ratings]
    assert finished == [f"Song {number + 1}" for number in range(songs)]
    assert "Song 1" in capsys.readouterr().out


def test_a_final_song_that_comes_after_the_end_of_the_input_is_played(
    capsys: pytest.CaptureFixture[str],
) -> None:
    composer, fast = FakeComposer(), SilentDevice(lambda: time.monotonic() * 20)
    composer.may_end.clear()
    # six seconds on the player's clock: the input is over, the song is not
    threading.Timer(0.3, composer.may_end.set).start()
    play_on_lines(
        lambda say: FakeSession(fast, say=say, composer=composer),
        Settings(),
        commands=io.StringIO("0.5\nf\n"),
    )
    assert [name for name, _, _ in composer.journal.ratings] == ["Song 1", "Final Song"], (
        "both were played to their end"
    )
    assert "Your final song is Final Song" in capsys.readouterr().out


def test_songs_play_at_a_chosen_loudness() -> None:
    played: list[np.ndarray] = []

    class Recorder(SilentDevice):
        def play(self, samples: np.ndarray, sample_rate: int) -> None:
            played.append(samples)
            super().play(samples, sample_rate)

    session = Session(FakeComposer(), Recorder(lambda: 0.0), loudness=-30.0)
    session.tick()
    session.next()
    session.tick()
    session.finish()
    assert [loudness(samples, 22050) for samples in played] == pytest.approx([-30, -30], abs=0.2)


def test_the_command_opens_a_session_with_its_doors(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ai-radio play --plain` as it is typed, but for the process that composes and the sound."""
    opened: list[FakeComposer] = []

    def compose(station: Path, listener: str, **options: object) -> FakeComposer:
        opened.append(FakeComposer())
        opened[0].journal.station = station.name
        return opened[0]

    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("[sound]\nloudness = -16\n[remote]\nmpris = false\n")
    fast = SilentDevice(lambda: time.monotonic() * 20)
    monkeypatch.setattr("radio.session.tuner.ComposerProcess", compose)
    monkeypatch.setattr("radio.session.tuner.open_player", lambda: (fast, "no sound here"))
    monkeypatch.setattr("sys.stdin", io.StringIO("0.5\nvolume 40\n?\nnxet\nhistory\nq\n"))
    assert cli.main(["play", "--plain", "--sleep", "20", "--listener", "me"]) == 0
    told = capsys.readouterr().out
    assert "AI Radio    starter / me    0 songs rated" in told and "no sound here" in told
    assert "fades out in 20 minutes" in told and "  1  Song 1  C major  0:10" in told
    assert "rate it, from -1 to +1 as on the screen" in told and "did you mean next?" in told
    assert "only the screen has history; ai-radio history lists them" in told
    assert opened[0].journal.ratings == [("Song 1", 0.5, False)]
    assert not (home / "control.sock").exists(), "it is gone with the radio"
    assert read_last(home / "session.json").volume == 0.4


def test_lines_explain_a_song_in_the_words_of_the_screen(stage: Stage) -> None:
    stage.press("e")
    assert stage.said == ["There is no explanation of this song yet."]
    effect, causes = np.zeros(8), np.zeros((8, 5, 2))
    effect[0], causes[0, 1] = -0.4, (-0.3, 1.0)
    assert stage.session.song is not None
    stage.composer.known[stage.session.song.key] = Insight(effect, effect, effect, causes)
    stage.press("e")
    assert any(re.fullmatch(r"0:00  lowers it: bright -0\.\d\d", line) for line in stage.said)
