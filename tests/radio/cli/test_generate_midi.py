"""`ai-radio generate --midi`: the notes of a song's frames, at the times of its sound."""

from __future__ import annotations

import io

import pytest

from audio_parsing.frames import encode
from audio_parsing.song import hop_length
from audio_parsing.starter import render, starter_songs
from radio.cli.commands.generate import midi_of

mido = pytest.importorskip("mido")


def test_notes_last_as_long_as_the_sound() -> None:
    song = starter_songs(beats=8)[2]
    hop = hop_length(song.bpm)
    frames = encode(render(song), hop_length=hop)
    score = mido.MidiFile(file=io.BytesIO(midi_of(frames, hop / 22050)))
    played = [one for one in score.tracks[0] if one.type == "note_on"]
    assert len(played) > 5 and {one.note for one in played} & {one.pitch for one in song.notes}
    (tempo,) = (one.tempo for one in score.tracks[0] if one.type == "set_tempo")
    assert mido.tempo2bpm(tempo) == pytest.approx(song.bpm, rel=2e-3)
    assert score.length == pytest.approx(len(frames) * hop / 22050, rel=0.25)
