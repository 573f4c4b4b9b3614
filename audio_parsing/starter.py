"""The starter collection: public-domain tunes, arranged for the synthesizer, with known facts.

starter_songs(beats=64) -> list[StarterSong]          the same 96: 32 tunes in 3 arrangements
fresh_song(rng, beats=64, tune=None) -> StarterSong   a new arrangement, as many as you like
invented_song(rng, beats=64) -> StarterSong           of a tune that is none of them; invention.py
render(song, sample_rate=22050) -> (beats * 24 * hop_length(song.bpm, sample_rate),) float32
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from audio_parsing.accompaniment import STYLES
from audio_parsing.arrangement import arrange
from audio_parsing.invention import invented_tune
from audio_parsing.song import FRAMES_PER_BEAT, Note, StarterSong, hop_length
from audio_parsing.synthesizer import render
from audio_parsing.timbres import LEADS
from audio_parsing.tune_book import TUNES
from audio_parsing.tunes import Tune

__all__ = [
    "ARRANGEMENTS",
    "FRAMES_PER_BEAT",
    "TUNES",
    "Note",
    "StarterSong",
    "arranged",
    "fresh_song",
    "hop_length",
    "invented_song",
    "render",
    "starter_songs",
]

ARRANGEMENTS = 3
_LEADS = sorted(LEADS)


def starter_songs(*, beats: int = 64) -> list[StarterSong]:
    """Return the collection: every tune in three arrangements, fixed for a number of beats.

    Examples:
        >>> songs = starter_songs(beats=8)
        >>> len(songs), songs[0].mode
        (96, 'major')
    """
    songs = []
    for place, tune in enumerate(TUNES):
        seed = zlib.crc32(tune.name.encode())
        thirds = np.random.default_rng(seed).permutation(ARRANGEMENTS)
        low, high = tune.tempo
        for index in range(ARRANGEMENTS):
            rng = np.random.default_rng((seed, index))
            bpm = low + (high - low) * (float(thirds[index]) + float(rng.random())) / ARRANGEMENTS
            # Leads and styles rotate: each occurs about equally often, and the three
            # arrangements of a tune differ.
            lead = _LEADS[(5 * place + 4 * index) % len(_LEADS)]
            style = STYLES[(place + 2 * index) % len(STYLES)]
            songs.append(
                arrange(
                    tune,
                    rng,
                    beats=beats,
                    name=f"{tune.title} {index + 1}",
                    lead=lead,
                    style=style,
                    bpm=bpm,
                )
            )
    return songs


def fresh_song(
    rng: np.random.Generator, *, beats: int = 64, tune: str | None = None
) -> StarterSong:
    """Return a new arrangement of a tune (its name, or None for any).

    Raises:
        ValueError: if no tune has that name.
    """
    known = {each.name: each for each in TUNES}
    if tune is not None and tune not in known:
        raise ValueError(f"no tune {tune!r}; there are {', '.join(known)}")
    chosen = known[tune] if tune is not None else TUNES[int(rng.integers(len(TUNES)))]
    return arranged(chosen, rng, beats=beats, name=f"{chosen.title}, fresh")


def invented_song(
    rng: np.random.Generator, *, beats: int = 64, tunes: Sequence[Tune] = TUNES
) -> StarterSong:
    """Return an arrangement of an invented tune, made of the forms, chords and bars of `tunes`."""
    return arranged(invented_tune(tunes, rng), rng, beats=beats, name="Invented")


def arranged(tune: Tune, rng: np.random.Generator, *, beats: int, name: str) -> StarterSong:
    """Return a tune with a lead, an accompaniment and a tempo drawn at random."""
    lead = _LEADS[int(rng.integers(len(_LEADS)))]
    style = STYLES[int(rng.integers(len(STYLES)))]
    bpm = float(rng.uniform(*tune.tempo))
    return arrange(tune, rng, beats=beats, name=name, lead=lead, style=style, bpm=bpm)
