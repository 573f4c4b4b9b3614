"""A composer in a worker: songs ahead, death and restart, replay, final song, saving."""

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
from listening import change, delete, rate, undo
from tiny_station import tiny_station

from audio_parsing.playback import SilentDevice
from radio.composer import (
    ComposerProcess,
    FinalSong,
    FinalStep,
    Learned,
    NoFinal,
    ReplayedSong,
    Song,
    Trouble,
    messages,
    process,
    write_song,
)
from radio.composer.events import Event
from radio.composer.process import ComposerError
from radio.home import Home
from radio.ratings import Ratings, RatingsError
from radio.session import Session
from radio.station import Station, read_description


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stations")
    tiny_station().save(folder / "tiny")
    return folder


@pytest.fixture
def composer(stations: Path, tmp_path: Path) -> Iterator[ComposerProcess]:
    opened = ComposerProcess(stations / "tiny", "me", home=Home(tmp_path), seed=1)
    yield opened
    opened.close()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def play(composer: ComposerProcess) -> Song:
    composer.hurry()
    until(lambda: composer.ready)
    song = composer.next_song()
    composer.played(song.key, song.latent)
    return song


def wait_for(composer: ComposerProcess, *kinds: type) -> list[Event]:
    """Return the events up to one of these kinds, which is the last."""
    found: list[Event] = []

    def arrived() -> bool:
        found.extend(composer.events())
        return any(isinstance(one, kinds) for one in found)

    until(arrived)
    return found


def lines(composer: ComposerProcess) -> list[str]:
    """Return what the composer has to say about itself."""
    return [one.text for one in composer.events() if isinstance(one, Trouble)]


def test_messages_cross_as_they_are_and_half_of_one_is_the_end() -> None:
    stream = io.BytesIO()
    messages.send(stream, messages.Changed("a"))
    messages.send(stream, Learned(["a", "b"], 0.5))
    stream.seek(0)
    assert messages.receive(stream) == messages.Changed("a") and messages.receive(
        stream
    ) == Learned(["a", "b"], 0.5)
    with pytest.raises(EOFError):
        messages.receive(stream)
    with pytest.raises(EOFError):
        messages.receive(io.BytesIO(stream.getvalue()[:-1][-5:]))


def test_songs_wait_before_they_are_wanted_and_ratings_are_learned(
    composer: ComposerProcess, tmp_path: Path, stations: Path
) -> None:
    song = play(composer)
    until(lambda: len(composer._offers) >= 2)
    start = time.thread_time()
    second = composer.next_song()
    assert time.thread_time() - start < 0.05 and second.name != song.name
    np.testing.assert_array_equal(Station.load(stations / "tiny").render(song.latent), song.samples)
    assert rate(composer, song, 0.8) == 0.8
    assert [one.rating for one in Ratings(tmp_path / "ratings.db").of("me", "tiny")] == [0.8], (
        "written before anybody learned it"
    )
    until(lambda: not composer.pending)
    learned = [one.keys for one in composer.events() if isinstance(one, Learned)]
    assert len(composer.journal.judged()) == 1 and learned == [[song.key]]
    until(lambda: [bool(one.expected) for one in composer.upcoming()][:2] == [True, True])
    best, worse = composer.upcoming()[:2]
    composer._take(messages.Order([best.key], [best.expected]))
    assert worse.key not in [one.key for one in composer.upcoming()] and worse.expected is not None
    assert composer.next_song(worse.key) is worse, "a page has loaded it, though it was replaced"
    composer._take(messages.Offer(worse))
    composer._take(messages.Order([best.key, worse.key], [best.expected, worse.expected]))
    assert composer.next_song(worse.key) is worse
    assert composer.next_song("an unknown one") is not worse


def test_the_worker_is_niced_and_computes_in_one_thread(composer: ComposerProcess) -> None:
    folder = Path(f"/proc/{composer._worker.process.pid}")
    if not folder.exists():
        pytest.skip("no /proc here")
    play(composer)
    nice = int((folder / "stat").read_text().rpartition(")")[2].split()[16])
    assert nice >= min(19, os.nice(0) + 10)
    pid, cores = composer._worker.process.pid, os.sched_getaffinity(0)
    assert os.getsid(pid) == pid, "a share of the processor of its own"
    until(lambda: len(os.sched_getaffinity(pid)) == max(1, len(cores) - 1))
    environment = (folder / "environ").read_bytes().split(b"\0")
    assert b"OPENBLAS_NUM_THREADS=1" in environment and b"NUMBA_NUM_THREADS=1" in environment


def test_insights_come_with_the_song_and_change_with_the_taste(composer: ComposerProcess) -> None:
    song = play(composer)
    until(lambda: composer.insight(song.key) is not None)
    before = composer.insight(song.key)
    assert before is not None and before.moments.shape == before.taste.shape == before.critic.shape
    rate(composer, song, 1.0)
    until(lambda: composer.insight(song.key) is not before)
    after = composer.insight(song.key)
    assert after is not None and after.moments.mean() > before.moments.mean() + 0.1


def test_a_worker_that_dies_is_replaced_and_knows_everything(composer: ComposerProcess) -> None:
    songs = [play(composer) for _ in range(2)]
    rate(composer, songs[0], 0.9)
    until(lambda: not composer.pending)
    composer.events()
    first = composer._worker.process
    first.send_signal(signal.SIGKILL)
    until(lambda: composer._worker.died)
    rate(composer, songs[1], -0.9)
    composer.replay(songs[0].key, songs[0].latent)
    composer.start_final()
    (trouble, no_final) = composer.events()
    assert isinstance(trouble, Trouble) and "no rating is lost" in trouble.text
    assert isinstance(no_final, NoFinal) and "ask for it again" in no_final.text
    assert composer._worker.process.pid != first.pid
    until(lambda: not composer.pending and composer.ready)
    assert composer.next_song().expected is not None, "it learned both from the database"
    until(lambda: composer.insight(songs[1].key) is not None)
    assert [one.rating for one in composer.journal.history()] == [0.9, -0.9]
    (replayed,) = [one for one in wait_for(composer, ReplayedSong) if isinstance(one, ReplayedSong)]
    np.testing.assert_array_equal(replayed.song.samples, songs[0].samples)


def test_a_retrained_station_still_knows_the_ratings_and_says_so(
    stations: Path, tmp_path: Path
) -> None:
    def said(folder: Path, ratings: int) -> tuple[int, list[str]]:
        composer = ComposerProcess(folder, "me", home=Home(tmp_path / "home"), seed=1)
        said: list[str] = []
        session = Session(composer, SilentDevice(lambda: 0.0), say=said.append)
        rated = session.view().rated
        for _ in range(ratings):
            rate(composer, play(composer), 0.5)
        until(lambda: not composer.pending)  # learned, and the sound stored
        composer.close()
        return rated, said

    tiny_station(seed=8).save(tmp_path / "again" / "tiny")
    line = (
        "The 2 songs that you rated before this station was trained again "
        "taught the radio what you like."
    )
    assert said(stations / "tiny", 2) == (0, [])
    assert said(tmp_path / "again" / "tiny", 1) == (0, [line])
    assert said(tmp_path / "again" / "tiny", 0) == (1, []), "a listener who rated it since knows"


def test_a_worker_that_keeps_dying_is_announced_once_more_and_not_restarted_for_ever(
    composer: ComposerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for _ in range(process.MAX_RESTARTS + 2):
        if not composer._worker.died:
            composer._worker.process.kill()
            until(lambda: composer._worker.died)
        said.append(lines(composer))
    assert [len(found) for found in said] == [1, 0, 1, 0, 0]
    assert "keeps dying" in said[2][0]
    monkeypatch.setattr(process, "RESTART_SECONDS", 0.0)
    composer.events()
    assert not composer._worker.died, "it is tried again later"


def test_undo_history_change_and_delete_are_unlearned_and_learned(
    composer: ComposerProcess, tmp_path: Path
) -> None:
    songs = [play(composer) for _ in range(3)]
    for song, value in zip(songs, (0.9, -0.5, 0.2), strict=True):
        rate(composer, song, value)
    until(lambda: not composer.pending)
    undone = undo(composer)
    assert (
        undone is not None and undone.song == songs[2].name and len(composer.journal.judged()) == 2
    )
    change(composer, songs[1].key, 1.0)
    delete(composer, songs[0].key)
    until(lambda: not composer.pending)
    assert [(one.song, one.rating) for one in composer.journal.history()] == [(songs[1].name, 1.0)]
    assert [one.given for one in composer.journal.judged()] == [1.0]
    composer.events()
    composer.replay(songs[1].key, songs[1].latent)
    (replayed,) = [one for one in wait_for(composer, ReplayedSong) if isinstance(one, ReplayedSong)]
    again = replayed.song
    assert again.key == songs[1].key and again.expected is not None and again.expected[0] > 0.1, (
        "what was deleted is unlearned"
    )
    np.testing.assert_array_equal(again.samples, songs[1].samples)


def test_the_final_song_reports_its_progress_and_can_be_given_up(
    composer: ComposerProcess,
) -> None:
    song = play(composer)
    rate(composer, song, 1.0)
    composer.start_final()
    found = wait_for(composer, FinalSong, NoFinal)
    steps = [one for one in found if isinstance(one, FinalStep)]
    (final,) = [one.song for one in found if isinstance(one, FinalSong)]
    assert final.expected is not None and final.descent["losses"] and final.picture.size
    assert (
        steps[0].step == 0
        and steps[-1].step == steps[-1].steps
        and steps[-1].expected >= steps[0].expected
        and np.isfinite(steps[-1].distance)
    )
    np.testing.assert_array_equal(steps[0].coordinates.shape[1:], final.latent.shape)
    composer.start_final()
    composer.stop_final()
    last = wait_for(composer, FinalSong, NoFinal)[-1]
    assert isinstance(last, NoFinal) and last.text == ""


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_saved_song_carries_its_coordinate_in_its_tags(
    composer: ComposerProcess, stations: Path, tmp_path: Path, kind: str
) -> None:
    import soundfile

    song = play(composer)
    rate(composer, song, 0.4)
    path = write_song(song, Home(tmp_path).songs() / f"song.{kind}", composer.journal)
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


def test_nothing_is_waited_for_once_the_worker_can_not_open(composer: ComposerProcess) -> None:
    opening = messages.Busy("opening the station", 0, 1)
    composer.busy = opening
    composer._take(messages.Refused("the station is broken"))
    assert composer.busy is None and lines(composer) == ["the station is broken"]
    composer.busy = opening
    composer._deaths = [time.monotonic()] * process.MAX_RESTARTS
    composer._worker.process.kill()
    until(lambda: composer._worker.died)
    composer.events()
    assert composer.busy is None


def test_what_can_not_be_opened_is_one_line(stations: Path, tmp_path: Path) -> None:
    with pytest.raises(ComposerError, match="no station") as caught:
        ComposerProcess(stations / "nowhere", "me", home=Home(tmp_path))
    assert "\n" not in str(caught.value)
    (tmp_path / "ratings.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RatingsError, match="damaged"):
        ComposerProcess(stations / "tiny", "me", home=Home(tmp_path))


def test_the_worker_ends_with_the_radio(composer: ComposerProcess) -> None:
    play(composer)
    running = composer._worker.process
    composer.close()
    assert running.poll() is not None


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other systems have no such functions"
)
def test_memory_goes_back_to_the_system_when_it_is_freed() -> None:
    """Large blocks at once; small ones of several threads, between some that stay, when trimmed."""
    program = """
import threading
import numpy as np
from radio.composer import heap
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
heap.share_one_heap()
start, stay = held(), []
def use():
    for _ in range(4):
        blocks = [np.ones(1 << 9) for _ in range(2000)]
        stay.extend(blocks[::200])
        last.wait()
last = threading.Barrier(4)
threads = [threading.Thread(target=use) for _ in range(4)]
for one in threads:
    one.start()
for one in threads:
    one.join()
small = held() - start
heap.trim()
print(small, held() - start)

heap.release_large_blocks()
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
    (small, trimmed), (most, left) = (
        (int(number) / 2**20 for number in line.split()) for line in done.stdout.splitlines()
    )
    assert small > 20 > 8 > trimmed, (small, trimmed)  # MB
    assert most > 60 > 8 > left, (most, left)
