"""Files read by several processes give the same excerpts; a bad file costs only itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_parsing.files import AudioError
from radio.station import STEP_SIZE
from radio.training import music_folder, prepare_folder, prepared_music
from radio.training.parallel_reader import Place, Readers, Result

RATE = 22050
BEATS = 8


@pytest.fixture
def library(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Twenty-six files: most hold one to five excerpts, others are short, cut off or no music."""
    folder = tmp_path / "library"
    for number in range(26):
        path = folder / str(number % 3) / f"{number:02}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        seconds = 1 if number % 7 == 3 else int(rng.integers(4, 20))
        soundfile.write(path, 0.1 * rng.standard_normal(RATE * seconds), RATE)
        if number % 9 == 4:
            path.write_bytes(path.read_bytes()[: 0 if number % 2 else 60])
    (folder / "text.mp3").write_text("no music")
    return folder


@pytest.mark.parametrize("most", [30, 64])
def test_several_workers_choose_as_one_does(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also where the share of a file changes while files are read ahead."""
    monkeypatch.setattr(music_folder, "MOST_EXCERPTS", most)
    told: dict[int, list[str]] = {1: [], 2: []}
    songs = {
        workers: prepare_folder(library, beats=BEATS, seed=1, workers=workers, on_skip=lines.append)
        for workers, lines in told.items()
    }
    assert songs[1].names == songs[2].names and (songs[1].steps == songs[2].steps).all()
    assert told[1] == told[2]
    assert len(songs[1].names) == min(most, len(songs[1].names)) > 20


def test_a_file_that_was_read_ahead_with_too_small_a_share_is_read_again(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four files that are too short leave their shares to two long ones, read at the same time."""
    monkeypatch.setattr(music_folder, "MOST_EXCERPTS", 16)
    for number in range(8):
        seconds = 30 if number in (4, 5) else 1
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * rng.standard_normal(RATE * seconds), RATE)
    one, two = (prepare_folder(tmp_path, beats=BEATS, workers=workers) for workers in (1, 2))
    assert one.names == two.names and (one.steps == two.steps).all()
    assert sum(name.startswith("4.wav") for name in one.names) == 4


def test_a_cache_that_workers_cannot_write_to_is_told_once(library: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    told: list[str] = []
    prepare_folder(
        library,
        beats=BEATS,
        workers=2,
        cache=prepared_music(tmp_path / "cache"),
        on_skip=told.append,
    )
    assert sum("can't cache prepared music" in line for line in told) == 1


def unsound(path: Path, share: int) -> Result:
    """Read a file whose name says what happens."""
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGKILL)  # as a decoder's fault in machine code would
    if "bad" in path.name:
        raise AudioError(f"{path}: is bad")
    return Result(
        {Place(0, number): np.full((1, STEP_SIZE), number, np.float16) for number in range(share)}
    )


def test_a_decoder_that_crashes_costs_its_file() -> None:
    paths = [Path(name) for name in ("a", "bad", "b", "crash 1", "c", "crash 2", "d")]
    with Readers(unsound, (1, STEP_SIZE), workers=2) as readers:
        results = readers.read(paths, 3)
        again = readers.read(paths[:1], 1)
    assert [len(result.excerpts) for result in results] == [3, 0, 3, 0, 3, 0, 3] and len(
        again[0].excerpts
    ) == 1
    assert results[1].error == "bad: is bad"
    assert results[3].error == "crash 1: its decoder crashed; the file is damaged"
    assert not results[4].error
