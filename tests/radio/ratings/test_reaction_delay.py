"""What a slider's curve says of every moment, and how a listener's delay is found in it."""

from __future__ import annotations

import numpy as np
import pytest

from radio.ratings import ReactionDelay, moments_of
from radio.ratings.reaction_delay import BOUNDS, TYPICAL
from radio.ratings.slider import rating_of


def test_moments_are_earlier_than_the_hand_and_drift_is_taken_out() -> None:
    time = np.arange(4, 40, 0.1)
    liking = np.sin(2 * np.pi * time / 9)
    curve = np.column_stack([time, 0.3 * np.interp(time - 1.5, time, liking) + 0.01 * time])
    told = moments_of(curve, delay=1.5, seconds=40.0, count=80)
    moments = (np.arange(80) + 0.5) / 2
    said = np.isfinite(told)
    assert not said[moments < 3].any() and not said[moments > 38.6].any()
    assert said[(moments > 5) & (moments < 38)].all()
    inside = (moments > 6) & (moments < 38)
    assert np.corrcoef(told[inside], np.sin(2 * np.pi * moments[inside] / 9))[0, 1] > 0.99
    assert abs(np.nanmean(told)) < 1e-9


@pytest.mark.parametrize(
    "curve",
    [
        np.zeros((0, 2)),
        np.array([[5.0, 0.1]]),
        np.array([[50.0, 0.1], [51, 0.2], [52, 0.3], [53, 0.1]]),
    ],
)
def test_a_curve_of_nothing_or_after_the_end_says_nothing(curve: np.ndarray) -> None:
    assert np.isnan(moments_of(curve, delay=1.0, seconds=40.0, count=20)).all()


@pytest.mark.parametrize("late", [0.6, 1.5, 2.8, 9.0])
def test_the_delay_is_found_within_its_bounds(late: float) -> None:
    delay = ReactionDelay()
    assert delay.seconds == pytest.approx(TYPICAL)
    rng = np.random.default_rng(0)
    for _ in range(10):
        moments = (np.arange(200) + 0.5) / 5
        predicted = np.convolve(rng.standard_normal(220), np.ones(21) / 21, "valid")
        time = np.arange(2 + late, 40, 0.25)
        curve = np.column_stack(
            [
                time,
                np.interp(time - late, moments, predicted) + 0.05 * rng.standard_normal(len(time)),
            ]
        )
        delay.observe(curve, predicted, 40.0)
    if late < BOUNDS[1]:
        assert delay.seconds == pytest.approx(late, abs=0.3)
    assert BOUNDS[0] <= delay.seconds <= BOUNDS[1] + 1e-9
    delay = ReactionDelay()
    assert delay.seconds == pytest.approx(TYPICAL)


def test_a_slider_that_lies_still_tells_no_delay() -> None:
    delay = ReactionDelay()
    delay.observe(
        np.column_stack([np.arange(4, 40, 0.5), np.full(72, 0.4)]), np.sin(np.arange(80)), 40.0
    )
    assert delay.seconds == pytest.approx(TYPICAL)


def test_the_rating_leaves_out_the_first_seconds_and_what_comes_after_the_end() -> None:
    curve = np.array([[2.0, -1.0], [5.0, 0.2], [20.0, 0.6], [42.0, -1.0], [60.0, -1.0]])
    assert rating_of(curve, delay=2.0, seconds=38.0) == pytest.approx((15 * 0.2 + 20 * 0.6) / 35)
    assert rating_of(np.array([[50.0, 0.3]]), seconds=40.0) == 0.3
