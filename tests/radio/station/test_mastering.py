"""The level of drawn songs: slow changes go, quick ones stay."""

from __future__ import annotations

import numpy as np
import pytest

from radio.station.mastering import LARGEST_LEVELLING, LEVELLING, levelled

RATE = 2000


def decibel(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.square(samples, dtype=np.float64).mean()))


def test_half_of_a_song_that_is_soft_comes_nearer(rng: np.random.Generator) -> None:
    song = rng.standard_normal(40 * RATE).astype(np.float32)
    song[: 20 * RATE] *= 0.25
    result = levelled(song, RATE)
    assert result.dtype == np.float32 and result.shape == song.shape
    first, second = slice(0, 15 * RATE), slice(25 * RATE, 40 * RATE)
    before, after = (decibel(one[second]) - decibel(one[first]) for one in (song, result))
    assert before == pytest.approx(12, abs=0.5)
    assert after == pytest.approx(12 * (1 - LEVELLING), abs=0.5)


def test_from_beat_to_beat_little_changes(rng: np.random.Generator) -> None:
    song = rng.standard_normal((40, 2, RATE // 2)).astype(np.float32)
    song[:, 1] *= 0.5
    beats = levelled(song.ravel(), RATE).reshape(40, 2, -1)
    assert decibel(beats[:, 0]) - decibel(beats[:, 1]) == pytest.approx(6, abs=1)


def test_silence_stays_silent_and_gains_are_bounded(rng: np.random.Generator) -> None:
    assert not levelled(np.zeros(3 * RATE, np.float32), RATE).any()
    assert len(levelled(np.zeros(0, np.float32), RATE)) == 0
    song = rng.standard_normal(20 * RATE).astype(np.float32)
    song[: 10 * RATE] *= 1e-6
    result = levelled(song, RATE)
    assert (
        np.abs(result[: 5 * RATE]).max()
        <= LARGEST_LEVELLING * 1.001 * np.abs(song[: 5 * RATE]).max()
    )
    assert np.isfinite(result).all()
