"""The starter collection: notation, tunes, arrangements, and sound compared with the notes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from audio_parsing.form import plan_form
from audio_parsing.frames import encode
from audio_parsing.starter import TUNES, Note, fresh_song, hop_length, render, starter_songs
from audio_parsing.synthesizer import LOUDNESS, play_note
from audio_parsing.timbres import LEADS, TIMBRES
from audio_parsing.tunes import MINOR_SCALE, Chord, MelodyNote, read_chord, read_phrase
from audio_parsing.variation import line_below, step_in_scale, vary

RATE = 22050


@pytest.fixture(scope="module")
def songs():
    return starter_songs()


def pitched(song):
    return [note for note in song.notes if note.part != "percussion"]


# The notation


def test_notation_reads_pitches_lengths_ties_and_chords():
    phrase = read_phrase('"Am" ^G,/ c\'3/2 z F-|F3 _B/4D3/4', metre=4)
    assert [note.pitch for note in phrase.notes] == [56, 84, 65, 70, 62]
    assert [note.start for note in phrase.notes] == [0, 0.5, 3, 7, 7.25]
    assert [note.duration for note in phrase.notes] == [0.5, 1.5, 4, 0.25, 0.75]
    assert phrase.chords == (Chord(0, 9, (9, 0, 4)),)
    assert phrase.length == 8 and phrase.pickup == 0


def test_notation_counts_a_pickup():
    phrase = read_phrase("G | C2 E | D2", metre=3)
    assert (phrase.length, phrase.pickup) == (6, 1)
    tail = phrase.last(3)
    assert [(note.start, note.pitch) for note in tail.notes] == [(0, 64), (1, 62)]


@pytest.mark.parametrize(
    "line", ["C D E | F G A B", "C D E F | G", "C | D E F G | A B c d", "C D H F", "C D ? F"]
)
def test_notation_refuses_wrong_bars_and_signs(line):
    with pytest.raises(ValueError, match="bars of|not in the notation"):
        read_phrase(line, metre=4)


def test_chord_names():
    assert read_chord("E7", 1.0).tones == (4, 8, 11, 2)
    with pytest.raises(ValueError, match="not a chord: 'H'"):
        read_chord("H", 0.0)


def test_every_tune_is_well_written():
    assert len(TUNES) >= 32 and len({tune.name for tune in TUNES}) == len(TUNES)
    for tune in TUNES:
        for phrase in tune.phrases:
            assert phrase.length % tune.metre == 0 and phrase.notes and phrase.chords
            assert phrase.pickup == tune.phrases[0].pickup
            assert all(note.start + note.duration <= phrase.length + 1e-9 for note in phrase.notes)
        assert tune.phrases[-1].notes[-1].pitch % 12 == (0 if tune.mode == "major" else 9), (
            tune.name
        )
        assert 84 <= tune.tempo[0] < tune.tempo[1] <= 152


def test_a_known_melody():
    ode = next(tune for tune in TUNES if tune.name == "ode_to_joy")
    assert (
        "".join(
            "CDEFGAB"[(0, 2, 4, 5, 7, 9, 11).index(note.pitch % 12)]
            for note in ode.phrases[0].notes
        )
        == "EEFGGFEDCCDEEDD"
    )


# Variation and form


def test_steps_in_the_scale():
    assert [step_in_scale(69, step, MINOR_SCALE) for step in (-7, -2, -1, 0, 1, 2, 7)] == [
        57,
        65,
        67,
        69,
        71,
        72,
        81,
    ]
    assert step_in_scale(68, 1, MINOR_SCALE) == 69  # G sharp counts as G


def test_variation_keeps_length_and_ending(songs):
    phrase = TUNES[0].phrases[0]
    rng = np.random.default_rng(0)
    assert vary(phrase.notes, TUNES[0].scale, amount=0.0, rng=rng) == list(phrase.notes)
    for _ in range(20):
        notes = vary(phrase.notes, TUNES[0].scale, amount=0.7, rng=rng)
        assert notes[-1] == phrase.notes[-1] and notes != list(phrase.notes)
        assert sum(note.duration for note in notes) == pytest.approx(phrase.length)
        assert all(note.pitch % 12 in TUNES[0].scale for note in notes)


def test_the_line_below_takes_the_raised_seventh():
    melody = [MelodyNote(0, 1, 71), MelodyNote(1, 1, 71), MelodyNote(2, 0.5, 72)]
    chords = [read_chord("E", 0.0), read_chord("Em", 1.0)]
    assert [note.pitch for note in line_below(melody, MINOR_SCALE, chords)] == [68, 67]


@pytest.mark.parametrize("beats", [8, 16, 17, 32, 50, 64, 128, 200])
def test_forms_fill_the_beats_and_end_with_the_end(beats):
    for tune in TUNES:
        lengths = [phrase.length for phrase in tune.phrases]
        sections = plan_form(lengths, tune.metre, beats)
        end = sections[-1].start + sections[-1].length
        assert end <= beats < end + tune.metre + 4
        assert sections[-1].phrase == len(lengths) - 1
        if beats >= sum(lengths[:1]) + lengths[-1]:
            assert [section.phrase for section in sections if section.phrase is not None][0] == 0
        for before, after in zip(sections, sections[1:], strict=False):
            assert before.start + before.length == after.start


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "lengths, metre, beats",
    [([], 4, 16), ([0, 0], 4, 16), ([-4], 4, 16), ([4], 0, 16), ([4], 4, float("inf"))],
)
def test_a_form_that_would_have_no_end_is_refused(lengths, metre, beats):
    with pytest.raises(ValueError, match="no form has phrases"):
        plan_form(lengths, metre, beats)


# The collection


def test_collection_is_complete_and_always_the_same(songs):
    assert len(songs) == 96 and songs == starter_songs()
    assert len({song.name for song in songs}) == 96
    assert {song.lead for song in songs} == set(LEADS) and {song.mode for song in songs} == {
        "major",
        "minor",
    }
    assert {song.transposition for song in songs} == set(range(-5, 6))
    for index in range(0, 96, 3):
        three = songs[index : index + 3]
        assert len({song.tune for song in three}) == 1
        assert (
            len({song.lead for song in three}) == len({song.accompaniment for song in three}) == 3
        )
    assert all(84 <= song.bpm <= 152 for song in songs)


@pytest.mark.parametrize("beats", [16, 32, 64, 128])
def test_notes_are_in_time_in_scale_and_end_on_the_tonic(beats):
    inside = total = 0.0
    for song in starter_songs(beats=beats):
        notes = pitched(song)
        assert song.beats == beats and list(song.notes) == sorted(song.notes)
        assert all(
            note.start >= 0 and note.duration > 0 and note.start + note.duration <= beats
            for note in song.notes
        )
        assert all(0 < note.velocity <= 1 for note in song.notes)
        assert min(note.start for note in notes) < 1
        lead = [note for note in notes if note.part == "lead"]
        assert lead[-1].pitch % 12 == song.tonic
        assert 50 <= min(note.pitch for note in lead) and max(note.pitch for note in lead) <= 100
        total += sum(note.duration * note.velocity for note in notes)
        inside += sum(
            note.duration * note.velocity for note in notes if note.pitch % 12 in song.scale
        )
    assert inside / total > 0.98


def test_few_beats_are_refused():
    with pytest.raises(ValueError, match="at least 8 beats, not 4"):
        starter_songs(beats=4)


def test_fresh_songs_are_new_and_reproducible(songs):
    rng = np.random.default_rng(5)
    fresh = [fresh_song(rng, beats=16) for _ in range(30)]
    again = np.random.default_rng(5)
    assert [fresh_song(again, beats=16) for _ in range(30)] == fresh
    assert len({song.notes for song in fresh}) == 30
    assert len({song.tune for song in fresh}) > 12 and len({song.lead for song in fresh}) > 6
    assert fresh_song(rng, tune="canon").tune == "canon"
    with pytest.raises(ValueError, match="no tune 'nothing'"):
        fresh_song(rng, tune="nothing")


# The sound


def test_a_note_is_the_sum_of_its_partials():
    timbre = replace(TIMBRES["marimba"], gain=1.0)
    sound = play_note(timbre, 69, 0.3, 1.0, RATE)
    time = np.arange(round(0.3 * RATE)) / RATE
    expected = sum(
        a * np.sin(2 * np.pi * 440 * r * time) * (np.exp(-d * time) - np.exp(-(d + 1 / s) * time))
        for r, a, d, s in zip(
            timbre.ratios, timbre.amplitudes, timbre.decays, timbre.attacks, strict=True
        )
    ) / np.sqrt(np.sum(timbre.amplitudes**2))
    np.testing.assert_allclose(sound[: time.size], expected, atol=1e-9)
    assert np.abs(sound[-20:]).max() < 1e-3


@pytest.mark.parametrize("rate", [22050, 44100, 16000])
def test_render_keeps_its_promises(songs, rate):
    for song in songs[5 :: 45 if rate == RATE else 60]:
        samples = render(song, rate)
        assert samples.dtype == np.float32 and samples.shape == (
            song.beats * 24 * hop_length(song.bpm, rate),
        )
        assert np.abs(samples).max() < 1
        assert np.sqrt(np.mean(samples.astype(float) ** 2)) == pytest.approx(LOUDNESS, rel=0.02)
        beat = len(samples) // song.beats
        assert np.sqrt(np.mean(samples[:beat] ** 2)) > 0.02
        assert (
            np.abs(samples[-100:]).max() < 1e-4
            and np.sqrt(np.mean(samples[-beat // 4 :] ** 2)) < 0.02
        )
        assert np.array_equal(samples, render(song, rate))


def test_too_low_a_rate_is_refused(songs):
    with pytest.raises(ValueError, match="not 100"):
        render(songs[0], 100)


def heard_pitch(samples, start, size):
    """Return the MIDI pitch of the strongest partial of half a beat of samples, a real number."""
    window = samples[start : start + size] * np.hanning(size)
    power = np.abs(np.fft.rfft(window, 1 << 16))
    return 69 + 12 * np.log2(np.argmax(power) * RATE / (1 << 16) / 440)


def test_lead_notes_sound_where_and_as_they_are_written(songs):
    found = total = 0
    for song in (song for song in songs if song.accompaniments[0] == "none"):
        samples = render(song)
        beat = len(samples) / song.beats
        quiet = min(note.start for note in song.notes if note.part != "lead")
        for note in song.notes:
            if note.start + note.duration <= quiet and note.duration >= 0.5:
                total += 1
                start = round((note.start + 0.02) * beat)
                # A tone's second and third partials may be louder than its first.
                distance = (
                    heard_pitch(samples, start, round(0.4 * beat))
                    - note.pitch
                    - np.array((0, 12, 19.02))
                )
                found += bool(np.abs(distance).min() < 0.3)
        if total > 250:
            break
    assert found / total > 0.97


def test_pitch_is_the_truth_of_the_note(songs):
    song = songs[0]
    shifted = replace(song, notes=(Note(0.0, 4.0, 60, 0.8, "lead", "flute"),), beats=8)
    assert heard_pitch(render(shifted), 2000, 16000) == pytest.approx(60, abs=0.05)


def test_halves_are_alike_but_no_loop(songs):
    correlations = []
    for song in songs[4::12]:
        frames = encode(render(song), hop_length=hop_length(song.bpm))
        half = len(frames) // 2
        correlations.append(np.corrcoef(frames[:half].ravel(), frames[half:].ravel())[0, 1])
    assert 0.3 < np.mean(correlations) < 0.65 and np.max(correlations) < 0.93
