"""Loudness against the values of the recommendation, and songs that are brought to it."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.loudness import PEAK, at_loudness, loudness, true_peak


@pytest.mark.parametrize("rate", [48_000, 44_100, 22_050])
def test_a_tone_has_the_loudness_of_the_recommendation(rate: int) -> None:
    """BS.1770-4: 997 Hz at full scale in one channel reads -3.01 LUFS, and 20 dB less 20 less."""
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate)
    assert loudness(tone, rate) == pytest.approx(-3.01, abs=0.05)
    assert loudness(0.1 * tone, rate) == pytest.approx(-23.01, abs=0.05)
    low = np.sin(2 * np.pi * 38 * np.arange(5 * rate) / rate)
    assert loudness(low, rate) < -8, "bass counts less"


def test_silence_does_not_count() -> None:
    rate = 22_050
    tone = 0.1 * np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate)
    quiet = np.concatenate([tone, np.zeros(20 * rate)])
    assert loudness(quiet, rate) == pytest.approx(-23.01, abs=0.3)
    soft = np.concatenate([tone, 0.01 * tone])
    assert loudness(soft, rate) == pytest.approx(-23.01, abs=0.3), "gated: 20 dB below"
    assert loudness(np.zeros(rate), rate) == -np.inf == loudness(np.zeros(0), rate)


def test_true_peaks_lie_between_samples() -> None:
    """A tone at a quarter of the rate, sampled at 45 degrees: its samples are 3 dB below it."""
    tone = np.sin(np.pi / 2 * np.arange(4000) + np.pi / 4)
    assert 20 * np.log10(np.abs(tone).max()) == pytest.approx(-3.01, abs=0.01)
    assert true_peak(tone[500:-500]) == pytest.approx(0, abs=0.3)
    assert true_peak(np.zeros(0)) < -100


@pytest.mark.parametrize("seed", [0, 1])
def test_a_song_is_brought_to_a_loudness_with_its_peaks_below_the_ceiling(seed: int) -> None:
    rate, rng = 22_050, np.random.default_rng(seed)
    seconds = np.arange(8 * rate) / rate
    song = 0.1 * np.sin(2 * np.pi * 220 * seconds) + 0.02 * rng.standard_normal(len(seconds))
    song[:: rate // 2] += 0.5  # clicks, far above the rest
    song *= 0.5 + 0.5 * np.sin(2 * np.pi * seconds / 4) ** 2
    louder = at_loudness(song.astype(np.float32), rate, -16)
    assert loudness(louder, rate) == pytest.approx(-16, abs=0.3)
    assert true_peak(louder) <= PEAK and louder.dtype == np.float32 and len(louder) == len(song)
    softer = at_loudness(song.astype(np.float32), rate, -30)
    np.testing.assert_allclose(softer / song, np.median(softer / song), rtol=1e-4)
    assert not at_loudness(np.zeros(rate, np.float32), rate, -16).any()
