"""Scores: what a MIDI file holds is what is played, on its beats, in its key."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from audio_parsing import scores
from audio_parsing.decoding import decoded
from audio_parsing.files import AudioError, find_audio, read_audio
from audio_parsing.scores import read_score, write_midi
from audio_parsing.song import FRAMES_PER_BEAT, hop_length
from audio_parsing.starter import starter_songs

mido = pytest.importorskip("mido")
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
TUNE = [(float(beat), 0.9, pitch, 0.8) for beat, pitch in enumerate(SCALE)]


def written(path: Path, *messages: object, ticks: int = 480) -> Path:
    """Write a score of one track of mido's messages."""
    score = mido.MidiFile(ticks_per_beat=ticks)
    score.tracks.append(mido.MidiTrack(messages))
    score.save(path)
    return path


def note(pitch: int, ticks: int, channel: int = 0, wait: int = 0) -> list[object]:
    """A note that is held for some ticks, after a wait."""
    return [
        mido.Message("note_on", note=pitch, velocity=100, time=wait, channel=channel),
        mido.Message("note_on", note=pitch, velocity=0, time=ticks, channel=channel),
    ]


@pytest.mark.parametrize("bpm", [90.0, 117.3, 240.0, 40.0])
def test_what_is_written_is_read(tmp_path: Path, bpm: float) -> None:
    path = tmp_path / "scale.mid"
    path.write_bytes(write_midi(TUNE, bpm))
    song = read_score(path)
    fold = {240.0: 0.5, 40.0: 2.0}.get(bpm, 1.0)
    assert song.bpm == pytest.approx(bpm * fold, rel=1e-4)
    assert (song.tonic, song.mode, song.name) == (0, "major", "scale")
    assert [one.pitch for one in song.notes] == list(SCALE)
    assert [one.start for one in song.notes] == pytest.approx([fold * beat for beat in range(8)])
    assert song.notes[0].duration == pytest.approx(0.9 * fold, abs=0.011)
    assert {one.part for one in song.notes} == {"lead"}
    assert song.notes[0].velocity == pytest.approx(0.8, abs=0.01)
    again = mido.MidiFile(file=io.BytesIO(path.read_bytes()))
    assert again.length == pytest.approx(7.9 * 60 / bpm, rel=1e-3)


def test_beats_of_the_sound_are_those_of_the_score(tmp_path: Path) -> None:
    path = tmp_path / "scale.mid"
    path.write_bytes(write_midi(TUNE, 100))
    with decoded(path) as (rate, blocks):
        sound = np.concatenate(list(blocks))
    song = read_score(path)
    beat = FRAMES_PER_BEAT * hop_length(song.bpm, rate)
    assert len(sound) == song.beats * beat
    for index, pitch in enumerate(SCALE):
        part = sound[index * beat : index * beat + beat // 2]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 16))
        assert np.argmax(spectrum) * rate / (1 << 16) == pytest.approx(
            440 * 2 ** ((pitch - 69) / 12), rel=0.02
        )


def test_starter_songs_survive(tmp_path: Path) -> None:
    for song in starter_songs(beats=16)[::20]:
        notes = [one for one in song.notes if one.part != "percussion"]
        path = tmp_path / "song.mid"
        path.write_bytes(write_midi([one[:4] for one in notes], song.bpm))
        read = read_score(path)
        assert abs(read.bpm / song.bpm - 1) < 1e-3 or song.bpm > scores.TEMPI[1]
        assert len(read.notes) == len(notes)


def test_tempo_changes_pedal_drums_instruments_and_key(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.mid",
        mido.MetaMessage("key_signature", key="F#m"),
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.Message("program_change", program=73),
        mido.Message("control_change", control=64, value=127),
        *note(66, 480),
        mido.MetaMessage("set_tempo", tempo=1_000_000),
        mido.Message("control_change", control=64, value=0, time=480),
        *note(36, 120, channel=9),
        *note(42, 120, channel=9),
        mido.Message("program_change", program=33, channel=1),
        *note(30, 240, channel=1),
    )
    song = read_score(path)
    assert (song.tonic, song.mode) == (6, "minor")
    assert song.bpm == pytest.approx(60 * 3 / (0.5 + 2.0))
    held, kick, hat, bass = song.notes
    assert (held.duration, held.timbre, held.part) == (2.0, "flute", "lead")
    assert (kick.part, kick.pitch, hat.pitch) == ("percussion", 36, 42)
    assert (bass.timbre, bass.part, bass.start) == ("bass", "bass", 2.5)
    assert np.isfinite(read_audio(path)).all()


def test_chords_accompany_a_line(tmp_path: Path) -> None:
    chord = [mido.Message("note_on", note=pitch, velocity=80, channel=2) for pitch in (60, 64, 67)]
    ends = [
        mido.Message("note_off", note=pitch, channel=2, time=960 * (pitch == 60))
        for pitch in (60, 64, 67)
    ]
    path = written(tmp_path / "a.mid", *chord, *note(72, 480), *ends)
    assert {(one.pitch, one.part) for one in read_score(path).notes} == {
        (72, "lead"),
        (60, "chords"),
        (64, "chords"),
        (67, "chords"),
    }


def test_what_is_no_score_is_one_line(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "a.mid"
    for data, words in (
        (b"MThd\0\0\0\6\0\1", "not a readable score"),
        (write_midi([], 100), "no notes"),
        (write_midi([(0, 4000, 60, 0.5)], 30), "longer than 30 minutes"),
    ):
        path.write_bytes(data)
        with pytest.raises(AudioError, match=words) as caught:
            read_audio(path)
        assert "\n" not in str(caught.value)
    whole = bytearray(write_midi(TUNE, 100))
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(4, len(whole), 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(20, len(whole) + 1)])
        try:
            read_score(path)
        except AudioError as error:
            assert str(error).isprintable()


def test_scores_are_found_where_they_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(write_midi(TUNE, 100))
    lines: list[str] = []
    assert find_audio(tmp_path, on_skip=lines.append) == [path] and not lines
    monkeypatch.setattr(scores, "installed", lambda: False)
    assert find_audio(tmp_path, on_skip=lines.append) == []
    assert lines == [f"{tmp_path}: 1 file passed over: 1 .mid; scores need {scores.EXTRA}"]
    with pytest.raises(AudioError, match="is a score, which needs pip install"):
        read_audio(path)
