"""Taps find what neighbours know of a step, and what they restore moves as much as music."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audio_parsing import restoration
from audio_parsing.components import LappedComponents
from audio_parsing.restoration import neighbours, neighbours_backward, restoring_taps


def test_neighbours_lie_side_by_side() -> None:
    x = np.arange(6.0).reshape(3, 2)
    expected = [[0, 1, 0, 1, 2, 3], [0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 4, 5]]
    np.testing.assert_array_equal(neighbours(x, axis=0), expected)
    np.testing.assert_array_equal(neighbours(x[:1], axis=0), [[0, 1, 0, 1, 0, 1]])
    songs = np.stack([x, x + 7])
    np.testing.assert_array_equal(neighbours(songs, axis=1)[1], neighbours(x + 7, axis=0))


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_backward_is_the_adjoint(steps: int, rng: np.random.Generator) -> None:
    x, dy = rng.standard_normal((3, steps, 2)), rng.standard_normal((3, steps, 6))
    there = np.vdot(neighbours(x, axis=-2), dy)
    assert there == pytest.approx(np.vdot(x, neighbours_backward(dy)), rel=1e-12)


def test_they_find_the_taps_that_made_the_music(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoration, "RIDGE", 0.0)
    true = rng.standard_normal((3, 2, 5))
    made = [rng.standard_normal((20, 4, 2)) for _ in range(3)]
    pairs = [(one, neighbours(one, axis=0) @ true.reshape(6, 5)) for one in made]
    np.testing.assert_allclose(restoring_taps(pairs), true, atol=1e-10)


def test_what_is_restored_moves_as_much_as_music(rng: np.random.Generator) -> None:
    """Least squares of something with noise of three times its power have half its deviation."""
    made = rng.standard_normal((20_000, 1, 1))
    noise = np.sqrt(3) * rng.standard_normal(made.shape)
    taps = restoring_taps([(made, made + noise)])
    assert taps[1, 0, 0] == pytest.approx(2, rel=0.03)
    assert np.abs(taps[[0, 2]]).max() < 0.08


def test_what_is_not_known_does_not_become_loud(rng: np.random.Generator) -> None:
    made, real = rng.standard_normal((2, 5000, 1, 1))
    assert np.abs(restoring_taps([(made, real)])).max() < 0.05 * restoration.LARGEST_GAIN


def test_a_sound_that_goes_on_no_longer_trembles(rng: np.random.Generator) -> None:
    """Of frames that change slowly, few components and the steps beside them tell the rest."""
    noise = rng.standard_normal((4, 6059))
    slow = np.array([np.convolve(one, np.hanning(60), "valid") for one in noise]).T
    frames = slow @ rng.standard_normal((4, 9))
    wide = LappedComponents.fit([frames], 32, dtype=np.float64)
    few = wide.first(4)
    taps = restoring_taps([(few.transform(frames), wide.transform(frames))])
    before, after = (
        np.square(some.inverse(some.transform(frames)) - frames)[12:-12].mean()
        for some in (few, few.restoring(taps, wide))
    )
    assert after < 0.1 * before


@pytest.mark.parametrize(
    "pairs, message",
    [
        ([], "one pair or more"),
        ([(np.zeros((2, 3)), np.zeros((2, 4)))], "S from 3 on"),
        ([(np.zeros((5, 3)), np.zeros((6, 4)))], "S from 3 on"),
        ([(np.full((5, 3), np.nan), np.zeros((5, 4)))], "finite"),
        ([(np.zeros((5, 3)), np.full((5, 4), np.inf))], "finite"),
    ],
)
def test_what_does_not_fit_is_said(pairs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        restoring_taps(pairs)


def test_taps_of_whole_numbers_are_not_rounded(rng: np.random.Generator) -> None:
    made, real = rng.integers(-9, 9, (40, 3)), rng.integers(-9, 9, (40, 4))
    taps = restoring_taps([(made, real)])
    np.testing.assert_allclose(taps, restoring_taps([(made.astype(float), real.astype(float))]))
    assert taps.dtype == np.float64


def test_silence_stays_silent() -> None:
    taps = restoring_taps([(np.zeros((5, 2, 3)), np.zeros((5, 2, 4)))])
    assert taps.shape == (3, 3, 4) and not taps.any()
