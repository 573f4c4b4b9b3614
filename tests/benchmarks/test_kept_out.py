"""Judges of songs: they give full marks to the original, and tell worse from better."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_parsing.frames import SAMPLE_RATE, encode
from benchmarks import kept_out, kept_out_measure as measure, music_tagger, transcription
from benchmarks.composers import Composer, FramesAndBack, Song
from benchmarks.kept_out import Excerpt, Music
from tests.support.tiny_station import tiny_station


@pytest.fixture(autouse=True)
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What isn't installed everywhere is left out."""
    monkeypatch.setattr(transcription, "available", lambda: False)
    monkeypatch.setattr(music_tagger, "available", lambda: False)


def melody(pitches: list[int], beat: float = 0.5) -> np.ndarray:
    """Struck notes, one a beat."""
    time = np.arange(round(beat * SAMPLE_RATE)) / SAMPLE_RATE
    notes = [
        np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) * np.exp(-5 * time)
        for pitch in pitches
    ]
    return (0.3 * np.concatenate(notes)).astype(np.float32)


def tune_of(rng: np.random.Generator, notes: int = 80) -> list[int]:
    return [60 + int(step) for step in rng.choice([0, 2, 4, 5, 7, 9, 11], notes)]


def test_frame_f1_counts_the_time_that_pitches_sound() -> None:
    notes = np.array([[0.0, 1.0, 60, 0.5], [1.0, 2.0, 64, 0.5]])
    assert measure.frame_f1(notes, notes, 2.0) == 1
    assert measure.frame_f1(notes, notes[:1], 2.0) == pytest.approx(2 / 3)
    assert measure.frame_f1(notes, notes + [0, 0, 1, 0], 2.0) == 0
    assert measure.frame_f1(notes, notes + [0.5, 0.5, 0, 0], 2.5) == pytest.approx(0.5)
    assert measure.frame_f1(notes[:0], notes[:0], 2.0) == 1
    assert measure.frame_f1(notes, notes[:0], 2.0) == 0


def test_a_beat_repeats_and_noise_does_not(rng: np.random.Generator) -> None:
    steady = measure.beat_strength(melody([60] * 40))
    noise = measure.beat_strength(0.1 * rng.standard_normal(20 * SAMPLE_RATE))
    lengths = rng.uniform(0.2, 1.0, 40)
    free = measure.beat_strength(np.concatenate([melody([60], length) for length in lengths]))
    assert steady > 0.8 and noise < 0.25 and free < 0.5 * steady
    assert measure.beat_strength(np.zeros(20 * SAMPLE_RATE)) == 0
    assert measure.beat_strength(np.ones(1000)) == 0
    swell = np.exp(-(((np.arange(1000) - 500) / 200) ** 2))
    assert measure.repetition(swell) == 0


def test_a_tune_is_known_in_any_key_and_at_any_place(rng: np.random.Generator) -> None:
    pitches = tune_of(rng)
    known = [measure.tune(melody(tune_of(rng))), measure.tune(melody(pitches))]
    assert known[0].shape == (80, 12)
    part = measure.tune(melody([pitch + 3 for pitch in pitches[20:60]]))
    other = measure.tune(melody(tune_of(rng, 40)))
    assert measure.likeness(part, known) > 0.95 > 0.8 > measure.likeness(other, known)
    beginning = measure.tune(melody(pitches[:40]))
    assert measure.likeness(known[1], [beginning]) > 0.95  # the longer of the two is cut
    blur = np.tile(part.mean(axis=0), (40, 1)) + 1e-6 * rng.standard_normal((40, 12))
    assert measure.likeness(blur, known) < 0.3
    slower = measure.tune(melody(pitches[20:60], 0.7), beat=1.4)
    assert measure.likeness(slower, known) > 0.9


def test_the_distance_of_what_was_learned_is_one(rng: np.random.Generator) -> None:
    learned, kept, same = (rng.standard_normal((500, 6)) * np.arange(1, 7) for _ in range(3))
    over = measure.distance_over(same, learned, kept, rng=np.random.default_rng(0))
    assert over == pytest.approx(1, abs=0.3)
    moved = measure.distance_over(same + 1, learned, kept, rng=np.random.default_rng(0))
    narrow = measure.distance_over(0.5 * same, learned, kept, rng=np.random.default_rng(0))
    assert moved > 5 and narrow > 5
    few = measure.distance_over(same[:60], learned, kept, rng=np.random.default_rng(0))
    assert few == pytest.approx(1, abs=0.3)  # as many vectors of each


def test_files_are_kept_out_by_the_seed(tmp_path: Path) -> None:
    for number in range(8):
        soundfile.write(tmp_path / f"{number}.wav", np.zeros(100), SAMPLE_RATE)
    learned, kept = kept_out.split(tmp_path, 0.25, 0)
    assert len(kept) == 2 and sorted(learned + kept) == sorted(tmp_path.iterdir())
    assert (learned, kept) == kept_out.split(tmp_path, 0.25, 0)
    assert any(kept != kept_out.split(tmp_path, 0.25, seed)[1] for seed in range(1, 5))


def music(rng: np.random.Generator) -> Music:
    excerpts = [Excerpt(str(n), melody(tune_of(rng, 60))[: 1400 * 441]) for n in range(8)]
    return Music(excerpts[:4], excerpts[4:], [Song(one.samples) for one in excerpts[:4]])


class Copyist(FramesAndBack):
    """Composes what it learned, in another key."""

    def __init__(self, pitches: list[list[int]], key: int) -> None:
        self.pitches, self.key = pitches, key

    def new_songs(self, count: int, seconds: float, rng: np.random.Generator) -> list[Song]:
        chosen = [self.pitches[i % len(self.pitches)] for i in range(count)]
        repeats = round(seconds) // 30
        return [Song(melody([pitch + self.key for pitch in one] * repeats)) for one in chosen]


def test_frames_and_back_is_nearly_the_original(rng: np.random.Generator) -> None:
    result = kept_out.judge(FramesAndBack(), music(rng), songs=4, long_songs=1)
    assert set(result) == {"learned", "kept out"}
    assert result["learned"]["chroma"] > 0.95 and result["kept out"]["onset"] > 0.8


def test_a_copyist_is_found_out() -> None:
    rng = np.random.default_rng(1)
    pitches = [tune_of(rng, 60) for _ in range(4)]
    learned = [Excerpt("", melody(one)) for one in pitches]
    kept = [Excerpt("", melody(tune_of(rng, 60))) for _ in range(4)]
    known = Music(learned, kept, [Song(one.samples) for one in learned])
    judged = kept_out.judge(Copyist(pitches, 0), known, songs=4, long_songs=2)["new songs"]
    assert judged["known_tunes"] == 1 and judged["most_alike"] > 0.95 > judged["known_border"]
    assert judged["beat"] == pytest.approx(1, abs=0.1)
    assert judged["distance"] == pytest.approx(1, abs=0.3)
    assert judged["last_minute"] == pytest.approx(1, abs=0.3)
    strangers = [tune_of(rng, 60) for _ in range(4)]
    moved, other = (
        kept_out.judge(Copyist(one, 1), known, songs=4, long_songs=0)["new songs"]
        for one in (pitches, strangers)
    )
    assert moved["known_tunes"] == 1 and moved["most_alike"] > 0.95 > 0.8 > other["most_alike"]
    assert min(moved["distance"], other["distance"]) > judged["distance"]  # in a key no music has
    assert "last_minute" not in moved


@pytest.mark.parametrize("grid", ["beat", "absolute"])
def test_a_station_is_a_composer(rng: np.random.Generator, grid: str) -> None:
    composer: Composer = kept_out.composer_of(tiny_station(grid=grid))
    frames = encode(melody([60] * 10), hop_length=441)
    back = composer.reconstruct(frames)
    assert back.shape == frames.shape and (back >= 0).all()
    songs = composer.new_songs(2, 8.0, rng)
    assert len(songs) == 2 and not np.array_equal(songs[0].samples, songs[1].samples)
    for song in songs:
        assert len(song.samples) / SAMPLE_RATE == pytest.approx(8, abs=1)
        assert song.beat == 1 or grid == "beat"


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def table_block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A block of LevelDB's tables, keys cut where they begin as the one before."""
    block, before = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        block += varint(shared) + varint(len(key) - shared) + varint(len(value))
        block += key[shared:] + value
        before = key
    return block + struct.pack("<II", 0, 1)


def test_a_checkpoint_is_read(tmp_path: Path, rng: np.random.Generator) -> None:
    arrays = {
        "dense/bias": rng.standard_normal(3).astype(np.float32),
        "dense/kernel": rng.standard_normal((200, 3)).astype(np.float32),
        "step": np.float32(7),
    }
    entries, data = [(b"", b"\x08\x01")], b""
    for name, array in arrays.items():
        sizes = [b"\x08" + varint(size) for size in np.shape(array)]
        shape = b"".join(b"\x12" + varint(len(size)) + size for size in sizes)
        message = b"\x08\x01\x12" + varint(len(shape)) + shape
        message += b"\x20" + varint(len(data)) + b"\x28" + varint(array.nbytes)
        entries.append((name.encode(), message + b"\x35" + bytes(4)))
        data += array.tobytes()
    entries.append((b"z", b"\x08\x03"))  # of whole numbers
    content = table_block(entries)
    index = table_block([(b"z", varint(0) + varint(len(content)))])
    footer = varint(0) + varint(0) + varint(len(content)) + varint(len(index))
    (tmp_path / "index").write_bytes(content + index + footer.ljust(40, b"\0") + bytes(8))
    (tmp_path / "data").write_bytes(data)
    read = music_tagger.read_checkpoint(tmp_path / "index", tmp_path / "data")
    assert set(read) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


def test_the_tagger_tells_noise_from_music(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    pytest.importorskip("musicnn")
    noise = 0.1 * rng.standard_normal(7 * SAMPLE_RATE)
    sounds = [melody([60, 64, 67, 72] * 4), melody([62, 65, 69, 74] * 4), noise]
    vectors = [music_tagger.embed(one, SAMPLE_RATE) for one in sounds]
    assert [one.shape for one in vectors] == [(2, 200)] * 3
    first, second, third = (one.mean(axis=0) for one in vectors)
    assert np.linalg.norm(first - second) < 0.5 * np.linalg.norm(first - third)
    heard = music_tagger.tags(sounds[2], SAMPLE_RATE)
    assert len(heard) == 50 and all(0 < probable < 1 for probable in heard.values())
    assert music_tagger.embed(sounds[0][:1000], SAMPLE_RATE).shape == (1, 200)
