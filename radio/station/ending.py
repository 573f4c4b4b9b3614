"""The ending of a song: its last chord is held and dies away, as a string or a piano would."""

from __future__ import annotations

import numpy as np

from audio_parsing.analysis import NOTE_BANDS
from audio_parsing.frames import EXPONENT
from radio.station.steps import FRAMES_PER_BEAT

# Chosen by ear, not measured.
HELD_BEATS = 4
SEARCHED_BEATS = 2  # before them, in which the loudest moment is the last chord
CHORD_FRAMES = FRAMES_PER_BEAT // 4
DECAY = 8.0  # dB a beat
HIGH_DECAY = 24.0  # above the highest note: most of it is noise
SHORTEST_BEATS = 16  # of a song that gets an ending


def held_ending(frames: np.ndarray) -> np.ndarray:
    """Return frames (T, 202) whose last HELD_BEATS hold the last chord before them.

    A song below SHORTEST_BEATS stays as it is.
    """
    if len(frames) < SHORTEST_BEATS * FRAMES_PER_BEAT:
        return frames
    start = len(frames) - HELD_BEATS * FRAMES_PER_BEAT
    searched = frames[start - SEARCHED_BEATS * FRAMES_PER_BEAT : start, :NOTE_BANDS]
    level = np.convolve(searched.sum(axis=1), np.ones(CHORD_FRAMES), mode="valid")
    first = start - len(searched) + int(level.argmax())
    chord = frames[first : first + CHORD_FRAMES].mean(axis=0)
    decay = np.full(frames.shape[1], HIGH_DECAY)
    decay[:NOTE_BANDS] = DECAY
    beats = np.arange(len(frames) - start)[:, None] / FRAMES_PER_BEAT
    ended = frames.copy()
    # what still sounds gives way to the chord within a beat
    ended[start:] *= np.maximum(1 - beats, 0)
    np.maximum(ended[start:], chord * 10 ** (-decay * beats / 20 * EXPONENT), out=ended[start:])
    return ended
