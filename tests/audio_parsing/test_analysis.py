"""The judges of sound: alike is alike, different is different, and scales are told from chance."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing import analysis
from audio_parsing.frames import SAMPLE_RATE, encode, transpose


def melody(pitches: list[int], seconds: float = 0.3) -> np.ndarray:
    """Struck notes with five overtones."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    notes = []
    for pitch in pitches:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        notes.append(
            sum(0.2 / h**1.5 * np.sin(2 * np.pi * hertz * h * time) for h in range(1, 7))
            * np.exp(-4 * time)
        )
    return np.concatenate(notes).astype(np.float32)


C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72, 55, 59]


def both_kinds(samples: np.ndarray) -> list[np.ndarray]:
    return [samples, encode(samples, hop_length=441)]


def test_chroma_finds_the_pitch_class() -> None:
    for pitch in (57, 60, 66, 83):
        time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
        sine = (0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time)).astype(np.float32)
        for sound in both_kinds(sine):
            classes = analysis.chroma(sound)
            assert classes.shape[1] == 12
            assert classes.sum(axis=0).argmax() == pitch % 12
            assert np.median(classes[:, pitch % 12] ** 2 / (classes**2).sum(axis=1)) > 0.7


def test_a_sound_agrees_with_itself_and_not_with_another() -> None:
    first, second = melody(C_MAJOR), melody([61, 66, 63, 70, 68, 58, 61, 66, 73, 54], 0.37)
    for mine, other in zip(both_kinds(first), both_kinds(second), strict=True):
        assert analysis.chroma_correlation(mine, mine) == pytest.approx(1)
        assert analysis.onset_correlation(mine, mine) == pytest.approx(1)
        assert analysis.log_spectral_distance(mine, mine) == 0
        assert analysis.chroma_correlation(mine, other) < 0.3
        assert analysis.onset_correlation(mine, other) < 0.5
        assert analysis.log_spectral_distance(mine, other) > 5


def test_loudness_does_not_change_correlations_and_is_measured_in_decibel() -> None:
    samples = melody(C_MAJOR)
    half = samples / 2
    assert analysis.chroma_correlation(samples, half) == pytest.approx(1, abs=1e-5)
    assert analysis.onset_correlation(samples, half) > 0.999
    noise = np.random.default_rng(1).standard_normal(SAMPLE_RATE).astype(np.float32) * 0.1
    assert analysis.log_spectral_distance(noise, noise / 2) == pytest.approx(6.02, abs=0.05)


def test_onsets_stand_where_notes_begin() -> None:
    samples = np.concatenate(
        [np.zeros(SAMPLE_RATE // 2, np.float32), melody([60, 64, 67, 60], 0.5)]
    )
    for sound, steps_a_second in zip(both_kinds(samples), (analysis.ONSET_RATE, 50), strict=True):
        envelope = analysis.onset_envelope(sound)
        strongest = np.sort(np.argsort(envelope)[-4:]) / steps_a_second
        for begin in (0.5, 1.0, 1.5, 2.0):
            near = (np.arange(len(envelope)) / steps_a_second > begin - 0.06) & (
                np.arange(len(envelope)) / steps_a_second < begin + 0.06
            )
            assert (
                envelope[near].max() > 3 * np.median(envelope)
                and envelope[near].max() > 0.3 * envelope.max()
            ), (begin, strongest)


def test_comparisons_look_at_the_time_both_have() -> None:
    samples = melody(C_MAJOR)
    assert analysis.chroma_correlation(samples, samples[: len(samples) // 2]) > 0.98


def test_silence_and_very_short_sounds_are_no_accident() -> None:
    silence = np.zeros(SAMPLE_RATE, np.float32)
    for sound in both_kinds(silence) + [np.zeros(10, np.float32)]:
        assert analysis.chroma_correlation(sound, sound) == 0
        assert analysis.onset_correlation(sound, sound) == 0
        assert analysis.log_spectral_distance(sound, sound) == 0


def test_scales() -> None:
    assert analysis.scale(0, "major") == {0, 2, 4, 5, 7, 9, 11}
    assert analysis.scale(9, "minor") == {9, 11, 0, 2, 4, 5, 7, 8}
    with pytest.raises(ValueError, match="dorian"):
        analysis.scale(0, "dorian")


def test_share_in_scale_of_notes() -> None:
    notes = np.array([(0, 1, 60, 0.5), (0, 1, 61, 0.5), (1, 4, 76, 0.5)], np.float64)
    assert analysis.in_scale_share(notes, analysis.scale(0, "major")) == pytest.approx(0.8)


def test_share_in_scale_of_frames_ignores_overtones() -> None:
    frames = encode(melody(C_MAJOR), hop_length=441)
    assert analysis.in_scale_share(frames, analysis.scale(0, "major")) > 0.97
    assert analysis.in_scale_share(transpose(frames, 6), analysis.scale(6, "major")) > 0.97
    assert analysis.in_scale_share(transpose(frames, 1), analysis.scale(0, "major")) < 0.4
    chromatic = encode(melody(list(range(55, 79))), hop_length=441)
    assert 0.45 < analysis.in_scale_share(chromatic, analysis.scale(0, "major")) < 0.7


def test_each_note_of_a_scale_is_heard_as_itself() -> None:
    for pitch in range(40, 90, 5):
        energy, pitches = analysis.note_energy(encode(melody([pitch], 0.6), hop_length=441))
        heard = np.bincount(np.rint(pitches).astype(int).ravel(), energy.ravel(), 128)
        assert heard.argmax() == pitch
        assert heard[pitch] > 0.9 * heard.sum()


def test_silence_is_in_every_scale() -> None:
    assert (
        analysis.in_scale_share(np.zeros((10, 202), np.float32), analysis.scale(0, "major")) == 1.0
    )
