"""The filter that gives components back finds what neighbours know, and its gradient is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audio_parsing import restoration
from audio_parsing.components import LappedComponents
from audio_parsing.restoration import Restoration


def random_filter(rng: np.random.Generator, made: int = 3, restored: int = 5) -> Restoration:
    return Restoration(rng.standard_normal((3, made, restored)), rng.uniform(0.5, 2, restored))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (7, 2)], ids=str)
def test_the_gradient_agrees_with_finite_differences(
    shape: tuple, rng: np.random.Generator
) -> None:
    restored = random_filter(rng)
    x, direction = rng.standard_normal((2, *shape, 3))
    dy = rng.standard_normal((*shape, 5))
    ends = [float((restored.forward(x + sign * 1e-6 * direction) * dy).sum()) for sign in (1, -1)]
    expected = float((restored.backward(dy) * direction).sum())
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(expected, rel=1e-7)


def test_it_finds_the_filter_that_made_the_music(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoration, "RIDGE", 0.0)
    true = random_filter(rng)
    made = [rng.standard_normal((20, 4, 3)) for _ in range(3)]
    found = Restoration.fit([(one, true.forward(one)) for one in made])
    np.testing.assert_allclose(found.taps, true.taps * true.gains, atol=1e-10)
    np.testing.assert_allclose(found.gains, 1, atol=1e-10)


def test_gains_go_a_part_of_the_way_to_the_deviation_of_music(rng: np.random.Generator) -> None:
    """Least squares of something with noise of three times its power have half its deviation."""
    made = rng.standard_normal((20_000, 1, 1))
    noise = np.sqrt(3) * rng.standard_normal(made.shape)
    nothing = rng.standard_normal(made.shape)
    found = Restoration.fit([(made, np.concatenate([made + noise, nothing], axis=-1))])
    assert found.taps[1, 0, 0] == pytest.approx(1, abs=0.05)
    assert found.gains[0] == pytest.approx(2**restoration.GAIN_POWER, rel=0.02)
    assert found.gains[1] == restoration.LARGEST_GAIN


def test_a_sound_that_goes_on_no_longer_trembles(rng: np.random.Generator) -> None:
    """Of frames that change slowly, few components and the steps beside them tell the rest."""
    noise = rng.standard_normal((4, 6059))
    slow = np.array([np.convolve(one, np.hanning(60), "valid") for one in noise]).T
    frames = slow @ rng.standard_normal((4, 9))
    components = LappedComponents.fit([frames], 32, dtype=np.float64)
    steps = components.transform(frames)
    made = steps.copy()
    made[:, 4:] = 0
    found = Restoration.fit([(made[:, :4], steps)])
    before, after = (
        np.square(components.inverse(one) - frames)[12:-12].mean()
        for one in (made, found.forward(made[:, :4]) / found.gains)
    )
    assert after < 0.1 * before


def test_arrays_make_the_same_again(rng: np.random.Generator) -> None:
    restored = random_filter(rng)
    x = rng.standard_normal((6, 2, 3))
    again = Restoration(**restored.arrays())
    np.testing.assert_array_equal(again.forward(x), restored.forward(x))


@pytest.mark.parametrize(
    "pairs, message",
    [
        ([], "one pair or more"),
        ([(np.zeros((2, 3)), np.zeros((2, 4)))], "S from 3 on"),
        ([(np.zeros((5, 3)), np.zeros((6, 4)))], "S from 3 on"),
    ],
)
def test_what_does_not_fit_is_said(pairs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Restoration.fit(pairs)
    with pytest.raises(ValueError, match=r"taps have the shape \(3, K, M\)"):
        Restoration(np.zeros((2, 3, 4)), np.zeros(4))


def test_silence_stays_silent() -> None:
    found = Restoration.fit([(np.zeros((5, 2, 3)), np.zeros((5, 2, 4)))])
    assert not found.forward(np.zeros((5, 2, 3))).any()
    assert np.isfinite(found.gains).all() and np.isfinite(found.taps).all()
