"""Accompaniments: notes for chord symbols in one of a few styles, and light percussion."""

from __future__ import annotations

from collections.abc import Sequence

from audio_parsing.song import Note
from audio_parsing.timbres import ACCOMPANIMENT_TIMBRES
from audio_parsing.tunes import Chord

STYLES = ("none", "strings", "arpeggio", "organ", "pulse")
"""None, string chords, a broken chord in half beats, organ chords, a chord on every second beat."""

HELD = ("strings", "organ")
"""The styles that hold a chord."""

GROOVES = ("none", "brush", "march", "shaker")
KICK, SNARE, HAT = 36, 38, 42
"""The pitches that name percussion instruments, as in General MIDI."""

_CENTRE = 54.0


def voicing(chord: Chord, transposition: int) -> list[int]:
    """Return the chord's three or four pitches closest to G below middle C, lowest first.

    Examples:
        >>> from audio_parsing.tunes import read_chord
        >>> voicing(read_chord("C", 0.0), 0)
        [52, 55, 60]
    """
    tones = [(tone + transposition) % 12 for tone in chord.tones]
    low = min(
        range(43, 55),
        key=lambda floor: abs(
            sum(floor + (tone - floor) % 12 for tone in tones) / len(tones) - _CENTRE
        ),
    )
    return sorted(low + (tone - low) % 12 for tone in tones)


def bass_pitch(root: int, transposition: int) -> int:
    """Return the root as a bass note, MIDI 36 to 47.

    Examples:
        >>> bass_pitch(9, 0)  # A
        45
    """
    return 36 + (root + transposition) % 12


def bars_of(
    chords: Sequence[tuple[Chord, float]], *, metre: int, bar_start: float
) -> list[tuple[Chord, float]]:
    """Cut chords (with their ends, in beats) at bar lines, so that every bar strikes its chord."""
    cut = []
    for chord, end in chords:
        start = chord.start
        while start < end - 1e-6:
            bar_line = bar_start + metre * ((start - bar_start) // metre + 1)
            cut.append((Chord(start, chord.root, chord.tones), min(bar_line, end)))
            start = min(bar_line, end)
    return cut


def accompany(
    chords: Sequence[tuple[Chord, float]],
    style: str,
    *,
    metre: int,
    bar_start: float,
    transposition: int,
    bass: bool,
) -> list[Note]:
    """Play chords, given with their ends in beats; bars begin at bar_start + k metre."""
    notes: list[Note] = []
    timbre = ACCOMPANIMENT_TIMBRES[style]
    for chord, end in chords:
        start = chord.start
        pitches = voicing(chord, transposition)
        if bass and style != "none":
            notes.append(
                Note(
                    start, end - start, bass_pitch(chord.root, transposition), 0.62, "bass", "bass"
                )
            )
        if style in ("strings", "organ"):
            notes += [
                Note(start, end - start, pitch, 0.5, "chords", timbre) for pitch in pitches[:3]
            ]
        elif style == "arpeggio":
            ladder = [*pitches[:3], pitches[0] + 12]
            pattern = (0, 2, 1, 2, 3, 2, 1, 2) if metre == 4 else (0, 1, 2, 3, 2, 1)
            for step in range(round(2 * (end - start))):
                place = round(2 * (start + step / 2 - bar_start)) % (2 * metre)
                notes.append(
                    Note(
                        start + step / 2,
                        0.5,
                        ladder[pattern[place % len(pattern)]],
                        0.56 if place % 2 == 0 else 0.48,
                        "chords",
                        timbre,
                    )
                )
        elif style == "pulse":
            time = start
            while time < end - 1e-6:
                place = round(time - bar_start) % metre
                if place % 2 == 1 or metre == 3 and place > 0:
                    notes += [
                        Note(time, min(0.75, end - time), pitch, 0.5, "chords", timbre)
                        for pitch in pitches[:3]
                    ]
                elif not bass:
                    notes.append(
                        Note(time, min(1.0, end - time), pitches[0] - 12, 0.55, "chords", timbre)
                    )
                time += 1.0
    return notes


def beat_of(groove: str, *, start: float, end: float, metre: int, bar_start: float) -> list[Note]:
    """Play percussion from `start` to `end` (beats)."""
    hits: list[tuple[float, int, float]] = []
    beats = [
        bar_start + index
        for index in range(round(end - bar_start) + 1)
        if start <= bar_start + index < end - 1e-6
    ]
    for time in beats:
        place = round(time - bar_start) % metre
        off = place % 2 == 1 if metre == 4 else place > 0
        if groove == "brush":
            hits.append((time, SNARE if off else KICK, 0.35 if off else 0.5))
        elif groove == "march":
            hits.append((time, SNARE if off else KICK, 0.45 if off else 0.6))
            hits.append((time + 0.5, HAT, 0.25))
        elif groove == "shaker":
            hits += [(time, HAT, 0.4), (time + 0.5, HAT, 0.25)]
    return [
        Note(time, 0.25, pitch, velocity, "percussion", "percussion")
        for time, pitch, velocity in hits
        if time < end - 1e-6
    ]
