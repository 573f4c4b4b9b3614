"""A starter song: notes on a grid of beats, and the facts about it that hold by construction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

FRAMES_PER_BEAT = 24
"""Frames in one beat; a quarter beat is 6 frames."""


class Note(NamedTuple):
    """A sounding note: start and duration in beats, pitch as a MIDI number, velocity 0 to 1.

    `part` is 'lead', 'second' (a line below the lead), 'chords', 'bass' or 'percussion' (its pitch
    names the instrument); `timbre` is the instrument that plays it, a name of timbres.py.
    """

    start: float
    duration: float
    pitch: int
    velocity: float
    part: str
    timbre: str = ""


@dataclass(frozen=True)
class StarterSong:
    """A tune in one arrangement, with the facts about it.

    mode is 'major' or 'minor'; transposition counts semitones from C major or A minor, -5 to +5;
    bpm is beats per minute; accompaniments holds the style of each section of the song, in order,
    and accompaniment the first of them; brightness is about 0.5 (dark) to 1.5; octave is the lead's
    shift from the written pitch.
    """

    name: str
    tune: str
    mode: str
    transposition: int
    bpm: float
    beats: int
    lead: str
    accompaniment: str
    accompaniments: tuple[str, ...]
    octave: int
    brightness: float
    percussion: str
    metre: int
    notes: tuple[Note, ...]

    @property
    def tonic(self) -> int:
        """Pitch class of the sounding tonic."""
        return ((0 if self.mode == "major" else 9) + self.transposition) % 12

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes of the sounding scale: major, or natural minor with the raised seventh."""
        steps = (0, 2, 4, 5, 7, 9, 11) if self.mode == "major" else (0, 2, 3, 5, 7, 8, 10, 11)
        return frozenset((self.tonic + step) % 12 for step in steps)


def hop_length(bpm: float, sample_rate: int = 22050) -> int:
    """Return the samples in a frame of the beat grid, at `bpm` beats a minute and a rate in Hz.

    A beat is exactly 24 frames.

    Examples:
        >>> hop_length(120), 24 * hop_length(120) / 22050  # samples, and seconds of a beat
        (459, 0.4995918367346939)
    """
    return round(sample_rate * 60 / bpm / FRAMES_PER_BEAT)
