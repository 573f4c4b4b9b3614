"""Invented tunes: the forms and chords of known tunes, with bars of other melodies over them.

    invented_tune(tunes, rng) -> Tune          as many as you like

What a few dozen tunes teach a network is these tunes. Here most bars give way to a bar of any tune
of the same mode and metre, which is moved along the scale where it stood over another chord. The
nearer it begins to where the bar before ended, the likelier it is. Whole phrases are exchanged too,
and a phrase that returns in the known tune returns in the invented one.
All of it is done on text in the notation of tunes.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from audio_parsing.tunes import Phrase, Tune, read_phrase

REPLACED = 0.85  # of the bars that another may stand for
EXCHANGED = 0.5  # of the phrases
FAR = 1.5  # degrees of the scale, at which a bar is 1 / e as likely as one that begins where the
# bar before ended

_WHITE_KEYS = "CDEFGAB"
_TRIADS = ("C", "Dm", "Em", "F", "G", "Am")  # what the scale's degrees bear, in both modes
_CHORD = re.compile(r'"([^"]*)"')
_NOTE = re.compile(r"([A-Ga-g])([,']*)")

Kind = tuple[str, int, float]  # mode, metre and unit of tunes that can share bars


class _Bar(NamedTuple):
    """A bar over a single chord, without the chord's name, and whether it ends a phrase."""

    notes: str
    chord: str
    last: bool


class _Material(NamedTuple):
    """What tunes of one kind are made of: bars, and the lines of phrases by pickup and length."""

    bars: list[_Bar]
    phrases: dict[tuple[float, float], list[str]]


def invented_tune(tunes: Sequence[Tune], rng: np.random.Generator) -> Tune:
    """Return a tune that none of `tunes` is, with the form of one of them."""
    materials = _materials(tuple(tunes))
    form = tunes[int(rng.integers(len(tunes)))]
    material = materials[_kind(form)]
    lines: dict[str, str] = {}
    for line, phrase in zip(form.text.strip().splitlines(), form.phrases, strict=True):
        if line not in lines:
            chosen = line
            if rng.random() < EXCHANGED:
                alike = material.phrases[phrase.pickup, phrase.length]
                chosen = alike[int(rng.integers(len(alike)))]
            lines[line] = _invented(chosen, form, material.bars, rng)
    text = "\n".join(lines[line] for line in form.text.strip().splitlines())
    return Tune("invented", "Invented", "", form.mode, form.metre, form.tempo, text, unit=form.unit)


def moved(notes: str, degrees: int) -> str:
    """Return the notes of a bar so many degrees of the scale higher."""

    def higher(match: re.Match[str]) -> str:
        octave, letter = divmod(_degree(match) + degrees, len(_WHITE_KEYS))
        name = _WHITE_KEYS[letter]
        return name.lower() + "'" * (octave - 1) if octave > 0 else name + "," * -octave

    return _NOTE.sub(higher, notes)


def _invented(line: str, tune: Tune, bars: list[_Bar], rng: np.random.Generator) -> str:
    """Return a phrase's line with most of its bars replaced."""
    made, before = [], None
    for text, bar in _bars(line, tune):
        if bar is not None and rng.random() < REPLACED:
            choices = sorted(
                {
                    moved(other.notes, _way(other.chord, bar.chord))
                    for other in bars
                    if other.last == bar.last and _fits(other.chord, bar.chord)
                }
            )
            begins = np.array([_degrees(notes)[0] for notes in choices])
            distance = np.abs(begins - (begins if before is None else before))
            weights = np.exp(-distance / FAR)
            chosen = choices[int(rng.choice(len(choices), p=weights / weights.sum()))]
            text = f'"{bar.chord}" {chosen}'
        degrees = _degrees(text)
        before = degrees[-1] if degrees else before
        made.append(text)
    return " | ".join(made)


@lru_cache(maxsize=4)
def _materials(tunes: tuple[Tune, ...]) -> dict[Kind, _Material]:
    found: dict[Kind, _Material] = {}
    for tune in tunes:
        material = found.setdefault(_kind(tune), _Material([], {}))
        for line, phrase in zip(tune.text.strip().splitlines(), tune.phrases, strict=True):
            material.phrases.setdefault((phrase.pickup, phrase.length), []).append(line)
            material.bars.extend(bar for _, bar in _bars(line, tune) if bar is not None)
    return {kind: _Material(sorted(set(bars)), lines) for kind, (bars, lines) in found.items()}


def _bars(line: str, tune: Tune) -> list[tuple[str, _Bar | None]]:
    """Return the text of each bar of a line, and the bar, if another may stand for it."""
    phrase = read_phrase(line, metre=tune.metre, unit=tune.unit)
    texts = [text.strip() for text in line.split("|")]
    chord, tied, found = "", False, []
    for index, text in enumerate(texts):
        names = _CHORD.findall(text)
        single = len(names) == 1 and text.startswith('"') or not names and chord
        notes = _CHORD.sub("", text).strip()
        chord = names[-1] if names else chord
        bar = None
        if single and not tied and _whole(index, texts, phrase) and _movable(notes):
            bar = _Bar(notes, chord, index == len(texts) - 1)
        tied = notes.endswith("-")
        found.append((text, bar))
    return found


def _whole(index: int, texts: list[str], phrase: Phrase) -> bool:
    """Return whether a bar is a whole one: a pickup and what completes it are not."""
    return not phrase.pickup or 0 < index < len(texts) - 1


def _movable(notes: str) -> bool:
    """Return whether notes, of which there are some, lie on the scale and end with their bar."""
    return bool(_NOTE.search(notes)) and not re.search(r"[\^_]|-$", notes)


def _kind(tune: Tune) -> Kind:
    return tune.mode, tune.metre, tune.unit


def _fits(chord: str, other: str) -> bool:
    return chord == other or chord in _TRIADS and other in _TRIADS


def _way(chord: str, other: str) -> int:
    """Return by how many degrees to move from a chord to another, the shorter way."""
    degrees = (_WHITE_KEYS.index(other[0]) - _WHITE_KEYS.index(chord[0])) % 7
    return degrees if degrees <= 3 else degrees - 7


def _degree(match: re.Match[str]) -> int:
    letter, marks = match.groups()
    octave = letter.islower() + marks.count("'") - marks.count(",")
    return 7 * octave + _WHITE_KEYS.index(letter.upper())


def _degrees(text: str) -> list[int]:
    """Return the degrees of a bar's notes, counted from middle C."""
    return [_degree(match) for match in _NOTE.finditer(_CHORD.sub("", text))]
