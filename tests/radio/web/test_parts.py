"""The page without a browser: its player, commands, byte ranges of a song, the map."""

from __future__ import annotations

import importlib.util
import io
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fake_session import FakeSession
from tiny_station import tiny_station

from radio.cli.main import main
from radio.ratings import Rating, RatingsError
from radio.taste import Insight
from radio.web import parts
from radio.web.browser_player import END_SECONDS, SILENCE_SECONDS, BrowserPlayer
from radio.web.commands import CommandError, Commands, Later
from radio.web.live_session import LiveSession
from radio.web.map import LatentView
from radio.web.published import Published
from radio.web.publisher import Publisher
from radio.web.saved import SavedList, find_saved, saved_part
from radio.web.sessions import LiveSessions
from radio.web.sounds import PEAKS, byte_range, peaks_of, wav_of
from radio.web.stage import Stage

SONG = np.zeros(22_050 * 10, np.float32)


class Clock:
    """Seconds that are turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def player(clock: Clock) -> BrowserPlayer:
    return BrowserPlayer(clock)


def test_nothing_plays_where_nobody_listens(player: BrowserPlayer, clock: Clock) -> None:
    player.play(SONG, 22_050)
    clock.now += 5
    assert player.paused and player.position == 0 and not player.finished
    player.listen("a")
    clock.now += 3
    assert player.position == pytest.approx(3)
    player.set_clock("b", 9)
    assert player.position == pytest.approx(3), "only the page that sounds tells the time"
    player.set_clock("a", 2.8)
    clock.now += 1
    assert player.position == pytest.approx(3.8)
    player.play(SONG, 22_050)
    clock.now += 11
    assert not player.finished, "the page that sounds says when it has played the song"
    player.end("b")
    assert not player.finished, "and no other"
    player.end("a")
    assert player.finished
    player.play(SONG, 22_050)
    clock.now += 10 + END_SECONDS
    assert player.finished, "the next song begins without the page"


def test_a_face_that_is_gone_leaves_the_song_where_it_was_heard(
    player: BrowserPlayer, clock: Clock
) -> None:
    player.play(SONG, 22_050)
    player.listen("a")
    clock.now += 2
    player.set_clock("a", 2.0)
    clock.now += SILENCE_SECONDS - 0.5
    player.look_after()
    assert not player.paused
    clock.now += 1
    player.look_after()
    assert player.paused and player.speaker is None and player.position == pytest.approx(2)
    assert player.lost == "a"
    player.regain("b")
    assert player.paused
    player.regain("a")
    assert (player.speaker, player.lost, player.paused) == ("a", None, False)
    clock.now += SILENCE_SECONDS + 1
    player.look_after()
    player.pause()  # by another page: the lost one must not go on
    player.regain("a")
    assert player.paused and player.lost is None
    player.leave("b")
    player.listen("b")
    before = player.jumps
    player.jump("b", 7)
    assert (player.jumps, player.jumper, player.position) == (before + 1, "b", 7)
    player.seek(1)
    assert player.jumper is None


def test_the_face_that_sounds_waits_for_a_song_as_long_as_it_takes(
    player: BrowserPlayer, clock: Clock
) -> None:
    player.play(SONG, 22_050)
    player.listen("a")
    player.stop()
    for _ in range(20):
        clock.now += SILENCE_SECONDS / 2
        player.look_after()
    player.play(SONG, 22_050)
    clock.now += 1
    assert player.speaker == "a" and player.position == pytest.approx(1)


class Room:
    """Commands to a session of fake songs."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.player = BrowserPlayer(self.clock)
        self.session = FakeSession(self.player)
        self.composer, self.journal = self.session.fake, self.session.fake.journal
        self.songs: dict[str, Any] = {}
        self.commands = Commands(Stage(self.session, self.player, self.songs, {}))
        self.count = 0

    def give(self, action: str, **details: Any) -> dict[str, Any]:
        self.count += 1
        return self.commands.execute(
            {
                "id": f"command {self.count}",
                "action": action,
                "page": "a",
                "play": "Song 1",
                "at": None,
                **details,
            }
        )


@pytest.fixture
def room() -> Room:
    room = Room()
    room.session.tick()
    return room


def test_commands_are_those_of_the_keys_and_those_of_the_page(room: Room) -> None:
    room.give("listen")
    room.clock.now += 4
    room.give("slide", points=[[3.5, 0.5], [4.0, 0.8]], at=4.0)
    assert room.session.writer.slider.value == 0.8 and room.journal.notes == [2]
    assert [point for point in room.session.writer.slider.curve().tolist() if point[1] == 0.5] == [
        [3.5, 0.5]
    ]
    room.give("volume", value=0.3)
    room.give("seek", to=6.0)
    assert (room.player.volume, room.player.position, room.player.jumper) == (0.3, 6.0, "a")
    room.give("rate9")
    room.give("next")
    assert room.journal.ratings == [("Song 1", 1.0, True)]
    room.session.tick()
    assert room.session.song.name == "Song 2" and not room.player.paused
    for _ in range(2):  # of a page that has not noticed that it was paused
        room.give("pause")
        assert room.player.paused


def test_a_page_that_was_cut_off_sounds_on(room: Room) -> None:
    room.give("listen")
    room.clock.now += SILENCE_SECONDS + 1
    room.player.look_after()
    assert room.player.paused
    room.give("ping", at=5.0, play="another song")
    assert room.player.paused
    room.give("ping", at=SILENCE_SECONDS - 2)
    assert not room.player.paused and room.player.position == SILENCE_SECONDS - 2
    room.clock.now += SILENCE_SECONDS + 1
    room.player.look_after()
    assert room.player.paused
    before = room.session.song.name
    room.give("ended")
    room.session.tick()
    assert room.session.song.name != before and not room.player.paused


def test_the_same_order_again_is_answered_and_not_done_again(room: Room) -> None:
    first = room.give("slide", points=[[1.0, 0.5]], id="one")
    assert room.give("slide", points=[[1.0, 0.5]], id="one") == first and room.journal.notes == [1]
    room.give("slide", points=[[1.0, 0.5]], id="two")
    assert len(room.session.writer.slider.curve()) == 1, (
        "of a server that was killed before it answered"
    )


def test_what_was_said_of_a_song_that_is_over_is_drawn_on(room: Room) -> None:
    assert room.give("slide", play="old song", points=[[1.0, 0.5]])["kept"] == 1
    with pytest.raises(CommandError, match="no longer known"):
        room.give("slide", play="never", points=[[1.0, 0.5]])
    room.songs["new song"] = types.SimpleNamespace(name="new song", key="new song")
    room.give("slide", play="new song", points=[[1.0, 0.5]])
    assert room.journal.ratings == [("new song", 0.5, False)]
    room.session.playback.song = None
    with pytest.raises(Later):
        room.give("slide", points=[[1.0, 0.5]])


@pytest.mark.parametrize(
    "command",
    [
        {"action": "sing"},
        {"id": ""},
        {"id": 3},
        {"id": "x" * 65},
        {"points": "x"},
        {"points": [[0, 2]]},
        {"points": [[0, float("nan")]]},
        {"points": [[-1, 0]]},
        {"points": [[0]]},
        {"points": [[0, "1"]]},
        {"points": [[0, 0]] * 3000},
        {"page": None, "action": "listen"},
        {"action": "volume", "value": 7},
        {"action": "replay", "key": "none"},
        {"action": "change", "key": "none", "value": 0},
        {"action": "restore", "key": "none"},
        {"action": "delete_saved", "file": "../ratings.db"},
        {"action": "play_saved", "file": "none.wav"},
    ],
)
def test_commands_that_make_no_sense_are_refused_in_one_line(
    room: Room, command: dict[str, Any]
) -> None:
    with pytest.raises(CommandError) as error:
        room.commands.execute(
            {
                "id": "1",
                "action": "slide",
                "page": "a",
                "play": "Song 1",
                "points": [[0, 0]],
                **command,
            }
        )
    assert (
        "\n" not in str(error.value)
        and room.journal.ratings == []
        and room.session.writer.slider.value is None
    )


def test_a_page_that_played_to_the_end_gets_the_next_song_at_once(room: Room) -> None:
    room.give("listen")
    assert room.session.view().upcoming
    room.give("ended", play="another song")
    assert room.session.song.name == "Song 1"
    room.give("ended")
    assert room.session.song.name == "Song 2" and not room.player.paused


def test_a_page_goes_on_with_the_song_that_it_plays_already(room: Room) -> None:
    room.give("listen")
    room.give("ended", next="the page's choice")
    assert room.composer.asked == ["the page's choice"]
    with pytest.raises(CommandError):
        room.give("ended", play=room.session.song.key, next=7)


def test_one_prediction_is_shown_everywhere(room: Room) -> None:
    assert parts.expected_part(room.session.view())["rating"] is None, "nothing is rated"
    room.give("rate9")
    room.give("next")
    room.session.tick()
    assert parts.expected_part(room.session.view()) == {
        "rating": 0.1,
        "predicted": [],
        "liked": [],
    }
    moments = np.array([0.5, 0.1, 3.0])
    room.composer.known["Song 2"] = Insight(moments, np.zeros(3), np.zeros(3))
    shown = parts.expected_part(room.session.view())
    assert shown["rating"] == pytest.approx(np.mean(shown["predicted"]), abs=1e-3)
    assert shown["rating"] == pytest.approx(1.6 / 3, abs=1e-3)


def test_skipped_is_only_what_was_not_rated() -> None:
    def rating(curve: list[list[float]]) -> Rating:
        return Rating(
            *("me", "tiny", "ab12", "Song", np.zeros(3), 0.7),
            curve=np.array(curve).reshape(-1, 2),
            skipped=True,
            key="a",
        )

    rows = parts.history_part([rating([]), rating([[1.0, 0.7]])])
    assert [row["skipped"] for row in rows] == [False, True]


def test_saved_songs_are_listed_when_the_folder_changes(tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    saved = SavedList(folder)
    assert saved.changed() == [] and saved.changed() is None
    folder.mkdir()
    soundfile.write(folder / "one.wav", SONG, 22_050)
    (row,) = saved_part(saved.changed() or [], "ab12")
    assert (row["file"], row["song"], row["here"]) == ("one.wav", "one", False)
    assert saved.changed() is None
    assert find_saved(folder, "one.wav") is not None
    assert find_saved(folder, "../songs/one.wav") is None


def test_ranges_of_bytes() -> None:
    assert (
        byte_range(None, 10) is None
        and byte_range("bytes=0-3,5-6", 10) is None
        and byte_range("lines=1-2", 10) is None
    )
    assert (
        byte_range("bytes=0-", 10) == (0, 10)
        and byte_range("bytes=2-3", 10) == (2, 4)
        and byte_range("bytes=8-99", 10) == (8, 10)
    )
    assert byte_range("bytes=-4", 10) == (6, 10) and byte_range("bytes=-40", 10) == (0, 10)
    for header in ("bytes=10-", "bytes=5-4", "bytes=-0"):
        with pytest.raises(ValueError, match="do not exist"):
            byte_range(header, 10)


def test_a_song_is_a_wav_and_a_waveform(rng: np.random.Generator) -> None:
    samples = rng.uniform(-1.5, 1.5, 5000).astype(np.float32) * np.linspace(
        0, 1, 5000, dtype=np.float32
    )
    read, rate = soundfile.read(io.BytesIO(wav_of(samples, 22_050)))
    assert rate == 22_050
    np.testing.assert_allclose(read, np.clip(samples, -1, 1), atol=1e-4)
    peaks = peaks_of(samples)
    assert len(peaks) == PEAKS and max(peaks) == 1 and peaks[0] < 0.1
    assert peaks_of(samples[:0]) == [0.0] * PEAKS


class FlatView(LatentView):
    """A map whose places are the first two numbers of a coordinate."""

    def __init__(self) -> None:
        self.learned, self.share, self._size = [], 0.5, 3

    def places(self, coordinates: np.ndarray) -> np.ndarray:
        return coordinates[..., :2]


def test_a_search_that_ended_or_was_cleared_leaves_the_map_at_once(room: Room) -> None:
    room.journal.mark = lambda: (0, 0)
    stage = Stage(room.session, room.player, {}, {})
    published = Published()
    publisher = Publisher(stage, published, lambda: [])
    publisher.show_map(FlatView())
    room.give("listen")

    def searched() -> tuple[bool, int, str | None]:
        publisher.look()
        shown = published.parts["map"]
        return shown["running"], len(shown["paths"]), shown["final"] and shown["final"]["name"]

    room.give("slide", points=[[1.0, 0.5]], at=1.0)
    room.give("final")
    assert searched() == (True, 0, None)
    room.session.tick()
    assert searched() == (True, 2, None)
    room.session.tick()
    assert searched() == (False, 2, "Final Song")
    room.give("clear_search")
    assert searched() == (False, 0, None)
    room.give("final")
    assert searched()[0]
    room.session.finals.end("No final song: there is none")
    assert searched() == (False, 0, None)


def test_a_place_of_the_map_is_a_coordinate_and_back() -> None:
    for grid in ("beat", "absolute"):
        station = tiny_station(grid=grid)
        view = LatentView(station)
        coordinate = view.coordinate_at((0.4, -0.3))
        assert coordinate.shape == (station.size,)
        np.testing.assert_allclose(view.places(coordinate[None]), [[0.4, -0.3]], atol=1e-5)
        assert len(view.learned) == 12 and np.abs(view.learned).max() < 2
        paths = view.paths(np.stack([np.tile(coordinate, (2, 1)), np.zeros((2, station.size))]))
        assert [len(path) for path in paths] == [2, 2] and paths[0][0] == pytest.approx(
            [0.4, -0.3], abs=1e-3
        )
        assert view.paths(np.zeros((0, 0, 0))) == []


def test_without_its_packages_the_page_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["web"]) == 2
    assert (
        capsys.readouterr().err
        == "ai-radio: the page needs more packages; install them with pip install 'ai-radio[web]'\n"
    )


def test_the_page_keeps_to_the_config_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    tiny_station().save(home / "stations" / "tiny")
    (home / "config.toml").write_text('[save]\nkind = "flac"\n[learning]\nadded_layers = false\n')
    asked: dict[str, Any] = {}

    class Recorded(LiveSessions):
        def get(self, station: str | None, listener: str | None) -> LiveSession:
            asked.update(kind=self._kind, **self._options)
            raise RatingsError("that is enough")

    monkeypatch.setattr("radio.web.LiveSessions", Recorded)
    assert main(["web", "--home", str(home), "--station", "tiny", "--port", "0", "--no-open"]) in (
        1,
        2,
    )
    assert asked["kind"] == "flac" and asked["adapter"] is False
    assert "that is enough" in capsys.readouterr().err
