"""The faces of a session: what a line shows, what keys do, and that the terminal is as it was, whatever ends the program."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
import types
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_parsing.playback import SilentDevice
from radio import broadcast as broadcast_module
from radio.broadcast import Broadcast, View
from radio.keyboard import decode
from radio.lines import obey, play_on_lines
from radio.terminal import HELP, Screen, actions, status_line

pexpect = pytest.importorskip("pexpect")
ROOT = Path(__file__).parent.parent
VIEW = View(3, "Amber Harbor", "D minor, 96 bpm", 11.4, 31.0, False, 0.6, 14, (0.42, 0.2), 0.8, "", False)


class FakeSession:
    """Sine songs of ten seconds, made at once; remembers what it was told."""

    def __init__(self) -> None:
        self.ready = True
        self.ratings: list[tuple[str, float | None, bool]] = []
        self.notes: list[int] = []
        self.saved: list[str] = []
        self.count = 0
        self.failing = False
        self.hurried = 0

    @property
    def rated(self) -> int:
        return len(self.ratings)

    def next_song(self) -> Any:
        self.count += 1
        samples = np.sin(np.arange(220_500) / 20).astype(np.float32)
        return types.SimpleNamespace(samples=samples, sample_rate=22050, name=f"Song {self.count}", details="C major", expected=(0.1, 0.2))

    def hurry(self) -> None:
        self.hurried += 1

    def note(self, song: Any, curve: np.ndarray) -> None:
        self.notes.append(len(curve))

    def rate(self, song: Any, curve: np.ndarray, *, skipped: bool = False) -> None:
        self.ratings = [one for one in self.ratings if one[0] != song.name]
        self.ratings.append((song.name, float(curve[-1, 1]) if len(curve) else None, skipped))

    def undo(self) -> Any:
        if not self.ratings:
            return None
        name, value, _ = self.ratings.pop()
        return types.SimpleNamespace(song=name, rating=value or 0.0)

    def save(self, song: Any) -> str:
        if self.failing:
            raise OSError("no room")
        self.saved.append(song.name)
        return f"/songs/{song.name}.wav"

    def final_song(self, *, should_stop: Callable[[], bool]) -> Any:
        song = self.next_song()
        song.name = "Final Song"
        return song


class Stage:
    """A broadcast of fake songs on a clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.session, self.player = FakeSession(), SilentDevice(lambda: self.now)
        self.said: list[str] = []
        self.broadcast = Broadcast(self.session, self.player, say=self.said.append)  # type: ignore[arg-type]
        self.keys = actions(self.broadcast, self.said.append)
        self.broadcast.tick()

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.broadcast.tick()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.keys[key]()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_songs_follow_each_other_and_silence_says_nothing(stage: Stage) -> None:
    assert stage.said == ["  1  Song 1  C major  0:10"]
    stage.pass_time(25)
    assert stage.broadcast.view().name == "Song 3"
    assert stage.session.ratings == [("Song 1", None, False), ("Song 2", None, False)]


def test_the_slider_rates_the_song_that_plays(stage: Stage) -> None:
    stage.pass_time(4)
    stage.press("up", "k", "up", "down")
    assert stage.broadcast.view().slider == 0.2
    stage.press("9")
    stage.pass_time(2)
    stage.press("j")
    stage.pass_time(5)
    assert stage.session.ratings == [("Song 1", 0.9, False)]
    assert stage.session.notes, "it is kept while the song plays already"
    assert stage.broadcast.view().slider is None, "the next song is unrated"


def test_digits_go_from_dislike_to_love_and_0_takes_back(stage: Stage) -> None:
    seen = []
    for digit in "123456789":
        stage.press(digit)
        seen.append(stage.broadcast.view().slider)
    np.testing.assert_allclose(seen, np.linspace(-1, 1, 9))
    stage.press("0")
    assert stage.broadcast.view().slider is None
    stage.press("n")
    assert stage.session.ratings == [("Song 1", None, True)], "as if it had never been touched"


def test_next_pause_seek_and_volume(stage: Stage) -> None:
    stage.pass_time(1)
    stage.press("space")
    stage.pass_time(60)
    view = stage.broadcast.view()
    assert view.paused and view.position == pytest.approx(1)
    stage.press("space", "right")
    assert stage.broadcast.view().position == pytest.approx(6)
    stage.press("left", "left")
    assert stage.broadcast.view().position == 0
    stage.press("-", "-", "+")
    assert stage.broadcast.view().volume == pytest.approx(0.75)
    stage.press("7", "n")
    stage.pass_time(0.1)
    assert stage.broadcast.view().name == "Song 2"
    assert stage.session.ratings == [("Song 1", 0.5, True)]


def test_nothing_waits_for_a_song_that_is_not_there_yet(stage: Stage) -> None:
    stage.session.ready = False
    stage.press("n", "n", "5", "s", "space", "space")
    stage.pass_time(1)
    view = stage.broadcast.view()
    assert (view.busy, view.duration, view.slider) == ("making the next song", 0, None)
    assert stage.session.ratings == [("Song 1", None, True)], "one skip, however often it is asked for"
    stage.session.ready = True
    stage.pass_time(0.1)
    assert stage.broadcast.view().name == "Song 2"


def test_undo_takes_back_this_song_first_and_then_earlier_ones(stage: Stage) -> None:
    stage.press("8", "n")
    stage.pass_time(0.1)
    stage.press("3", "u")
    assert stage.broadcast.view().slider is None and stage.session.rated == 1
    stage.press("u", "u")
    assert stage.said[-3:] == [
        "The rating of this song is taken back.", "The rating of Song 1 (+0.8) is taken back.", "There is no rating to take back."
    ]  # fmt: skip


def test_saving_and_its_failure_are_told(stage: Stage) -> None:
    stage.press("s")
    assert stage.said[-1] == "Saved /songs/Song 1.wav"
    stage.session.failing = True
    stage.press("s")
    assert stage.said[-1] == "Not saved: no room"


def test_the_final_song_is_made_in_the_background_saved_and_played(stage: Stage) -> None:
    stage.press("f")
    assert "Rate a song first" in stage.said[-1]
    stage.press("9", "n")
    stage.pass_time(0.1)
    stage.press("f")
    future: Future | None = stage.broadcast._final
    assert future is not None
    future.result(10)
    stage.pass_time(0.2)
    assert stage.broadcast.view().name == "Final Song"
    assert "Your final song is Final Song, saved as /songs/Final Song.wav" in stage.said


def test_what_was_said_is_kept_when_the_listener_quits(stage: Stage) -> None:
    stage.pass_time(1)
    stage.press("9")
    stage.broadcast.finish()
    stage.broadcast.finish()
    assert stage.session.ratings == [("Song 1", 1.0, False)]


def test_quitting_an_untouched_song_is_no_dislike(stage: Stage) -> None:
    stage.broadcast.finish()
    assert stage.session.ratings == []


def test_a_lost_device_is_replaced_at_the_same_moment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.pass_time(3)
    other = SilentDevice(lambda: stage.now)
    monkeypatch.setattr(broadcast_module, "open_player", lambda: (other, "No sound: nothing there; playing silently"))
    stage.player.failure = "the sound device 'x' no longer answers"
    stage.pass_time(1)
    assert stage.broadcast.player is other
    assert stage.said[-1] == "The sound device 'x' no longer answers. No sound: nothing there; playing silently"
    assert stage.broadcast.view().position == pytest.approx(4, abs=0.15)


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("colour", [True, False])
def test_the_status_line_fits_any_width(unicode: bool, colour: bool) -> None:
    views = [VIEW, replace(VIEW, slider=None, expected=None, paused=True), replace(VIEW, busy="making the final song", silent=True)]
    views += [View(0, "", "", 0.0, 0.0, False, None, 0, None, 0.8, "making the next song", True)]
    for view in views:
        for width in (*range(1, 130), 400):
            line = re.sub(r"\x1b\[\d+m", "", status_line(view, width, colour=colour, unicode=unicode))
            assert len(line) <= max(0, width - 1), width
            assert unicode or line.isascii()


def test_the_status_line_says_everything_where_there_is_room() -> None:
    line = status_line(VIEW, 200)
    for text in ("Amber Harbor", "D minor, 96 bpm", "0:11 / 0:31", "slider +0.6", "14 rated", "expects +0.4 (0.2)", "vol 80", "━╸─", "●"):
        assert text in line
    assert "slider" in status_line(VIEW, 40) and "Amber Harbor" in status_line(VIEW, 60)
    assert "paused" in status_line(replace(VIEW, paused=True), 60)
    assert "expects +1.0 (0.3)" in status_line(replace(VIEW, expected=(1.66, 0.3)), 100), "no rating is beyond the ends of the slider"
    assert "unrated" in status_line(replace(VIEW, slider=None), 60)
    assert "making the next song" in status_line(replace(VIEW, duration=0.0, busy="making the next song"), 60)
    assert "\x1b" not in line


class Terminal(io.StringIO):
    encoding = "utf-8"


@pytest.mark.parametrize(
    ("environment", "colour", "moves"),
    [({"TERM": "xterm"}, True, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False)],
)
def test_a_screen_honours_no_color_and_dumb_terminals(environment: dict[str, str], colour: bool, moves: bool) -> None:
    stream = Terminal()
    screen = Screen(stream, environment)
    screen.show(VIEW)
    screen.say("a line")
    screen.show(replace(VIEW, position=30.0))
    screen.close()
    assert ("\x1b[1m" in stream.getvalue()) is colour
    assert ("\x1b[J" in stream.getvalue()) is moves
    assert ("\x1b" in stream.getvalue()) is moves
    assert stream.getvalue().endswith("\n")


def test_a_screen_in_another_encoding_prints_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    screen = Screen(io.TextIOWrapper(raw, encoding="ascii"), {"TERM": "xterm"})
    screen.show(VIEW)
    screen.say("naïve")
    assert b"na?ve" in raw.getvalue() and b"==>-" in raw.getvalue()


def test_keys_are_decoded() -> None:
    assert decode("\x1b[A\x1b[B\x1bOC\x1b[Dk +") == ["up", "down", "right", "left", "k", "space", "+"]
    assert decode("\x1b[15~\x1b[1;5Aq") == ["q"], "keys that are not ours do nothing"
    assert decode("\x1b") == ["escape"] and decode("\r\n") == ["enter", "enter"]
    assert decode("é\x00\x1b[") == ["é"]


def test_every_key_of_the_help_does_something(stage: Stage) -> None:
    for key in ["space", "n", "up", "down", "k", "j", *"0123456789", "left", "right", "+", "-", "u", "s", "f", "?"]:
        assert key in stage.keys
    stage.press("?")
    assert stage.said[-1] == HELP and all(len(line) < 80 for line in HELP.splitlines())


def test_lines_are_commands_and_ratings(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("0.5", "n", "-1", "s", "u", "p", "p", "", "next"):
        obey(stage.broadcast, line)
        stage.pass_time(0.1)
    assert stage.session.ratings == [("Song 1", 0.5, True), ("Song 2", None, True)]
    assert capsys.readouterr().out == ""
    for line in ("7", "nan", "inf", "hello", "1e400"):
        obey(stage.broadcast, line)
        assert "is no command and no rating" in capsys.readouterr().out


@pytest.mark.parametrize(("commands", "songs"), [("", 1), ("0.5\nn\n-0.5\n", 2), ("p\n", 1), ("n\nq\nn\n", 1)])
def test_the_end_of_the_input_lets_the_song_finish(commands: str, songs: int, capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession()
    fast = SilentDevice(lambda: time.monotonic() * 20)
    play_on_lines(lambda say: Broadcast(session, fast, say=say), commands=io.StringIO(commands))  # type: ignore[arg-type]
    finished = [name for name, _, _ in session.ratings]
    assert finished == [f"Song {number + 1}" for number in range(songs)]
    assert "Song 1" in capsys.readouterr().out


def test_a_final_song_that_comes_after_the_end_of_the_input_is_played(capsys: pytest.CaptureFixture[str]) -> None:
    class Slow(FakeSession):
        def final_song(self, *, should_stop: Callable[[], bool]) -> Any:
            time.sleep(0.3)  # six seconds on the player's clock: the input is over, the song is not
            return super().final_song(should_stop=should_stop)

    session, fast = Slow(), SilentDevice(lambda: time.monotonic() * 20)
    play_on_lines(lambda say: Broadcast(session, fast, say=say), commands=io.StringIO("0.5\nf\n"))  # type: ignore[arg-type]
    assert [name for name, _, _ in session.ratings] == ["Song 1", "Final Song"], "both were played to their end"
    assert "Your final song is Final Song" in capsys.readouterr().out


FACE = """
import os, sys
sys.path.insert(0, {tests!r})
from test_terminal import FakeSession
from audio_parsing.playback import SilentDevice
from radio.broadcast import Broadcast
from radio.terminal import Terminated, play_on_terminal
class Failing(Broadcast):
    def undo(self):
        raise RuntimeError("a fault")
print("pid", os.getpid(), flush=True)
try:
    play_on_terminal(lambda say: Failing(FakeSession(), SilentDevice(), say=say))
except Terminated as ended:
    sys.exit(128 + ended.number)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def face(tmp_path: Path) -> Any:
    """The face alone, in a real terminal between two looks at the terminal's settings."""
    if sys.platform == "win32":
        pytest.skip("no pseudo-terminals here")
    (tmp_path / "face.py").write_text(FACE.format(tests=str(ROOT / "tests")))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    # The shell outlives Ctrl-C, and after Ctrl-Z it looks at the terminal before it lets the face go on.
    stopped = "while [ $code -gt 145 ]; do echo stopped; stty -g; fg >/dev/null; code=$?; done"
    script = f"set -m; trap : INT; stty -g; {sys.executable} {tmp_path}/face.py; code=$?; {stopped}; echo code $code; stty -g"
    child = pexpect.spawn("bash", ["-c", script], env=environment, encoding="utf-8", timeout=20, dimensions=(24, 100), cwd=str(ROOT))
    child.expect(r"([0-9a-f:]+)\r\n")
    child.before_settings = child.match.group(1)
    child.expect(r"pid (\d+)")
    child.process = int(child.match.group(1))
    child.expect("slider unrated")
    yield child
    child.close(force=True)


def assert_restored(child: Any, code: int) -> None:
    child.expect(rf"code {code}\r\n([0-9a-f:]+)\r\n")
    assert child.match.group(1) == child.before_settings
    child.expect(pexpect.EOF)


def test_real_keys_in_a_real_terminal(face: Any) -> None:
    face.send("\x1b[A")
    face.expect(r"slider \+0\.1")
    face.send("kk")
    face.expect(r"slider \+0\.3")
    face.send("1")
    face.expect(r"slider -1\.0")
    face.send(" ")
    face.expect("paused")
    face.send("\x1b[C")
    face.expect("0:05 / 0:10")
    face.setwinsize(24, 50)
    face.send("9")
    face.expect(r"slider \+1\.0")
    face.send("?")
    face.expect("final song, from your ratings")
    face.send("n")
    face.expect("2  Song 2")
    face.send("q")
    assert_restored(face, 0)


@pytest.mark.parametrize(("how", "code"), [("\x03", 130), ("\x04", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), ("u", 1)])
def test_the_terminal_is_put_back_whatever_ends_it(face: Any, how: str | int, code: int) -> None:
    if isinstance(how, str):
        face.send(how)
    else:
        os.kill(face.process, how)
    assert_restored(face, code)


def test_it_ends_when_the_terminal_is_closed(face: Any) -> None:
    face.ptyproc.fileobj.close()
    face.closed = face.ptyproc.closed = True
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(face.process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("it still runs")


def test_suspended_it_gives_the_terminal_back_and_takes_it_again(face: Any) -> None:
    face.send("\x1a")
    face.expect(r"stopped\r\n([0-9a-f:]+)\r\n")
    assert face.match.group(1) == face.before_settings
    face.send("9")
    face.expect(r"slider \+1\.0")
    face.send("q")
    assert_restored(face, 0)
