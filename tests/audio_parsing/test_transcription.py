"""Notes are found in frames: those of songs whose notes are known, and their repetitions."""

from __future__ import annotations

import numpy as np

from audio_parsing.frames import encode
from audio_parsing.song import hop_length
from audio_parsing.starter import render, starter_songs
from audio_parsing.transcription import notes_of

TOLERANCE = 2  # frames, a twelfth of a beat


def test_notes_of_starter_songs_are_found() -> None:
    found = right = there = 0
    for song in starter_songs(beats=8)[::19]:
        notes = notes_of(encode(render(song), hop_length=hop_length(song.bpm)))
        left = [
            (round(24 * one.start), one.pitch) for one in song.notes if one.part != "percussion"
        ]
        found, there = found + len(notes), there + len(left)
        for start, _, pitch, _ in notes:
            near = [one for one in left if one[1] == pitch and abs(one[0] - start) <= TOLERANCE]
            if near:
                left.remove(near[0])
                right += 1
    assert right > 0.8 * found and right > 0.6 * there


def test_of_silence_there_are_none() -> None:
    assert notes_of(np.zeros((40, 202), np.float32)) == []
