"""From music to what a station is trained on: whole songs as steps, in one key and on one grid of beats where both are known.

The starter collection knows its tempo and key, so its songs are put on a grid of 24 frames a beat
and moved to C major or A minor; tempo and key become two coordinates beside z. Of other music they
could only be guessed, so it keeps its time: 50 frames a second.
"""

from __future__ import annotations

import numpy as np

from audio_parsing import frames as audio_frames

SAMPLE_RATE = audio_frames.SAMPLE_RATE
FRAMES_PER_BEAT = 24
FRAMES_PER_STEP = 6
STEPS_PER_BEAT = FRAMES_PER_BEAT // FRAMES_PER_STEP
STEP_SIZE = FRAMES_PER_STEP * audio_frames.FRAME_SIZE
ABSOLUTE_HOP_LENGTH = 441  # samples: 50 frames a second


def tempo_coordinate(bpm: float) -> float:
    """Return the tempo as a coordinate of about unit spread: 0 at 110 beats a minute, 1 at 131, 4 octaves of tempo to 16."""
    return 4 * float(np.log2(bpm / 110))


def coordinate_tempo(coordinate: float) -> float:
    """Return beats a minute for a tempo coordinate, held between 60 and 200."""
    return float(110 * 2 ** np.clip(coordinate / 4, np.log2(60 / 110), np.log2(200 / 110)))


def key_coordinate(semitones: float) -> float:
    """Return the transposition from C major or A minor as a coordinate of about unit spread."""
    return semitones / 3


def coordinate_key(coordinate: float) -> int:
    """Return the transposition in whole semitones for a key coordinate, held between -6 and 6."""
    return round(float(np.clip(3 * coordinate, -6, 6)))


def to_steps(frames: np.ndarray) -> np.ndarray:
    """Return steps (T / 6, 6 * 181) of frames (T, 181)."""
    return frames.reshape(-1, STEP_SIZE)


def to_frames(steps: np.ndarray) -> np.ndarray:
    """Return frames (..., T, 181) of steps (..., T / 6, 6 * 181)."""
    return steps.reshape(*steps.shape[:-2], -1, audio_frames.FRAME_SIZE)


def in_a_row(steps: np.ndarray) -> np.ndarray:
    """Return the frames (B T, 181) of time-major steps (S, B, F), song after song."""
    return to_frames(np.ascontiguousarray(steps.transpose(1, 0, 2))).reshape(
        -1, audio_frames.FRAME_SIZE
    )
