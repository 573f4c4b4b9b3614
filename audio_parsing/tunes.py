"""Tunes as text: a small subset of ABC notation, read into notes and chords on a grid of beats.

A tune is written in C major or A minor, one phrase a line:

    "C" E E F G | "G" G F E D | "C" C C D E | "G" E3/2 D/ D2

- C D E F G A B are middle C (MIDI 60) upwards, c d e ... an octave higher; each , lowers and each '
  raises by an octave.
- ^ before a letter raises by a semitone, _ lowers, z is a rest.
- A number behind multiplies the length: D2, D3/2, D/ (a half), D/4. Length 1 is `unit` beats. A -
  ties to the next note.
- "Am" sets the chord from here on, | is a bar line: it is checked against `metre` (beats a bar),
  the first bar of a phrase may be a pickup, then the last one is shorter by as much. So every
  phrase is a whole number of bars long, and phrases can be put together freely.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (9, 11, 0, 2, 4, 5, 7)
"""Pitch classes of the two canonical keys, C major and A minor, from the tonic upwards."""

_LETTERS = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}
_CHORDS = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "dim": (0, 3, 6)}
_TOKEN = re.compile(
    r'"(?P<chord>[^"]*)"|(?P<bar>\|)'
    r"|(?P<accidental>[\^_]*)(?P<letter>[A-Ga-gz])(?P<octave>[,']*)(?P<length>\d*/?\d*)(?P<tie>-?)"
    r"|\s+"
)


@dataclass(frozen=True)
class MelodyNote:
    """One note of a tune: start and duration in beats, MIDI pitch in the canonical key."""

    start: float
    duration: float
    pitch: int


@dataclass(frozen=True)
class Chord:
    """A chord from `start` (beats) on: pitch classes of root and tones, in the canonical key."""

    start: float
    root: int
    tones: tuple[int, ...]


@dataclass(frozen=True)
class Phrase:
    """A line of a tune, a whole number of bars long (beats)."""

    length: float
    pickup: float
    notes: tuple[MelodyNote, ...]
    chords: tuple[Chord, ...]

    def last(self, beats: float) -> Phrase:
        """Return the phrase's last `beats` beats, with the chord that sounds where they begin."""
        cut = self.length - beats
        notes = tuple(
            MelodyNote(note.start - cut, note.duration, note.pitch)
            for note in self.notes
            if note.start >= cut
        )
        before = [chord for chord in self.chords if chord.start <= cut + self.pickup]
        after = tuple(
            Chord(chord.start - cut, chord.root, chord.tones)
            for chord in self.chords
            if chord.start > cut + self.pickup
        )
        if before:
            after = (Chord(self.pickup, before[-1].root, before[-1].tones), *after)
        return Phrase(beats, self.pickup, notes, after)


@dataclass(frozen=True)
class Tune:
    """A public-domain tune: source, metre (beats a bar), range of tempi (beats a minute), text."""

    name: str
    title: str
    origin: str
    mode: str
    metre: int
    tempo: tuple[int, int]
    text: str
    unit: float = 1.0

    @cached_property
    def phrases(self) -> tuple[Phrase, ...]:
        """The phrases, one for each line of the text."""
        return tuple(
            read_phrase(line, metre=self.metre, unit=self.unit)
            for line in self.text.strip().splitlines()
        )

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the canonical key, from the tonic upwards."""
        return MAJOR_SCALE if self.mode == "major" else MINOR_SCALE


def read_chord(name: str, start: float) -> Chord:
    """Read a chord name such as C, Am or E7.

    Raises:
        ValueError: for another name.

    Examples:
        >>> read_chord("Am", 4.0)
        Chord(start=4.0, root=9, tones=(9, 0, 4))
    """
    match = re.fullmatch(r"([A-G])([#b]?)(|m|7|dim)", name)
    if match is None:
        raise ValueError(f"not a chord: {name!r}")
    root = (_LETTERS[match[1]] + {"": 0, "#": 1, "b": -1}[match[2]]) % 12
    return Chord(start, root, tuple((root + step) % 12 for step in _CHORDS[match[3]]))


def read_phrase(line: str, *, metre: float, unit: float = 1.0) -> Phrase:
    """Read one line of a tune and check its bars.

    Raises:
        ValueError: for a sign that is not in the notation or a bar that is too short or too long.

    Examples:
        >>> phrase = read_phrase('"C" E E F G | "G" G F D2', metre=4)
        >>> phrase.length, [note.pitch for note in phrase.notes]
        (8.0, [64, 64, 65, 67, 67, 65, 62])
    """
    notes: list[MelodyNote] = []
    chords: list[Chord] = []
    bars = [0.0]
    time, position, tied = 0.0, 0, False
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            raise ValueError(f"not in the notation: {line[position:]!r}")
        position = match.end()
        if match["chord"] is not None:
            chords.append(read_chord(match["chord"], time))
        elif match["bar"]:
            bars.append(time)
        elif match["letter"]:
            duration = _length(match["length"]) * unit
            pitch = _pitch(match["letter"], match["octave"], match["accidental"])
            if pitch is not None and tied and notes[-1].pitch == pitch:
                notes[-1] = MelodyNote(notes[-1].start, notes[-1].duration + duration, pitch)
            elif pitch is not None:
                notes.append(MelodyNote(time, duration, pitch))
            tied = bool(match["tie"])
            time += duration
    bars.append(time)
    lengths = [later - earlier for earlier, later in zip(bars, bars[1:], strict=False)]
    pickup = lengths[0] if lengths[0] < metre else 0.0
    expected = (
        [metre] * len(lengths)
        if not pickup
        else [pickup] + [metre] * (len(lengths) - 2) + [metre - pickup]
    )
    if any(abs(length - right) > 1e-6 for length, right in zip(lengths, expected, strict=True)):
        raise ValueError(f"bars of {lengths} beats, not {expected}, in {line!r}")
    return Phrase(time, pickup, tuple(notes), tuple(chords))


def _length(text: str) -> float:
    if not text:
        return 1.0
    above, slash, below = text.partition("/")
    return float(above or 1) / float(below or (2 if slash else 1))


def _pitch(letter: str, octave: str, accidental: str) -> int | None:
    if letter == "z":
        return None
    pitch = _LETTERS[letter.upper()] + (12 if letter.islower() else 0)
    return (
        pitch
        + 12 * (octave.count("'") - octave.count(","))
        + accidental.count("^")
        - accidental.count("_")
    )
