"""Arrange a tune: lead, changing accompaniment and varied repeats become the notes of a song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from audio_parsing.accompaniment import GROOVES, HELD, STYLES, accompany, bars_of, beat_of
from audio_parsing.form import Section, plan_form
from audio_parsing.song import Note, StarterSong
from audio_parsing.timbres import LEADS
from audio_parsing.tunes import Chord, MelodyNote, Tune
from audio_parsing.variation import line_below, vary

SECTION = 32
"""Beats after which the accompaniment changes, at the next phrase."""

RING = 0.5
"""Beats before the song's end at which the last notes are let go."""

_LOWEST_LEAD, _HIGHEST_LEAD = 56, 94


@dataclass
class _Score:
    """Melody, second line and chords in the canonical key."""

    melody: list[MelodyNote] = field(default_factory=list)
    second: list[MelodyNote] = field(default_factory=list)
    chords: list[Chord] = field(default_factory=list)


def arrange(
    tune: Tune,
    rng: np.random.Generator,
    *,
    beats: int,
    name: str,
    lead: str,
    style: str,
    bpm: float,
) -> StarterSong:
    """Arrange a tune for a lead and an accompaniment at `bpm` beats a minute.

    Everything else is drawn from `rng`.

    Raises:
        ValueError: if `beats` is less than 8.
    """
    if beats < 8:
        raise ValueError(f"a song needs at least 8 beats, not {beats}")
    transposition = int(rng.integers(-5, 6))
    brightness = round(float(rng.uniform(0.7, 1.3)), 3)
    groove = GROOVES[int(rng.choice(len(GROOVES), p=(0.4, 0.2, 0.2, 0.2)))]
    bass = bool(rng.random() < 0.7)
    octave = _octave(tune, lead, transposition, rng)
    shift = 12 * octave + transposition
    styles = _styles(style, 1 + (beats - 1) // SECTION, rng)

    sections = plan_form([phrase.length for phrase in tune.phrases], tune.metre, beats)
    bar_start = sections[0].start % tune.metre + tune.phrases[0].pickup
    score = _write(tune, sections, _lift(tune, lead, shift, rng), style == "none", rng)
    last = score.melody[-1]
    score.melody[-1] = MelodyNote(last.start, beats - RING - last.start, last.pitch)

    notes = [
        _played(note, shift, bar_start, tune.metre, "lead", lead, rng) for note in score.melody
    ]
    notes += [
        _played(note, shift, bar_start, tune.metre, "second", lead, rng)
        for note in score.second
        if note.start < last.start
    ]
    notes += _accompaniment(
        score.chords,
        sections,
        styles,
        groove=groove,
        metre=tune.metre,
        bar_start=bar_start,
        transposition=transposition,
        bass=bass,
        last=last.start,
        beats=beats,
    )
    return StarterSong(
        name=name,
        tune=tune.name,
        mode=tune.mode,
        transposition=transposition,
        bpm=round(bpm, 2),
        beats=beats,
        lead=lead,
        accompaniment=style,
        accompaniments=tuple(styles),
        octave=octave,
        brightness=brightness,
        percussion=groove,
        metre=tune.metre,
        notes=tuple(sorted(notes)),
    )


def _write(
    tune: Tune, sections: Sequence[Section], lift: int, alone: bool, rng: np.random.Generator
) -> _Score:
    """Join the phrases; a repeated phrase is varied, lifted (semitones) or doubled below."""
    score = _Score()
    played: dict[tuple[MelodyNote, ...], int] = {}
    for section in sections:
        if section.phrase is None:
            chord = tune.phrases[0].chords[0]
            score.chords.append(Chord(section.start, chord.root, chord.tones))
            if alone:
                score.melody += _introduction(tune, chord, section)
            continue
        phrase = tune.phrases[section.phrase].last(section.length)
        times = played.get(phrase.notes, 0)
        played[phrase.notes] = times + 1
        varied = vary(
            phrase.notes, tune.scale, amount=min(0.3 + 0.1 * times, 0.6) if times else 0.0, rng=rng
        )
        up = lift if times and section.start >= SECTION else 0
        melody = [
            MelodyNote(section.start + note.start, note.duration, note.pitch + up)
            for note in varied
        ]
        chords = [
            Chord(section.start + chord.start, chord.root, chord.tones) for chord in phrase.chords
        ]
        if times and rng.random() < 0.5:
            score.second += line_below(melody, tune.scale, chords)
        score.melody += melody
        score.chords += chords
    return score


def _introduction(tune: Tune, chord: Chord, section: Section) -> list[MelodyNote]:
    """Let the lead play the first chord as single notes, a beat each, if nothing else plays."""
    first = tune.phrases[0].notes[0].pitch
    tones = sorted(first - 6 + (tone - first + 6) % 12 for tone in chord.tones)
    ladder = (*tones[:3], tones[1])
    return [
        MelodyNote(section.start + beat, 1.0, ladder[beat % tune.metre % 4])
        for beat in range(int(section.length))
    ]


def _accompaniment(
    chords: Sequence[Chord],
    sections: Sequence[Section],
    styles: Sequence[str],
    *,
    groove: str,
    metre: int,
    bar_start: float,
    transposition: int,
    bass: bool,
    last: float,
    beats: int,
) -> list[Note]:
    """Play the chords in each section's style; hold the last melody note's chord to the end."""
    end = beats - RING
    closing = max((chord.start for chord in chords if chord.start <= last), default=0.0)
    spans = list(zip(chords, [chord.start for chord in chords[1:]] + [end], strict=True))
    bars = bars_of(
        [span for span in spans if span[0].start < closing], metre=metre, bar_start=bar_start
    )
    notes: list[Note] = []
    for index, style in enumerate(styles):
        low, high = _bounds(sections, index, beats)
        here = [bar for bar in bars if low <= bar[0].start < high]
        notes += accompany(
            here, style, metre=metre, bar_start=bar_start, transposition=transposition, bass=bass
        )
        if groove != "none" and (index > 0 or style != "none"):
            notes += beat_of(
                groove,
                start=max(low, bar_start),
                end=min(high, closing),
                metre=metre,
                bar_start=bar_start,
            )
    if sections[0].phrase is None:
        notes = [_louder(note) if note.start < sections[1].start else note for note in notes]
    held = styles[-1] if styles[-1] in (*HELD, "none") else "strings"
    final = [span for span in spans if span[0].start == closing]
    return notes + accompany(
        final, held, metre=metre, bar_start=bar_start, transposition=transposition, bass=bass
    )


def _louder(note: Note) -> Note:
    return note._replace(velocity=min(1.0, round(1.7 * note.velocity, 3)))


def _styles(first: str, count: int, rng: np.random.Generator) -> list[str]:
    """Return a style for each section, alternating held and moving chords."""
    styles = [first]
    while len(styles) < count:
        others = [
            style
            for style in STYLES[1:]
            if styles[-1] == "none" or (style in HELD) != (styles[-1] in HELD)
        ]
        styles.append(others[int(rng.integers(len(others)))])
    return styles


def _bounds(sections: Sequence[Section], index: int, beats: int) -> tuple[float, float]:
    """Return the beginning and end of an accompaniment: phrase starts near multiples of SECTION."""
    starts = [section.start for section in sections] + [float(beats)]
    low = 0.0 if index == 0 else min(start for start in starts if start >= SECTION * index)
    return low, min(
        (start for start in starts if start >= SECTION * (index + 1)), default=float(beats)
    )


def _octave(tune: Tune, lead: str, transposition: int, rng: np.random.Generator) -> int:
    """Return the octaves that bring the tune near the middle of the lead's range, with jitter."""
    notes = [note for phrase in tune.phrases for note in phrase.notes]
    mean = (
        sum(note.pitch * note.duration for note in notes) / sum(note.duration for note in notes)
        + transposition
    )
    octave = round((LEADS[lead] + float(rng.uniform(-3, 3)) - mean) / 12)
    if min(note.pitch for note in notes) + transposition + 12 * octave < _LOWEST_LEAD:
        octave += 1
    if max(note.pitch for note in notes) + transposition + 12 * octave > _HIGHEST_LEAD:
        octave -= 1
    return octave


def _lift(tune: Tune, lead: str, shift: int, rng: np.random.Generator) -> int:
    """Return the shift of later verses in semitones: in half of the songs an octave, if it fits."""
    pitches = [note.pitch + shift for phrase in tune.phrases for note in phrase.notes]
    up = sum(pitches) / len(pitches) < LEADS[lead]
    if rng.random() < 0.5:
        return 0
    return (
        12
        if up and max(pitches) + 12 <= _HIGHEST_LEAD
        else -12
        if not up and min(pitches) - 12 >= _LOWEST_LEAD
        else 0
    )


def _played(
    note: MelodyNote,
    shift: int,
    bar_start: float,
    metre: int,
    part: str,
    timbre: str,
    rng: np.random.Generator,
) -> Note:
    """Return a melody note with its velocity: louder on the beat, loudest on the first of a bar."""
    place = (note.start - bar_start) % metre
    accent = 0.1 if place < 1e-6 else 0.04 if abs(place - round(place)) < 1e-6 else 0.0
    velocity = (0.78 if part == "lead" else 0.5) + accent + float(rng.uniform(-0.04, 0.04))
    return Note(note.start, note.duration, note.pitch + shift, round(velocity, 3), part, timbre)
