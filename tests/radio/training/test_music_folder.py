"""From a folder of music to excerpts: the choice, the cache, and bounded memory."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_parsing.cache import Cache
from audio_parsing.files import AudioError, read_pieces
from audio_parsing.frames import encode
from audio_parsing.starter import starter_songs
from radio.station import steps as song_data
from radio.training import (
    TrainingSongs,
    canonical_steps,
    dataset,
    excerpts,
    music_cache as prepared,
    music_folder,
    prepare_folder,
    prepare_starter_songs,
    prepared_music,
)

ROOT = Path(__file__).parents[3]
BEATS = 8  # 3.84 s
RATE = 22050


@pytest.fixture
def music(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder with files of 8, 12, 16 and 20 seconds, in two folders."""
    folder = tmp_path / "music"
    for number in range(4):
        path = folder / "ab"[number % 2] / f"{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(RATE * (8 + 4 * number)), RATE)
    return folder


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded."""
    names: list[str] = []
    original = excerpts.read_pieces

    def read_pieces(path: Path, *arguments: object, **options: object) -> object:
        names.append(path.name)
        return original(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(excerpts, "read_pieces", read_pieces)
    return names


def same(first: TrainingSongs, second: TrainingSongs) -> bool:
    return first.names == second.names and np.array_equal(first.steps, second.steps)


def test_a_second_time_nothing_is_decoded(music: Path, tmp_path: Path, decoded: list[str]) -> None:
    without = prepare_folder(music, beats=BEATS)
    cache = prepared_music(tmp_path / "cache")
    assert same(prepare_folder(music, beats=BEATS, cache=cache), without)
    assert len(decoded) == 8
    assert same(
        prepare_folder(music, beats=BEATS, cache=prepared_music(tmp_path / "cache")), without
    )
    assert len(decoded) == 8
    music.rename(tmp_path / "moved")  # by content, not by place
    (tmp_path / "moved" / "a" / "0.flac").rename(tmp_path / "moved" / "a" / "0 again.mp3")
    again = prepare_folder(tmp_path / "moved", beats=BEATS, cache=cache)
    assert np.array_equal(again.steps, without.steps) and again.names[0] == "0 again.mp3 at 0 s"
    assert len(decoded) == 8


def test_only_what_changed_is_decoded(
    music: Path, tmp_path: Path, decoded: list[str], rng: np.random.Generator
) -> None:
    cache = prepared_music(tmp_path / "cache")
    prepare_folder(music, beats=BEATS, cache=cache)
    decoded.clear()
    soundfile.write(music / "b" / "3.flac", 0.1 * rng.standard_normal(RATE * 9), RATE)
    soundfile.write(music / "new.flac", 0.1 * rng.standard_normal(RATE * 9), RATE)
    changed = prepare_folder(music, beats=BEATS, cache=cache)
    assert sorted(decoded) == ["3.flac", "new.flac"]
    assert same(changed, prepare_folder(music, beats=BEATS))
    decoded.clear()
    # excerpts of another length
    assert prepare_folder(music, beats=2 * BEATS, cache=cache).steps.shape[1] == 8 * BEATS
    assert len(decoded) == 5


def test_damaged_and_deleted_entries_are_made_again(
    music: Path, tmp_path: Path, decoded: list[str]
) -> None:
    cache = prepared_music(tmp_path / "cache")
    without = prepare_folder(music, beats=BEATS, cache=cache)
    for number, path in enumerate(sorted(cache.folder.iterdir())):
        if number % 3 == 0:
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        elif number % 3 == 1:
            path.unlink()
    assert same(prepare_folder(music, beats=BEATS, cache=cache), without)
    decoded.clear()
    assert same(prepare_folder(music, beats=BEATS, cache=cache), without)
    assert not decoded


def test_a_cache_that_can_not_be_written_is_told_once_and_does_no_harm(
    music: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    lines: list[str] = []
    songs = prepare_folder(
        music, beats=BEATS, cache=prepared_music(tmp_path / "file"), on_skip=lines.append
    )
    assert same(songs, prepare_folder(music, beats=BEATS))
    assert len(lines) == 1 and "can't cache prepared music" in lines[0]


def test_other_code_finds_nothing_in_the_cache(
    music: Path, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_folder(music, beats=BEATS, cache=prepared_music(tmp_path / "cache"))
    monkeypatch.setattr(prepared, "version", lambda package: "99")
    prepare_folder(music, beats=BEATS, cache=prepared_music(tmp_path / "cache"))
    assert len(decoded) == 8


def test_starter_songs_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    songs = starter_songs(beats=8)[:3]
    rendered: list[str] = []
    original = canonical_steps
    monkeypatch.setattr(
        dataset, "canonical_steps", lambda song: (rendered.append(song.name), original(song))[1]
    )
    without = prepare_starter_songs(songs, workers=1)
    cache = Cache(tmp_path, "1")
    calls: list[tuple[int, int]] = []
    for wanted, tell in (
        (songs[:2], None),
        (songs, lambda *call: calls.append(call)),
        (songs, None),
    ):
        prepared_songs = prepare_starter_songs(wanted, workers=1, cache=cache, progress=tell)
        assert np.array_equal(prepared_songs.steps, without.steps[: len(wanted)])
    assert rendered == [song.name for song in songs] * 2
    assert calls == [(3, 3)]
    # the songs would push each other out
    small = Cache(tmp_path / "small", "1", most_bytes=100_000)
    prepare_starter_songs(songs, workers=1, cache=small)
    assert small.size() == 0


def test_shares_are_even_and_what_short_files_leave_goes_to_longer_ones(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(
        music / "a" / "9.wav", np.random.default_rng(0).standard_normal(RATE * 60) * 0.1, RATE
    )
    monkeypatch.setattr(music_folder, "MOST_EXCERPTS", 10)
    names = [name.split(" at ")[0] for name in prepare_folder(music, beats=BEATS).names]
    assert [names.count(each) for each in ("0.flac", "2.flac", "9.wav", "1.flac", "3.flac")] == [
        2,
        2,
        2,
        2,
        2,
    ]
    monkeypatch.setattr(music_folder, "MOST_EXCERPTS", 18)
    names = [name.split(" at ")[0] for name in prepare_folder(music, beats=BEATS).names]
    assert len(names) == 18  # 4 would be a share, but the first file has only 2


def test_of_many_files_only_as_many_are_opened_as_are_needed(
    music: Path, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(music_folder, "MOST_EXCERPTS", 2)
    lines: list[str] = []
    calls: list[tuple[int, int]] = []
    songs = prepare_folder(
        music, beats=BEATS, on_skip=lines.append, progress=lambda *call: calls.append(call)
    )
    assert len(songs.steps) == len(decoded) == 2
    assert lines == [
        f"{music}: 2 excerpts of 2 files are enough; the other 2 files were not opened"
    ]
    assert calls[-1] == (4, 4)
    assert same(songs, prepare_folder(music, beats=BEATS))
    chosen = {
        name for seed in range(10) for name in prepare_folder(music, beats=BEATS, seed=seed).names
    }
    assert len({name.split(" at ")[0] for name in chosen}) == 4


def test_a_long_file_is_taken_to_its_end_in_pieces(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "long.wav", 0.1 * rng.standard_normal(RATE * 45), RATE)
    monkeypatch.setattr(excerpts, "PIECE", 10.0)
    cache = prepared_music(tmp_path / "cache")
    songs = prepare_folder(tmp_path, beats=BEATS, cache=cache)
    assert songs.names == [
        f"long.wav at {second} s" for second in (1, 5, 11, 15, 21, 25, 31, 35, 40)
    ]
    assert same(songs, prepare_folder(tmp_path, beats=BEATS, cache=cache))
    pieces = list(read_pieces(tmp_path / "long.wav", seconds=10.0))
    length = BEATS * 24 * 441
    for name, steps in zip(songs.names, songs.steps, strict=True):
        second = int(name.split()[-2])
        piece = pieces[second // 10]
        start = (len(piece) - len(piece) // length * length) // 2 + (second % 10 >= 5) * length
        expected = encode(piece[start : start + length], hop_length=441)
        # half precision
        np.testing.assert_allclose(song_data.to_frames(steps), expected, atol=1e-3)
    monkeypatch.setattr(music_folder, "MOST_EXCERPTS", 4)
    some = prepare_folder(tmp_path, beats=BEATS)
    assert len(some.names) == 4 and set(some.names) < set(songs.names)
    assert np.array_equal(some.steps, songs.steps[[songs.names.index(name) for name in some.names]])
    assert same(some, prepare_folder(tmp_path, beats=BEATS, cache=cache))


def test_a_file_that_breaks_off_gives_nothing(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "cut.flac", 0.1 * rng.standard_normal(RATE * 45), RATE)
    whole = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(excerpts, "PIECE", 10.0)
    lines: list[str] = []
    with pytest.raises(
        AudioError, match="no audio in it that can be read; looked in all its folders for WAV"
    ):
        prepare_folder(
            tmp_path, beats=BEATS, cache=prepared_music(tmp_path / "cache"), on_skip=lines.append
        )
    assert "is truncated after" in lines[0] and lines[1] == f"{tmp_path}: 1 of 1 files skipped"
    assert not (tmp_path / "cache").exists()


MEASURED = """
import resource, sys
from pathlib import Path
from audio_parsing import files
from radio.training import prepare_folder
from radio.training import prepared_music
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
folder = Path(sys.argv[1])
if sys.argv[2] == "pieces":
    files.read_audio(next(folder.iterdir()), max_seconds=1)
    before = peak()
    seconds = sum(len(piece) for piece in files.read_pieces(next(folder.iterdir()))) / 22050
    print(seconds, peak() - before)
elif sys.argv[2] == "whole":
    files.read_audio(next(folder.iterdir()), max_seconds=1)
    before = peak()
    print(len(files.read_audio(next(folder.iterdir()))) / 22050, peak() - before)
else:
    cache = prepared_music(Path(sys.argv[3]))
    print(len(prepare_folder(folder, beats=64, cache=cache).steps), peak())
"""


def measured(*arguments: str | Path) -> tuple[float, float, float]:
    """Run one of the above in a process of its own; return (its figure, MB at most, seconds)."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    figure, megabytes = map(float, done.stdout.split())
    seconds = time.perf_counter() - start
    print(f"{arguments[1]}: {figure:g} in {seconds:.1f} s, {megabytes:.0f} MB")
    return figure, megabytes, seconds


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_three_hours_in_one_file(tmp_path: Path, rng: np.random.Generator) -> None:
    (tmp_path / "music").mkdir()
    with soundfile.SoundFile(tmp_path / "music" / "long.flac", "w", 44100, 2) as file:
        for _ in range(3 * 360):
            file.write(0.1 * rng.standard_normal((441_000, 2)))
    seconds, megabytes, _ = measured(tmp_path / "music", "pieces")
    assert seconds == pytest.approx(10800, abs=1) and megabytes < 200  # one piece is 106 MB
    seconds, megabytes, _ = measured(tmp_path / "music", "whole")
    assert seconds == pytest.approx(10800, abs=1) and megabytes < 1.1 * 4 * RATE * 10800 / 1e6
    excerpts, megabytes, _ = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert excerpts == 351 and megabytes < 1500
    again, _, seconds = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert again == 351 and seconds < 20


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_files(tmp_path: Path, rng: np.random.Generator) -> None:
    for number in range(10_000):
        path = tmp_path / "music" / f"{number % 100}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(5 * 8000), 8000)
    excerpts, megabytes, _ = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert excerpts == 384 and megabytes < 1500
    again, _, seconds = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert again == 384 and seconds < 20
