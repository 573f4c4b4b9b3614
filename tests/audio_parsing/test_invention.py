"""Invented tunes: made of what there is, in the form of a known tune, and none of them."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.invention import invented_tune, moved
from audio_parsing.starter import fresh_song, invented_song
from audio_parsing.tune_book import TUNES
from audio_parsing.tunes import Tune

LINES = ('"C" C D E C | "C" ^F2 A2', '"G" G, B, D G | "F" F2 "C" E2')


def tune(*lines: str) -> Tune:
    return Tune("two", "Two", "", "major", 4, (100, 120), "\n".join(lines))


@pytest.fixture(scope="module")
def invented():
    rng = np.random.default_rng(0)
    return [invented_tune(TUNES, rng) for _ in range(200)]


def test_notes_move_along_the_scale():
    assert moved("B,3/2 C/ z G/4", 1) == "C3/2 D/ z A/4"
    assert moved("A b c' C", 2) == "c d' e' E"
    assert moved(moved("G, c' B/ e", -9), 9) == "G, c' B/ e"


def test_an_invented_tune_has_the_form_of_a_known_one(invented):
    # lengths of phrases, and which of them are the same: reading a phrase checks its bars
    def form(one):
        texts = one.text.strip().splitlines()
        lengths = [(phrase.length, phrase.pickup) for phrase in one.phrases]
        return one.mode, one.metre, one.tempo, *lengths, *(texts.index(text) for text in texts)

    known = {form(one)[: 3 + len(one.phrases)] for one in TUNES}
    assert all(form(one)[: 3 + len(one.phrases)] in known for one in invented)
    forms = {form(one) for one in TUNES}
    assert np.mean([form(one) in forms for one in invented]) > 0.9


def test_chords_are_those_of_known_phrases(invented):
    # a bar names its chord again, which changes nothing
    def progression(phrase):
        named = [(c.start, c.tones) for c in phrase.chords]
        return tuple(c for i, c in enumerate(named) if not i or c[1] != named[i - 1][1])

    known = {progression(phrase) for one in TUNES for phrase in one.phrases}
    assert all(progression(phrase) in known for one in invented for phrase in one.phrases)


def test_invented_tunes_are_new_and_differ(invented):
    # a phrase of bars with two chords each may stay as it is
    known = {phrase.notes for one in TUNES for phrase in one.phrases}
    stayed = [[phrase.notes in known for phrase in one.phrases] for one in invented]
    assert np.mean(np.concatenate(stayed)) < 0.15 and np.mean([all(one) for one in stayed]) < 0.02
    assert len({one.text for one in invented}) == len(invented)


def test_bars_take_each_others_place_moved_to_the_chord():
    rng = np.random.default_rng(0)
    made = [invented_tune([tune(*LINES)], rng).text.split("\n") for _ in range(200)]
    bars = [{line.split(" | ")[place] for lines in made for line in lines} for place in (0, 1)]
    assert bars[0] == {'"C" C D E C', '"C" C E G c', '"G" G, B, D G', '"G" G, A, B, G,'}
    # the end of a phrase stays an end; an accidental, or two chords, keep a bar where it is
    assert bars[1] == {'"C" ^F2 A2', '"F" F2 "C" E2'}


def test_the_same_seed_invents_the_same_song():
    one, two = (invented_song(np.random.default_rng(5), beats=32) for _ in range(2))
    assert one == two and one != invented_song(np.random.default_rng(6), beats=32)
    assert one.tune == "invented" and one.beats == 32


def test_fresh_songs_are_drawn_as_before():
    song = fresh_song(np.random.default_rng(3), beats=16)
    assert (song.tune, song.lead, song.accompaniment) == ("can_can", "bell", "none")
