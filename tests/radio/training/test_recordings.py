"""Recordings: whole files where they fit, an even share of each where they don't."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_parsing.decoding import seconds_of
from audio_parsing.files import AudioError, read_audio
from audio_parsing.frames import encode
from audio_parsing.midi import write_midi
from audio_parsing.starter import starter_songs
from neural_networks.parallel.communicator import ALONE
from radio.station import PHRASE, coordinate_key, coordinate_tempo, find_grid
from radio.training import (
    Recordings,
    TrainingOptions,
    canonical_frames,
    music_cache,
    prepare_recordings,
    prepared_music,
    recording_reader,
    recordings,
)
from radio.training.component_excerpts import ON_BEATS, RECORDINGS
from radio.training.songs import model_training

ROOT = Path(__file__).parents[3]
RATE, HOP = 22050, 441
FRAMES = 50  # a second


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of six seconds."""
    monkeypatch.setattr(recordings, "BLOCK", 300)


def write(path: Path, seconds: float, rng: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * rng.standard_normal(int(RATE * seconds)), RATE, subtype="FLOAT")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded in this process."""
    names: list[str] = []
    original = recording_reader.read_pieces

    def read_pieces(path: Path, *arguments: object, **options: object) -> object:
        names.append(path.name)
        return original(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(recording_reader, "read_pieces", read_pieces)
    return names


@pytest.fixture
def music(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Files of 5 to 38 seconds, one too short and one that is no audio."""
    for number, seconds in enumerate((5, 38, 12, 21.3, 2, 6.01, 9, 15, 30)):
        write(tmp_path / "music" / "ab"[number % 2] / f"{number}.wav", seconds, rng)
    (tmp_path / "music" / "9.mp3").write_text("no music")
    return tmp_path / "music"


def same(first: Recordings, second: Recordings) -> bool:
    pairs = zip(first.frames, second.frames, strict=True)
    return first.names == second.names and all(np.array_equal(one, two) for one, two in pairs)


@pytest.mark.usefixtures("small")
def test_files_are_used_whole(music: Path) -> None:
    lines: list[str] = []
    calls: list[tuple[int, int]] = []
    read = prepare_recordings(
        music, workers=1, on_skip=lines.append, progress=lambda *call: calls.append(call)
    )
    assert read.names == [f"{n}.wav" for n in (0, 2, 6, 8, 1, 3, 5, 7)] and read.grid == "absolute"
    assert len(lines) == 3 and "4.wav: shorter than 4 seconds" in "".join(lines)
    assert "9.mp3" in lines[0] and lines[2] == f"{music}: 2 of 10 files skipped"
    assert calls == [(n, 10) for n in range(1, 11)]
    assert read.coordinates.shape == (8, 0)
    assert read.hours == pytest.approx((5 + 38 + 12 + 21.3 + 6.01 + 9 + 15 + 30) / 3600, rel=1e-3)
    for name, frames in zip(read.names, read.frames, strict=True):
        samples = read_audio(next(music.rglob(name)))
        expected = encode(samples, hop_length=HOP)
        assert frames.shape == expected.shape and frames.dtype == np.float16
        # A sample of a band stands elsewhere in a song of another length, but no border is heard.
        error = np.abs(frames - expected).mean(axis=1)
        assert error.max() < 0.003


@pytest.mark.usefixtures("small")
def test_of_too_much_music_every_file_gives_its_share(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepare_recordings(music, workers=1)
    monkeypatch.setattr(recordings, "MOST_BLOCKS", 20)
    some = prepare_recordings(music, workers=1)
    assert sum(-(-len(one) // 300) for one in some.frames) <= 20
    files = [name.split(" at ")[0] for name in some.names]
    assert set(files) == set(whole.names)
    lengths = {name: 0 for name in files}
    for name, frames in zip(files, some.frames, strict=True):
        lengths[name] += len(frames)
    assert lengths["0.wav"] == 250 and lengths["6.wav"] == 450 and lengths["2.wav"] == 600
    assert lengths["1.wav"] == lengths["8.wav"] == 600
    for name, frames in zip(some.names, some.frames, strict=True):
        source = whole.frames[whole.names.index(name.split(" at ")[0])]
        found = [
            start
            for start in range(len(source) - len(frames) + 1)
            if np.abs(source[start : start + len(frames)] - frames).mean() < 1e-3
        ]
        assert len(found) == 1
        assert name.endswith(".wav") or int(name.split()[-2]) == found[0] // FRAMES
    assert not same(some, prepare_recordings(music, workers=1, seed=1))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("most", [7, 20])
def test_workers_and_processes_read_the_same(
    music: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(recordings, "MOST_BLOCKS", most)
    monkeypatch.setattr(recordings, "FILES_AT_ONCE", 4)
    told: dict[int, list[str]] = {1: [], 2: []}
    read = {
        workers: prepare_recordings(music, workers=workers, on_skip=lines.append)
        for workers, lines in told.items()
    }
    assert same(read[1], read[2]) and told[1] == told[2]
    assert read[1].fingerprint() == read[2].fingerprint()


def test_shares_use_up_what_there_is() -> None:
    assert recordings._share([5, 5, 5], 15) == recordings.MOST_BLOCKS
    assert recordings._share([5, 50, 2], 15) == 8  # 5, 8 and 2
    assert recordings._share([50, 50, 2], 15) == 6
    assert recordings._share([1] * 30, 15) == 1
    assert recordings._share([9] * 30, 15) == 1


@pytest.mark.usefixtures("small")
def test_of_many_files_only_as_many_are_opened_as_are_needed(
    music: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "MOST_BLOCKS", 3)
    lines: list[str] = []
    calls: list[tuple[int, int]] = []
    few = prepare_recordings(
        music, workers=1, on_skip=lines.append, progress=lambda *call: calls.append(call)
    )
    opened = len(decoded)
    assert len(few.frames) == 3 and 3 <= opened < 10
    assert lines[-1] == (
        f"{music}: a minute of each of 3 files is enough; the other {10 - opened} files were not "
        "opened"
    )
    assert calls[-1] == (10, 10)
    assert same(few, prepare_recordings(music, workers=1))
    chosen = {
        name.split(" at ")[0]
        for seed in range(12)
        for name in prepare_recordings(music, workers=1, seed=seed).names
    }
    assert len(chosen) == 8


@pytest.mark.usefixtures("small")
def test_a_second_time_nothing_is_decoded(
    music: Path, tmp_path: Path, decoded: list[str], rng: np.random.Generator
) -> None:
    without = prepare_recordings(music, workers=1)
    cache = prepared_music(tmp_path / "cache")
    assert same(prepare_recordings(music, workers=1, cache=cache), without)
    decoded.clear()
    assert same(prepare_recordings(music, workers=1, cache=cache), without)
    assert decoded == ["9.mp3"]
    music.rename(tmp_path / "moved")  # by content, not by place
    (tmp_path / "moved" / "a" / "0.wav").rename(tmp_path / "moved" / "a" / "0 again.mp3")
    again = prepare_recordings(tmp_path / "moved", workers=1, cache=cache)
    assert again.names[0] == "0 again.mp3" and decoded == ["9.mp3"] * 2
    (tmp_path / "moved" / "a" / "0 again.mp3").rename(tmp_path / "moved" / "a" / "0.wav")
    (tmp_path / "moved").rename(music)
    write(music / "a" / "0.wav", 20, rng)
    for number, path in enumerate(sorted(cache.folder.iterdir())):
        if number % 5 == 0:
            path.write_bytes(path.read_bytes()[:-1] + b"?")
    changed = prepare_recordings(music, workers=1, cache=cache)
    assert "0.wav" in decoded and same(changed, prepare_recordings(music, workers=1))
    (tmp_path / "file").touch()
    lines: list[str] = []
    broken = prepared_music(tmp_path / "file")
    assert same(prepare_recordings(music, workers=1, cache=broken, on_skip=lines.append), changed)
    assert [("can't cache prepared music" in line) for line in lines].count(True) == 1
    lines.clear()
    prepare_recordings(music, workers=2, cache=broken, on_skip=lines.append)
    assert [("can't cache prepared music" in line) for line in lines].count(True) == 1


@pytest.mark.usefixtures("small")
def test_other_code_finds_nothing_in_the_cache(
    music: Path, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_recordings(music, workers=1, cache=prepared_music(tmp_path / "cache"))
    monkeypatch.setattr(music_cache, "version", lambda package: "99")
    prepare_recordings(music, workers=1, cache=prepared_music(tmp_path / "cache"))
    assert len(decoded) == 20


def test_files_that_break_off_are_told_and_give_nothing(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_reader, "PIECE", 10.0)
    soundfile.write(tmp_path / "cut.flac", 0.1 * rng.standard_normal(RATE * 45), RATE)
    whole = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    lines: list[str] = []
    cache = prepared_music(tmp_path / "cache")
    with pytest.raises(AudioError, match="no audio in it that can be read; looked in all its"):
        prepare_recordings(tmp_path, cache=cache, on_skip=lines.append)
    assert "is truncated after" in lines[0] and lines[1] == f"{tmp_path}: 1 of 1 files skipped"
    assert not (tmp_path / "cache").exists()


def test_skipped_files_count_as_done_and_are_told_once(
    tmp_path: Path, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    for name, rate, channels in (("b", 22050, 1), ("d", 44100, 2)):
        sound = 0.1 * rng.standard_normal((rate * 6, channels))
        soundfile.write(tmp_path / f"{name}.wav", sound, rate)
    for name in ("a", "c", "e"):
        (tmp_path / f"{name}.mp3").write_text("no music")
    (tmp_path / "loop").symlink_to(tmp_path)
    told: list[str] = []
    done: list[tuple[int, int]] = []
    read = prepare_recordings(
        tmp_path, on_skip=told.append, progress=lambda *call: done.append(call)
    )
    assert done == [(number, 5) for number in range(1, 6)] and len(read.frames) == 2
    assert told[-1] == f"{tmp_path}: 3 of 5 files skipped"
    assert [("loop" in line) for line in told].count(True) == 1
    assert sum("c.mp3" in line for line in told) == 1
    assert not caplog.records


@pytest.mark.usefixtures("small")
def test_a_long_file_is_read_piece_by_piece(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (recordings, recording_reader):
        monkeypatch.setattr(module, "PIECE", 20.0)
    write(tmp_path / "long.wav", 50, rng)
    read = prepare_recordings(tmp_path, workers=1)
    assert read.names == ["long.wav", "long.wav at 20 s", "long.wav at 40 s"]
    assert [round(len(one) / FRAMES) for one in read.frames] == [20, 20, 10]


@pytest.mark.usefixtures("small")
def test_a_silent_minute_is_kept(tmp_path: Path, rng: np.random.Generator) -> None:
    sound = np.concatenate([rng.standard_normal(RATE * 10), np.zeros(RATE * 20)])
    sound = 0.1 * np.concatenate([sound, sound[:RATE]])
    soundfile.write(tmp_path / "pause.wav", sound, RATE, subtype="FLOAT")
    (frames,) = prepare_recordings(tmp_path, workers=1).frames
    assert len(frames) == 31 * FRAMES and frames[12 * FRAMES : 29 * FRAMES].mean() < 0.01


def test_what_can_not_be_used_is_said(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(AudioError, match="no such file or folder"):
        prepare_recordings(tmp_path / "none")
    (tmp_path / "a.mp3").write_text("no music")
    with pytest.raises(AudioError, match="no audio in it that can be read; looked in all"):
        prepare_recordings(tmp_path)
    write(tmp_path / "b.wav", 2, rng)
    with pytest.raises(AudioError, match="no music of at least 4 seconds in it"):
        prepare_recordings(tmp_path)


def test_how_long_a_file_says_it_lasts(tmp_path: Path, rng: np.random.Generator) -> None:
    write(tmp_path / "a.wav", 3, rng)
    assert seconds_of(tmp_path / "a.wav") == pytest.approx(3)
    (tmp_path / "b.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(160_000 - 12))
    assert seconds_of(tmp_path / "b.m4a") == pytest.approx(10)
    (tmp_path / "c.mp3").write_bytes(b"no music" * 2000)
    assert seconds_of(tmp_path / "c.mp3") == pytest.approx(1)
    with pytest.raises(AudioError, match="no such file|is a folder|is not a file"):
        seconds_of(tmp_path / "none.wav")


@pytest.mark.usefixtures("small")
def test_files_that_are_longer_than_they_say_fill_no_memory(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "MOST_BLOCKS", 10)
    monkeypatch.setattr(recordings, "seconds_of", lambda path: 0.1)
    read = prepare_recordings(music, workers=1)
    assert sum(-(-len(one) // 300) for one in read.frames) == 10


MEASURED = """
import resource, sys
from pathlib import Path
from audio_parsing import files
from radio.training import prepare_recordings, prepared_music
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
    print(prepare_recordings(folder, cache=cache).hours, peak())
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
    hours, megabytes, _ = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert hours == pytest.approx(3, rel=0.01) and megabytes < 1500
    again, _, seconds = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert again == hours and seconds < 20


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_files(tmp_path: Path, rng: np.random.Generator) -> None:
    for number in range(10_000):
        path = tmp_path / "music" / f"{number % 100}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(5 * 8000), 8000)
    hours, megabytes, _ = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert hours == pytest.approx(480 * 5 / 3600, rel=0.01) and megabytes < 1500
    again, _, seconds = measured(tmp_path / "music", "prepare", tmp_path / "cache")
    assert again == hours and seconds < 20


@pytest.mark.usefixtures("small")
def test_files_and_playlists_are_read_as_their_folder_is(music: Path) -> None:
    whole = prepare_recordings(music, workers=1)
    paths = sorted(music.rglob("*.wav"))
    assert same(prepare_recordings(paths, workers=1), whole)
    (music / "all.m3u").write_text("\n".join(str(path.relative_to(music)) for path in paths))
    assert same(prepare_recordings([music / "all.m3u"], workers=1), whole)
    assert prepare_recordings([paths[0]], workers=1).names == [paths[0].name]


def test_channels_that_cancel_are_told(tmp_path: Path) -> None:
    sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(5 * 22050) / 22050)
    soundfile.write(tmp_path / "a.wav", np.stack([sound, -sound], 1), 22050)
    lines: list[str] = []
    prepare_recordings(tmp_path, workers=1, on_skip=lines.append)
    (line,) = lines
    assert line.startswith(f"{tmp_path / 'a.wav'}: channels cancel each other in 5 of 5 s")


def test_music_that_keeps_its_tempo_lies_on_its_beats(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strokes on the beats and noise, in blocks of a phrase, all of them and some."""
    monkeypatch.setattr(recordings, "BLOCK", PHRASE)
    time = np.arange(46 * RATE) / RATE
    since = (time - 0.31) % (60 / 150)
    samples = 0.3 * np.exp(-15 * since) * np.sin(2 * np.pi * 600 * since) * (time > 0.31)
    (tmp_path / "music").mkdir()
    soundfile.write(tmp_path / "music" / "a.wav", samples, RATE, subtype="FLOAT")
    write(tmp_path / "music" / "b.wav", 5, rng)
    cache = prepared_music(tmp_path / "cache")
    read = prepare_recordings(tmp_path / "music", workers=1, cache=cache)
    assert read.grid == "beat" and read.names == ["a.wav", "b.wav"]
    tempi = [coordinate_tempo(float(one)) for one in read.coordinates[:, 0]]
    assert tempi == pytest.approx([150, 125], rel=1e-4) and not read.coordinates[:, 1].any()
    assert read.hours == pytest.approx(51 / 3600, rel=0.04)
    assert read.excerpt_name(0, 0) == "a.wav" and read.excerpt_name(0, 600) == "a.wav + 10 s"
    sound = read_audio(tmp_path / "music" / "a.wav")
    expected = find_grid(sound).frames(sound, 0, len(read.frames[0]))
    assert np.abs(read.frames[0] - expected).mean() < 0.003
    assert same(read, prepare_recordings(tmp_path / "music", workers=1, cache=cache))
    monkeypatch.setattr(recordings, "MOST_BLOCKS", 3)
    for part in prepare_recordings(tmp_path / "music", workers=1, seed=1).frames[:-1]:
        assert np.abs(expected[PHRASE : PHRASE + 300] - part[:300]).mean() < 0.01


def test_scores_are_recordings_on_their_beats_in_their_keys(tmp_path: Path) -> None:
    pytest.importorskip("mido")
    cache = prepared_music(tmp_path / "cache")
    songs = starter_songs(beats=32)[:2]
    songs = [replace(songs[0], bpm=125.0), songs[1]]  # of which frames last 20 ms
    folder = tmp_path / "music"
    folder.mkdir()
    for name, song in zip("ab", songs, strict=True):
        notes = [one[:4] for one in song.notes if one.part != "percussion"]
        (folder / f"{name}.mid").write_bytes(write_midi(notes, song.bpm))
    (folder / "notes.txt").write_text("no music")
    lines: list[str] = []
    read = prepare_recordings(folder, workers=1, cache=cache, on_skip=lines.append)
    assert read.names == ["a.mid", "b.mid"] and read.grid == "beat" and read.keyed
    assert lines == [f"{folder}: 1 file passed over: 1 .txt"]
    for song, frames, (tempo, key) in zip(songs, read.frames, read.coordinates, strict=True):
        assert len(frames) == pytest.approx(24 * 32, abs=24)
        assert coordinate_tempo(float(tempo)) == pytest.approx(song.bpm, rel=2e-3)
        assert coordinate_key(float(key)) == song.transposition
    # As a song of the starter collection, but for what plays the notes and the last chord's end.
    expected = canonical_frames(songs[0])[: 24 * 31].argmax(axis=1)
    agreement = np.abs(read.frames[0][: 24 * 31].argmax(axis=1).astype(int) - expected) <= 1

    assert agreement.mean() > 0.9
    again = prepare_recordings(folder, workers=1, cache=cache)
    assert same(read, again) and again.keyed
    training = model_training(folder, TrainingOptions(), lambda event: None, ALONE)
    assert training.recipe is ON_BEATS and training.options.latent == "posteriors"
    write(folder / "c.wav", 6.0, np.random.default_rng(0))
    mixed = prepare_recordings(folder, workers=1, cache=cache)
    assert not mixed.keyed and not mixed.coordinates[:, 1].any() and mixed.grid == "beat"
    training = model_training(folder, TrainingOptions(), lambda event: None, ALONE)
    assert training.recipe is RECORDINGS and training.options.latent == "gaussian"
