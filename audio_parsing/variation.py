"""Small changes to a repeated melody: split and dotted notes, passing tones, a line in thirds.

A melody is a list of MelodyNote in the canonical key (beats, MIDI numbers); every function returns
a new list of the same length in beats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audio_parsing.tunes import Chord, MelodyNote


def step_in_scale(pitch: int, steps: int, scale: Sequence[int]) -> int:
    """Return the pitch `steps` degrees away; one outside the scale counts as the one below.

    Examples:
        >>> step_in_scale(64, 1, (0, 2, 4, 5, 7, 9, 11))  # from E to F, in C major
        65
    """
    degrees = sorted(scale)
    below = max((degree for degree in degrees if degree <= pitch % 12), default=degrees[-1] - 12)
    octave, degree = divmod(degrees.index(below % 12) + steps, len(degrees))
    return pitch - pitch % 12 + 12 * (octave - (below < 0)) + degrees[degree]


def vary(
    melody: Sequence[MelodyNote], scale: Sequence[int], *, amount: float, rng: np.random.Generator
) -> list[MelodyNote]:
    """Change about the share `amount` of the notes, never the last, the end of the phrase."""
    varied: list[MelodyNote] = []
    index = 0
    while index < len(melody):
        note = melody[index]
        following = melody[index + 1] if index + 1 < len(melody) else None
        draw, kind, index = rng.random(), rng.random(), index + 1
        if following is None or draw > amount:
            varied.append(note)
            continue
        gap = following.pitch - note.pitch
        joined = abs(note.start + note.duration - following.start) < 1e-6
        equal = joined and note.duration == following.duration and index < len(melody) - 1
        if equal and note.duration == 1 and kind < 0.4:
            # Two equal notes become long and short.
            varied.append(MelodyNote(note.start, 1.5, note.pitch))
            varied.append(MelodyNote(note.start + 1.5, 0.5, following.pitch))
            index += 1
        elif equal and note.duration == 0.5 and note.start % 1 == 0 and kind < 0.6:
            # A pair of short notes rests on the first.
            varied.append(MelodyNote(note.start, 1.0, note.pitch))
            index += 1
        elif joined and note.duration >= 1 and 3 <= abs(gap) <= 4:
            # A third is filled.
            half = note.duration / 2
            varied.append(MelodyNote(note.start, half, note.pitch))
            varied.append(
                MelodyNote(
                    note.start + half, half, step_in_scale(note.pitch, 1 if gap > 0 else -1, scale)
                )
            )
        elif note.duration >= 2:
            # A long note turns about its upper neighbour.
            varied.append(MelodyNote(note.start, note.duration - 1, note.pitch))
            varied.append(
                MelodyNote(note.start + note.duration - 1, 0.5, step_in_scale(note.pitch, 1, scale))
            )
            varied.append(MelodyNote(note.start + note.duration - 0.5, 0.5, note.pitch))
        elif note.duration >= 1:
            # A beat is split.
            other = (
                note.pitch
                if kind < 0.6
                else step_in_scale(note.pitch, 1 if kind < 0.8 else -1, scale)
            )
            varied.append(MelodyNote(note.start, note.duration - 0.5, note.pitch))
            varied.append(MelodyNote(note.start + note.duration - 0.5, 0.5, other))
        else:
            varied.append(note)
    return varied


def line_below(
    melody: Sequence[MelodyNote], scale: Sequence[int], chords: Sequence[Chord]
) -> list[MelodyNote]:
    """Return a line a third below the notes of a beat or more, following the chords."""
    line = []
    for note in melody:
        if note.duration >= 1:
            pitch = step_in_scale(note.pitch, -2, scale)
            sounding = [chord.tones for chord in chords if chord.start <= note.start][-1:]
            raised = (
                bool(sounding)
                and pitch % 12 not in sounding[0]
                and (pitch + 1) % 12 in sounding[0]
                and (pitch + 1) % 12 not in scale
            )
            line.append(MelodyNote(note.start, note.duration, pitch + raised))
    return line
