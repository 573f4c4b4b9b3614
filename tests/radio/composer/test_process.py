"""The learner in a process of its own: songs ahead, ratings that survive its death, and everything else a session can do."""

from __future__ import annotations

import io
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_station import tiny_station

from radio.composer import messages, remote
from radio.composer.remote import LearnerError, RemoteSession
from radio.home.folder import Home
from radio.ratings.database import Ratings, RatingsError
from radio.station.song_file import read_description
from radio.station.station import Station


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stations")
    tiny_station().save(folder / "tiny")
    return folder


@pytest.fixture
def session(stations: Path, tmp_path: Path) -> Iterator[RemoteSession]:
    opened = RemoteSession(stations / "tiny", "me", home=Home(tmp_path), seed=1)
    yield opened
    opened.close()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def play(session: RemoteSession) -> messages.HeardSong:
    session.hurry()
    until(lambda: session.ready)
    song = session.next_song()
    session.began(song)
    return song


def test_messages_cross_as_they_are_and_half_of_one_is_the_end() -> None:
    stream = io.BytesIO()
    messages.send(stream, messages.Changed("a"))
    messages.send(stream, messages.Learned(["a", "b"], 3, 0.5))
    stream.seek(0)
    assert messages.receive(stream) == messages.Changed("a") and messages.receive(
        stream
    ) == messages.Learned(["a", "b"], 3, 0.5)
    with pytest.raises(EOFError):
        messages.receive(stream)
    with pytest.raises(EOFError):
        messages.receive(io.BytesIO(stream.getvalue()[:-1][-5:]))


def test_songs_wait_before_they_are_wanted_and_ratings_are_learned(
    session: RemoteSession, tmp_path: Path, stations: Path
) -> None:
    song = play(session)
    until(lambda: len(session._offers) >= 2)
    start = time.thread_time()
    second = session.next_song()
    assert time.thread_time() - start < 0.05 and second.name != song.name
    np.testing.assert_array_equal(Station.load(stations / "tiny").render(song.latent), song.samples)
    assert session.rate(song, 0.8) == 0.8
    assert [one.rating for one in Ratings(tmp_path / "ratings.db").of("me", "tiny")] == [0.8], (
        "written before anybody learned it"
    )
    until(lambda: not session.queue)
    assert session.rated == 1 and session.batches == 1
    until(
        lambda: (
            session._order
            and all(
                session._offers[key].expected for key in session._order if key in session._offers
            )
        )
    )
    until(lambda: session.ready)
    assert session.next_song().expected is not None


def test_the_learner_is_niced_and_computes_in_one_thread(session: RemoteSession) -> None:
    process = Path(f"/proc/{session._learner.process.pid}")
    if not process.exists():
        pytest.skip("no /proc here")
    play(session)
    nice = int((process / "stat").read_text().rpartition(")")[2].split()[16])
    assert nice >= min(19, os.nice(0) + 10)
    environment = (process / "environ").read_bytes().split(b"\0")
    assert b"OPENBLAS_NUM_THREADS=1" in environment and b"NUMBA_NUM_THREADS=1" in environment


def test_insights_come_with_the_song_and_change_with_the_taste(session: RemoteSession) -> None:
    song = play(session)
    until(lambda: session.insight(song) is not None)
    before = session.insight(song)
    assert before is not None and before.moments.shape == before.taste.shape == before.critic.shape
    session.rate(song, 1.0)
    until(lambda: session.insight(song) is not before)
    after = session.insight(song)
    assert after is not None and after.moments.mean() > before.moments.mean() + 0.1


def test_a_learner_that_dies_is_replaced_and_knows_everything(
    session: RemoteSession, tmp_path: Path
) -> None:
    songs = [play(session) for _ in range(2)]
    session.rate(songs[0], 0.9)
    until(lambda: not session.queue)
    first = session._learner.process
    first.send_signal(signal.SIGKILL)
    until(lambda: session._learner.died)
    session.rate(songs[1], -0.9)
    line = session.attend()
    assert "was started again; no rating is lost" in line and session.attend() == ""
    assert session._learner.process.pid != first.pid
    until(lambda: not session.queue and session.ready)
    assert session.rated == 2 and session.next_song().expected is not None, (
        "it learned both from the database"
    )
    until(lambda: session.insight(songs[1]) is not None)
    assert [one.rating for one in session.history()] == [0.9, -0.9]


def test_a_listener_is_told_that_a_station_trained_again_still_knows_what_was_said(
    stations: Path, tmp_path: Path
) -> None:
    def told(folder: Path, ratings: int) -> tuple[int, str, str]:
        session = RemoteSession(folder, "me", home=Home(tmp_path / "home"), seed=1)
        found = session.rated, session.attend(), session.attend()
        for _ in range(ratings):
            session.rate(play(session), 0.5)
        until(lambda: not session.queue)  # learned, and the sound kept
        session.close()
        return found

    tiny_station(seed=8).save(tmp_path / "again" / "tiny")
    line = "The 2 songs that you rated before this station was trained again taught the radio what you like."
    assert told(stations / "tiny", 2) == (0, "", "")
    assert told(tmp_path / "again" / "tiny", 1) == (0, line, ""), "once"
    assert told(tmp_path / "again" / "tiny", 0) == (1, "", ""), "who has rated it since knows"


def test_a_learner_that_keeps_dying_is_told_once_more_and_not_restarted_for_ever(
    session: RemoteSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for _ in range(remote.REVIVALS + 2):
        if not session._learner.died:
            session._learner.process.kill()
            until(lambda: session._learner.died)
        lines.append(session.attend())
    assert [bool(line) for line in lines] == [True, False, True, False, False]
    assert "keeps dying" in lines[2]
    monkeypatch.setattr(remote, "REVIVAL_SECONDS", 0.0)
    session.attend()
    assert not session._learner.died, "it is tried again later"


def test_undo_history_change_and_delete_are_unlearned_and_learned(
    session: RemoteSession, tmp_path: Path
) -> None:
    songs = [play(session) for _ in range(3)]
    for song, value in zip(songs, (0.9, -0.5, 0.2), strict=True):
        session.rate(song, value)
    until(lambda: not session.queue)
    undone = session.undo()
    assert undone is not None and undone.song == songs[2].name and session.rated == 2
    session.change(songs[1].key, 1.0)
    session.delete(songs[0].key)
    until(lambda: not session.queue)
    assert [(one.song, one.rating) for one in session.history()] == [(songs[1].name, 1.0)]
    assert [one.given for one in session.judged()] == [1.0]
    again = session.again(songs[1].latent, key=songs[1].key)
    assert again.key == songs[1].key and again.expected is not None and again.expected[0] > 0.1, (
        "what was deleted is unlearned"
    )
    np.testing.assert_array_equal(again.samples, songs[1].samples)


def test_the_final_song_tells_its_progress_and_can_be_given_up(session: RemoteSession) -> None:
    song = play(session)
    session.rate(song, 1.0)
    told: list[tuple] = []
    final = session.final_song(progress=lambda *found: told.append(found))
    assert final.expected is not None and final.descent["losses"]
    assert (
        told[0][0] == 0
        and told[-1][0] == told[-1][1]
        and told[-1][2] >= told[0][2]
        and np.isfinite(told[-1][3])
    )
    with pytest.raises(remote.CancelledError):
        session.final_song(should_stop=lambda: True)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_saved_song_carries_its_coordinate_in_its_tags(
    session: RemoteSession, stations: Path, kind: str
) -> None:
    import soundfile

    song = play(session)
    session.rate(song, 0.4)
    path = session.save(song, kind=kind)
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.artist, file.album) == (
            song.name,
            "AI Radio",
            "tiny",
        ) and file.format == kind.upper()
        np.testing.assert_allclose(file.read(dtype="float32"), song.samples, atol=1 / 32000)
    for source in (path, path.with_suffix(".json")):
        np.testing.assert_array_equal(read_description(source)["coordinate"], song.latent)
    assert read_description(path.with_suffix(".json"))["rating"] == 0.4


def test_what_can_not_be_opened_is_one_line(stations: Path, tmp_path: Path) -> None:
    with pytest.raises(LearnerError, match="no station") as caught:
        RemoteSession(stations / "nowhere", "me", home=Home(tmp_path))
    assert "\n" not in str(caught.value)
    (tmp_path / "ratings.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RatingsError, match="damaged"):
        RemoteSession(stations / "tiny", "me", home=Home(tmp_path))


def test_the_learner_ends_with_the_radio(session: RemoteSession) -> None:
    play(session)
    process = session._learner.process
    session.close()
    assert process.poll() is not None


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other systems have no such parameter"
)
def test_large_blocks_go_back_to_the_system_when_they_are_freed() -> None:
    program = """
import numpy as np
from radio.composer.process import _give_back_what_is_freed
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
_give_back_what_is_freed()
np.ones(1 << 17)  # glibc would keep blocks of this size from now on
before, songs, between = held(), [], []
for _ in range(64):
    songs.append(np.ones(1 << 17))
    between.append(np.ones(1 << 11))
most = held() - before
songs.clear()
print(most, held() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    most, left = (int(number) / 2**20 for number in done.stdout.split())
    assert most > 60  # MB
    assert left < 8
