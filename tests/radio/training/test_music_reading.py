"""A large library: the training begins with a part of it, and reads the rest meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from slow_reader import slow

from audio_parsing.files import AudioError
from radio.station import STATION_FILE
from radio.training import (
    TrainingOptions,
    component_excerpts,
    music_reading,
    songs as songs_of_training,
    train_station,
)
from radio.training.music_reading import MusicReading
from radio.training.parallel_reader import Readers

ROOT = Path(__file__).parents[3]
SUPPORT = ROOT / "tests" / "support"
RATE = 22050


@pytest.fixture
def library(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven files of ten seconds, of which six are used, and two before the training begins."""
    monkeypatch.setattr(music_reading, "BLOCK", 300)
    monkeypatch.setattr(music_reading, "MOST_BLOCKS", 6)
    monkeypatch.setattr(music_reading, "FILES_AT_ONCE", 2)
    monkeypatch.setattr(songs_of_training, "FIRST_BLOCKS", 2)
    sizes = {"latent_size": 8, "song_size": 6, "hidden": 16, "prior_hidden": 16, "position": True}
    recipe = replace(
        songs_of_training.RECORDINGS, sizes=sizes, components=24, restored=32, steps=16, batch=4
    )
    monkeypatch.setattr(songs_of_training, "RECORDINGS", recipe)
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(7):
        sound = 0.1 * rng.standard_normal(RATE * 10)
        soundfile.write(folder / f"{number}.wav", sound, RATE, subtype="FLOAT")
    return folder


@pytest.mark.parametrize("stopped_after", [0, 1, 5])
def test_a_training_begins_with_a_part_and_resumes_anywhere(
    library: Path, tmp_path: Path, stopped_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[int, int]] = []  # steps made, recordings
    made: list[int] = [0]
    original = component_excerpts.ComponentExcerpts.take

    def take(self, recordings: list, encoded: int | None = None) -> None:
        taken.append((made[-1], len(recordings)))
        original(self, recordings, encoded)

    def report(event: dict) -> None:
        if event["phase"] == "vae" and "done" in event:
            assert event["of"] == 8
            made.append(event["done"])

    monkeypatch.setattr(component_excerpts.ComponentExcerpts, "take", take)
    options = TrainingOptions(beats=16, steps=8, threads=1)
    assert train_station(tmp_path / "a" / "s", library, options, report=report) is not None
    assert taken[-1] == (2, 6) and {count for step, count in taken[:-1]} == {2}
    made.append(0)

    def should_stop() -> bool:
        return made[-1] >= stopped_after

    other = tmp_path / "b" / "s"
    given: dict = {"report": report, "should_stop": should_stop}
    assert train_station(other, library, options, **given) is None
    assert train_station(other, library, options) is not None
    assert (other / STATION_FILE).read_bytes() == (tmp_path / "a" / "s" / STATION_FILE).read_bytes()


def test_what_the_thread_skips_or_fails_at_is_told_by_who_waits(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = MusicReading(library).paths
    for number in (0, 4, 5):
        order[number].write_bytes(b"RIFF")
    lines: list[str] = []
    reading = MusicReading(library, on_skip=lines.append)
    reading.read(2)  # and no more for the bad ones
    assert len(reading.recordings().frames) == 2
    before = len(lines)
    reading.read_on()
    assert reading.wait(lambda: False) and reading.over and len(reading.recordings().frames) == 4
    assert len(lines) > before and lines[-1] == f"{library}: 3 of 7 files skipped"
    failing = MusicReading(library)
    failing.read(2)
    monkeypatch.setattr(failing, "_share", lambda: 1 / 0)
    failing.read_on()
    with pytest.raises(ZeroDivisionError):
        failing.wait(lambda: False)
    with pytest.raises(AudioError, match="no such file"):
        MusicReading(library / "none")


@pytest.mark.parametrize("workers", [1, 2])
def test_reading_is_given_up_within_a_file(tmp_path: Path, workers: int) -> None:
    failures: list[BaseException] = []
    with Readers(slow, (1, 1), workers=workers) as readers:

        def read() -> None:
            try:
                readers.read([tmp_path / f"{number}" for number in range(1000)], 1)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        while not (tmp_path / "0.begun").exists():
            time.sleep(0.02)
        readers.cancel()
        thread.join(30)
        assert not thread.is_alive()
    assert isinstance(failures[0], CancelledError)
    assert len(list(tmp_path.iterdir())) < 20


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_readers_end_with_a_training_that_is_killed(tmp_path: Path) -> None:
    training = subprocess.Popen(
        [sys.executable, str(SUPPORT / "slow_reader.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)])},
    )
    until = time.monotonic() + 120
    while len(found := list(tmp_path.glob("*.begun"))) < 2 or not all(
        path.read_text() for path in found
    ):
        assert time.monotonic() < until and training.poll() is None
        time.sleep(0.05)
    readers = [int(path.read_text()) for path in found]
    training.kill()
    training.wait()
    while any(Path(f"/proc/{reader}").exists() for reader in readers):
        assert time.monotonic() < until, "a reader outlives the training"
        time.sleep(0.05)
