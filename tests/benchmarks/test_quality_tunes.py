"""The tunes of benchmarks/quality_tunes.py: none is in the starter collection, all are drawn."""

from __future__ import annotations

import numpy as np

from audio_parsing.tune_book import TUNES
from audio_parsing.tunes import Tune
from benchmarks.quality_tunes import UNHEARD, unheard_songs


def first_notes(tune: Tune) -> tuple[int, ...]:
    """Return the steps between the first eight notes, whatever the octave."""
    pitches = [note.pitch for phrase in tune.phrases for note in phrase.notes][:8]
    return tuple(np.diff(pitches).tolist())


def test_no_tune_is_in_the_collection() -> None:
    assert not {tune.title for tune in UNHEARD} & {tune.title for tune in TUNES}
    assert not {first_notes(tune) for tune in UNHEARD} & {first_notes(tune) for tune in TUNES}
    assert len({first_notes(tune) for tune in UNHEARD}) == len(UNHEARD)


def test_songs_are_arrangements_of_them_in_turn() -> None:
    songs = unheard_songs(9, np.random.default_rng(0), beats=16)
    assert [song.tune for song in songs] == [
        UNHEARD[index % len(UNHEARD)].name for index in range(9)
    ]
    assert len({song.lead for song in songs}) > 1
    assert all(song.notes and max(note.start for note in song.notes) < 16 for song in songs)
    again = unheard_songs(9, np.random.default_rng(0), beats=16)
    assert [song.bpm for song in songs] == [song.bpm for song in again]
