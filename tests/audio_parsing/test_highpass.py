"""The high-pass against SciPy's, in blocks of any length."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from audio_parsing.highpass import HighPass


@pytest.mark.parametrize("rate", [8000, 44100, 192_000])
def test_it_is_the_butterworth_filter(rate: int, rng: np.random.Generator) -> None:
    x = (0.7 + 0.1 * rng.standard_normal(3000)).astype(np.float32)
    sections = signal.butter(2, 10, "highpass", fs=rate, output="sos")
    first = x[:700].mean(dtype=np.float64)
    expected, _ = signal.sosfilt(
        sections, x.astype(np.float64), zi=signal.sosfilt_zi(sections) * first
    )
    found = HighPass(10, rate)
    blocks = [found.filter(block) for block in np.split(x, [700, 701, 701, 2000])]
    assert [len(block) for block in blocks] == [700, 1, 0, 1299, 1000]
    assert all(block.dtype == np.float32 for block in blocks)
    np.testing.assert_allclose(np.concatenate(blocks), expected, atol=1e-7)


def test_an_offset_is_removed_from_the_first_sample_on() -> None:
    assert np.abs(HighPass(10, 22050).filter(np.full(1000, 0.25, np.float32))).max() < 1e-7


def test_what_is_not_finite_stays_so() -> None:
    x = np.array([0, np.inf, 0, 0], np.float32)
    assert not np.isfinite(HighPass(10, 22050).filter(x)[1:]).any()
