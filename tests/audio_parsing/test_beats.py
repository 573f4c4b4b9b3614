"""The beat of a sound: tempo and first beat where it keeps its tempo, none where it has none."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.beats import RATE, Beat, find_beat, onset_strength
from audio_parsing.starter import render, starter_songs

SECOND = 22050


def struck(times: np.ndarray, seconds: float, *, accent: int = 0) -> np.ndarray:
    """Return a tone struck at some times, every fourth one with a bass (n,)."""
    samples = np.zeros(round(seconds * SECOND), np.float32)
    time = np.arange(4000) / SECOND
    for number, start in enumerate(times):
        tone = 0.3 * np.exp(-20 * time) * np.sin(2 * np.pi * 700 * time)
        if number % 4 == accent:
            tone += 0.5 * np.exp(-10 * time) * np.sin(2 * np.pi * 90 * time)
        place = samples[round(start * SECOND) :][: len(time)]
        place += tone[: len(place)].astype(np.float32)
    return samples


@pytest.mark.parametrize(
    ("tempo", "found"), [(120.0, 120.0), (97.31, 97.31), (61.0, 122.0), (240.0, 120.0)]
)
def test_the_tempo_and_the_beats_of_strokes_are_found(
    tempo: float, found: float, rng: np.random.Generator
) -> None:
    samples = struck(np.arange(0.3, 30, 60 / tempo), 30)
    for noise in (0.0, 0.01):
        beat = find_beat(samples + noise * rng.standard_normal(len(samples)).astype(np.float32))
        assert beat is not None
        assert beat.tempo == pytest.approx(found, rel=2e-4)
        away = (beat.first - 0.3) * found / 60
        assert abs(away - round(away)) * 60 / found < 0.015


@pytest.mark.parametrize("accent", [0, 1, 3])
def test_a_bar_begins_with_the_bass(accent: int) -> None:
    beat = find_beat(struck(np.arange(0.2, 30, 0.5), 30, accent=accent))
    assert beat is not None and beat.first == pytest.approx(0.2 + accent * 0.5, abs=0.02)


def test_music_of_a_known_tempo() -> None:
    for song in starter_songs(beats=32)[5:90:50]:
        beat = find_beat(render(song, SECOND))
        assert beat is not None
        assert beat.tempo == pytest.approx(song.bpm, rel=2e-3)


def test_a_place_within_a_long_sound_drifts_nowhere() -> None:
    """The beat found is still that of the strokes after a minute and a half."""
    times = np.arange(0.1, 90, 60 / 131.313)
    beat = find_beat(struck(times, 90))
    assert beat is not None
    last = beat.first + np.arange(190) * 60 / beat.tempo
    assert np.abs(last[:, None] - times).min(axis=1).max() < 0.02


def test_what_slows_down_or_has_no_beat_has_none(rng: np.random.Generator) -> None:
    slower = np.cumsum(60 / np.linspace(150, 100, 60))
    for samples in (
        struck(slower[slower < 29], 30),
        struck(np.sort(rng.uniform(0, 29, 60)), 30),
        0.1 * rng.standard_normal(30 * SECOND).astype(np.float32),
        rng.standard_normal(SECOND).astype(np.float32),
        np.zeros(10 * SECOND, np.float32),
        np.zeros(1, np.float32),
    ):
        assert find_beat(samples) is None


def test_a_given_tempo_is_kept_and_its_beats_found(rng: np.random.Generator) -> None:
    samples = struck(np.arange(0.3, 12, 0.5), 12)
    beat = find_beat(samples, tempo=120.0)
    assert beat is not None and beat.tempo == pytest.approx(120.0)
    assert beat.first == pytest.approx(0.3, abs=0.015)
    for silent in (np.zeros(SECOND, np.float32), np.zeros(1, np.float32)):
        assert find_beat(silent, tempo=90.0) == Beat(pytest.approx(90.0), pytest.approx(0.01))


def test_a_sound_in_chunks_is_one_sound(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = rng.standard_normal(9 * SECOND).astype(np.float32)
    whole = onset_strength(samples)
    assert len(whole[0]) == pytest.approx(9 * RATE, abs=5)
    monkeypatch.setattr("audio_parsing.beats.CHUNK", 100)
    for parts, one in zip(onset_strength(samples), whole, strict=True):
        np.testing.assert_allclose(parts, one, rtol=1e-5, atol=1e-7)


def test_other_rates() -> None:
    samples = struck(np.arange(0.3, 30, 0.5), 30)
    for step in (1, 2):
        beat = find_beat(np.repeat(samples, step), sample_rate=SECOND * step)
        assert beat is not None and beat.tempo == pytest.approx(120, rel=1e-3)
