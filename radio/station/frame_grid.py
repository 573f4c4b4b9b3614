"""Where the frames of a recording lie: 24 on each of its beats, or 50 a second if it has none.

    grid = find_grid(samples) -> FrameGrid(hop_length, origin)
    grid.frames(samples, start, count) -> (count, 202)

Frame 0 begins a bar, as far as that can be guessed, so it may lie before the sound begins. Beats
and key of a score are known.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from audio_parsing import frames as audio_frames
from audio_parsing.beats import BEATS_A_BAR, find_beat
from radio.station import steps as song_data

MARGIN = 50  # frames before and after some frames that are encoded with them: the filters ring
BAR = BEATS_A_BAR * song_data.FRAMES_PER_BEAT  # frames
UNKNOWN_KEY = math.inf
PHRASE = 8 * BAR  # the longest stretch in which steps are told where they are


class FrameGrid(NamedTuple):
    """See the module; the default is the grid of sounds without a beat."""

    hop_length: float = song_data.ABSOLUTE_HOP_LENGTH  # samples a frame
    origin: float = 0.0  # samples from the sound's beginning to frame 0, not above 0
    key: float = UNKNOWN_KEY  # semitones from C major or A minor

    @property
    def on_beats(self) -> bool:
        """Whether the sound has a beat."""
        return self != FrameGrid()

    @property
    def tempo(self) -> float:
        """Beats a minute, of 24 frames; 125 for sounds without a beat."""
        return song_data.SAMPLE_RATE * 60 / song_data.FRAMES_PER_BEAT / self.hop_length

    def count(self, samples: int) -> int:
        """Return how many frames a sound of so many samples has."""
        return math.ceil((samples - self.origin) / self.hop_length)

    def seconds(self, frame: int) -> float:
        """Return where a frame begins, from the beginning of the sound."""
        return (self.origin + frame * self.hop_length) / song_data.SAMPLE_RATE

    def frames(self, samples: np.ndarray, start: int, count: int) -> np.ndarray:
        """Return `count` frames (count, 202) of samples (n,) from a frame on; after them zeros."""
        begin, end = (
            round(self.origin + frame * self.hop_length)
            for frame in (start - MARGIN, start + count + MARGIN)
        )
        sound = np.pad(samples[max(0, begin) : max(0, end)], (max(0, -begin), 0))
        frames = audio_frames.encode(sound.astype(np.float32), hop_length=self.hop_length)
        frames = frames[MARGIN : MARGIN + count]
        return np.pad(frames, [(0, count - len(frames)), (0, 0)])


def find_grid(samples: np.ndarray, *, tempo: float | None = None) -> FrameGrid:
    """Return the grid of a sound (n,).

    Args:
        samples: at the stations' rate.
        tempo: beats a minute; found, if there are beats, if None.
    """
    beat = find_beat(samples, sample_rate=song_data.SAMPLE_RATE, tempo=tempo)
    if beat is None:
        return FrameGrid()
    grid = grid_of(beat.tempo)
    bar = BAR * grid.hop_length
    late = beat.first * song_data.SAMPLE_RATE % bar
    # For a bar that begins within the first frame, a bar of silence before it would be waste.
    return grid._replace(origin=0.0 if late < grid.hop_length else late - bar)


def grid_of(tempo: float) -> FrameGrid:
    """Return the grid of a tempo in beats a minute, for a sound that begins with a bar."""
    return FrameGrid(song_data.SAMPLE_RATE * 60 / song_data.FRAMES_PER_BEAT / tempo)
