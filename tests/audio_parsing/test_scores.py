"""Scores: what a MIDI file holds is what is played, on its beats, in its key."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tiny_soundfont import tiny_soundfont

from audio_parsing import notation, scores
from audio_parsing.decoding import decoded
from audio_parsing.files import AudioError, find_audio, read_audio
from audio_parsing.midi import write_midi
from audio_parsing.scores import read_score, render_score
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
    song = read_score(path).song()
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
        read = read_score(path).song()
        assert (read.tonic, read.mode) == (song.tonic, song.mode)
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
    song = read_score(path).song()
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
    assert {(one.pitch, one.part) for one in read_score(path).song().notes} == {
        (72, "lead"),
        (60, "chords"),
        (64, "chords"),
        (67, "chords"),
    }


def test_all_tracks_are_read_whatever_the_header_counts(tmp_path: Path) -> None:
    score = mido.MidiFile(ticks_per_beat=480)
    for pitch in (60, 64, 67):
        score.tracks.append(mido.MidiTrack(note(pitch, 480)))
    path = tmp_path / "three.mid"
    score.save(path)
    whole = path.read_bytes()
    alien = b"XFIH" + (3).to_bytes(4, "big") + b"abc"  # a chunk of a karaoke program
    for count in (0, 1, 3, 9, 65535):
        path.write_bytes(whole[:10] + count.to_bytes(2, "big") + whole[12:14] + alien + whole[14:])
        assert {one.pitch for one in read_score(path).notes} == {60, 64, 67}
    for content, words in (
        (whole[:12] + bytes(2) + whole[14:], "its beats have 0 ticks"),
        (whole[:12] + b"\xe7\x00" + whole[14:], "its beats have 0 ticks"),
        (whole[:-6], "it ends too early"),
        (whole[:14] + b"MTrk\0\0\0\0" * 32_768, "more than 32767 tracks"),
    ):
        path.write_bytes(content)
        with pytest.raises(AudioError, match=words):
            read_score(path)


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
    (tmp_path / "a.xml").write_text("<feed></feed>")
    (tmp_path / "a.abc").write_text(ABC)
    monkeypatch.setattr(scores, "installed", lambda suffix: False)
    monkeypatch.setattr(notation, "installed", lambda suffix: False)
    assert find_audio(tmp_path, on_skip=lines.append) == []
    kinds = "1 .abc, 1 .mid, 1 .xml"
    needed = f"{notation.NOTATION_EXTRA} and {notation.MIDI_EXTRA}"
    assert lines == [f"{tmp_path}: 3 files passed over: {kinds}; scores need {needed}"]
    with pytest.raises(AudioError, match="is a score, which needs pip install"):
        read_audio(path)


def test_a_pickup_comes_before_the_first_bar(tmp_path: Path) -> None:
    metre = mido.MetaMessage("time_signature", numerator=3, denominator=4)
    path = written(tmp_path / "a.mid", metre, *note(60, 480, wait=960), *note(64, 480))
    assert [one.start for one in read_score(path).notes] == [2, 3]
    path = written(tmp_path / "b.mid", metre, *note(60, 480, wait=3 * 1440), *note(64, 480))
    assert [one.start for one in read_score(path).notes] == [0, 1]


ABC = "X:1\nT:tune\nM:3/4\nL:1/4\nQ:1/4=100\nK:Em\nGAB|e3|:EFG|A3:|\n"
MUSICXML = """<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1">
<part-name>Flute</part-name></score-part></part-list><part id="P1"><measure number="1"><attributes>
<divisions>1</divisions><key><fifths>2</fifths><mode>minor</mode></key><time><beats>4</beats>
<beat-type>4</beat-type></time></attributes><direction><sound tempo="96"/></direction>
<note><pitch><step>B</step><octave>4</octave></pitch><duration>1</duration></note>
<note><pitch><step>F</step><alter>1</alter><octave>4</octave></pitch><duration>3</duration></note>
</measure></part></score-partwise>"""


def test_notation_is_read_with_its_repeats_tempo_and_key(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    (tmp_path / "a.abc").write_text(ABC)
    (tmp_path / "b.musicxml").write_text(MUSICXML)
    with zipfile.ZipFile(tmp_path / "c.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", "<rootfile full-path='score.xml'/>")
        archive.writestr("score.xml", MUSICXML)
    (tmp_path / "d.xml").write_text(MUSICXML)
    (tmp_path / "e.xml").write_text("<feed></feed>")
    found = find_audio(tmp_path)
    assert [path.suffix for path in found] == [".abc", ".musicxml", ".mxl", ".xml"]
    abc, *others = map(read_score, found)
    assert (abc.bpm, abc.tonic, abc.mode) == (100, 4, "minor")
    assert [one.pitch for one in abc.notes] == [67, 69, 71, 76, *2 * (64, 66, 67, 69)]
    for score in others:
        assert (score.bpm, score.tonic, score.mode) == (96, 11, "minor")
        assert [(one.start, one.end, one.pitch) for one in score.notes] == [(0, 1, 71), (1, 4, 66)]
    (tmp_path / "d.xml").write_text(MUSICXML[:300])
    with pytest.raises(AudioError, match="is not a readable score"):
        read_score(tmp_path / "d.xml")


@pytest.mark.skipif(shutil.which("fluidsynth") is None, reason="fluidsynth is not installed")
def test_a_soundfont_plays_a_score_on_its_beats(tmp_path: Path) -> None:
    font, path = tmp_path / "-tiny.sf2", tmp_path / "scale.mid"
    font.write_bytes(tiny_soundfont())
    path.write_bytes(write_midi(TUNE, 100))
    score = read_score(path)
    sound = render_score(score, 22050, soundfont=font)
    beat = FRAMES_PER_BEAT * hop_length(100)
    assert sound.shape == (score.beats * beat,) and sound.dtype == np.float32
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.1, rel=0.05)
    for index, pitch in enumerate(SCALE):
        part = sound[index * beat : index * beat + beat // 2]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 16))
        assert np.argmax(spectrum) * 22050 / (1 << 16) == pytest.approx(
            440 * 2 ** ((pitch - 69) / 12), rel=0.01
        )
    assert np.array_equal(sound, render_score(score, 22050, soundfont=font))
    assert not np.array_equal(sound, render_score(score, 22050))
    rate, blocks = 22050, read_audio(path, soundfont=font)
    assert len(blocks) == pytest.approx(8 * beat, abs=rate)


def test_what_is_no_soundfont_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    font, path = tmp_path / "a.sf2", tmp_path / "scale.mid"
    path.write_bytes(write_midi(TUNE, 100))
    for content, words in ((b"", "is empty"), (b"RIFF____WAVE", "is not a SoundFont")):
        font.write_bytes(content)
        with pytest.raises(AudioError, match=words):
            read_audio(path, soundfont=font)
    font.write_bytes(tiny_soundfont()[:600])
    with pytest.raises(AudioError, match="fluidsynth") as caught:
        read_audio(path, soundfont=font)
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(AudioError, match="which isn't installed"):
        read_audio(path, soundfont=font)
