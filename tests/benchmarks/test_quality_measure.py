"""The Fréchet distance of benchmarks/quality_measure.py: formula, statistics, and ranking."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.starter import fresh_song
from benchmarks.quality_measure import (
    frechet,
    notes_a_second,
    onsets,
    salience,
    statistics,
)
from benchmarks.quality_models import (
    gaussian_frames,
    gaussian_songs,
    markov_chain,
    shuffled_frames,
    two_at_once,
)
from radio.station import steps as song_data
from radio.training import prepare_starter_songs

RATE = 44.0


@pytest.fixture(scope="module")
def real() -> tuple[np.ndarray, list[float]]:
    """Steps (40, S, F) of 8 beats, and the true number of notes a second."""
    rng = np.random.default_rng(5)
    songs = [fresh_song(rng, beats=8) for _ in range(40)]
    notes = [
        sum(note.part != "percussion" for note in song.notes) / (8 * 24 / RATE) for song in songs
    ]
    frames = np.stack(prepare_starter_songs(songs, workers=1).frames).astype(np.float32)
    return song_data.to_steps(frames).reshape(len(songs), -1, song_data.STEP_SIZE), notes


def described(steps: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [statistics(song_data.to_frames(song), RATE) for song in np.maximum(steps, 0)]
    )


def test_the_distance_of_two_gaussians_with_known_moments():
    """Of diagonal covariances it is |m1 - m2|^2 + sum (s1 - s2)^2."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60_000, 3))
    first, second = x[::2] * [1, 2, 0.5], x[1::2] * [2, 2, 1.5] + [1, 0, -2]
    assert frechet(first, second) == pytest.approx(1 + 4 + 1 + 0 + 1, rel=0.03)
    assert frechet(first, first) == pytest.approx(0, abs=1e-9)
    turned = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert frechet(first @ turned, second @ turned) == pytest.approx(frechet(first, second))


def test_notes_are_counted_as_they_are_written(real):
    steps, written = real
    counted = [notes_a_second(song_data.to_frames(song), RATE) for song in steps]
    assert np.mean(counted) == pytest.approx(np.mean(written), rel=0.15)
    assert np.corrcoef(counted, written)[0, 1] > 0.85


def test_a_note_begins_once_and_silence_has_none():
    amplitudes = np.zeros((40, 88))
    assert not onsets(amplitudes).any()
    amplitudes[10:30, 40] = 0.2 * 0.97 ** np.arange(20)
    assert np.argwhere(onsets(amplitudes)).tolist() == [[10, 40]]
    amplitudes[20:, 40] = 0.5  # struck again, louder
    assert np.argwhere(onsets(amplitudes)).tolist() == [[10, 40], [20, 40]]
    amplitudes[:] = 0
    amplitudes[10:12, 40] = 0.2  # too short
    assert not onsets(amplitudes).any()
    silent = statistics(np.zeros((192, 202), np.float32), RATE)
    assert np.isfinite(silent).all() and len(silent) == 1
    assert salience(np.zeros((5, 202), np.float32)).shape == (5, 88)


def test_it_ranks_songs_as_it_must(real):
    """Real songs are nearest, then two at once, then simple methods and shuffled frames."""
    steps, _ = real
    some, others = steps[:20], steps[20:]
    mean, deviation = described(some).mean(axis=0), described(steps).std(axis=0) + 1e-3

    def distance(songs: np.ndarray) -> float:
        # Few windows: their means alone, for a covariance of 94 values can't be had from them.
        return float(np.square((described(songs).mean(axis=0) - mean) / deviation).sum())

    rng = np.random.default_rng(0)
    near = distance(others)
    assert distance(two_at_once(others)(20, rng)) > 1.6 * near
    for make in (shuffled_frames, gaussian_frames):
        assert distance(make(others)(20, rng)) > 5 * near
    for make in (gaussian_songs, markov_chain):
        made = make(others)(4, rng)
        assert made.shape == (4, *steps.shape[1:]) and np.isfinite(made).all()
