"""Songs as steps: the numbers of beats, frames and steps, tempo and key as coordinates.

The tempo and key of starter songs are known, so they lie on a grid of 24 frames a beat, moved to C
major or A minor; tempo and key become two coordinates beside z. The tempo of recordings is found
where they keep it (frame_grid.py), their key is not: its coordinate is 0. Music without a beat has
50 frames a second.
"""

from __future__ import annotations

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.components import FRAMES_PER_STEP
from audio_parsing.song import FRAMES_PER_BEAT
from radio.station.limits import FASTEST_TEMPO, SLOWEST_TEMPO

SAMPLE_RATE = audio_frames.SAMPLE_RATE
STEPS_PER_BEAT = FRAMES_PER_BEAT // FRAMES_PER_STEP
STEP_SIZE = FRAMES_PER_STEP * audio_frames.FRAME_SIZE
ABSOLUTE_HOP_LENGTH = 441  # samples: 50 frames a second
MIDDLE_TEMPO = 110  # beats a minute, where the tempo coordinate is 0
TEMPO_OCTAVE = 4  # tempo coordinates an octave of tempo
KEY_SCALE = 3  # semitones a unit of the key coordinate


def tempo_coordinate(bpm: float) -> float:
    """Return the tempo as a coordinate of about unit spread: 0 at 110 beats a minute, 1 at 131."""
    return TEMPO_OCTAVE * float(np.log2(bpm / MIDDLE_TEMPO))


def coordinate_tempo(coordinate: float) -> float:
    """Return beats a minute for a tempo coordinate, clipped to SLOWEST_TEMPO and FASTEST_TEMPO."""
    low, high = (np.log2(tempo / MIDDLE_TEMPO) for tempo in (SLOWEST_TEMPO, FASTEST_TEMPO))
    return float(MIDDLE_TEMPO * 2 ** np.clip(coordinate / TEMPO_OCTAVE, low, high))


def key_coordinate(semitones: float) -> float:
    """Return the transposition from C major or A minor as a coordinate of about unit spread."""
    return semitones / KEY_SCALE


def coordinate_key(coordinate: float) -> int:
    """Return the transposition in whole semitones for a key coordinate, clipped to -6 and 6."""
    return round(float(np.clip(KEY_SCALE * coordinate, -6, 6)))


def to_steps(frames: np.ndarray) -> np.ndarray:
    """Return steps (T / 6, 6 * 202) of frames (T, 202)."""
    return frames.reshape(-1, STEP_SIZE)


def to_frames(steps: np.ndarray) -> np.ndarray:
    """Return frames (..., T, 202) of steps (..., T / 6, 6 * 202)."""
    return steps.reshape(*steps.shape[:-2], -1, audio_frames.FRAME_SIZE)
