"""The taste learns from a slider's curve: differences of segments in features and on the slider."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from radio.ratings import without_drift
from radio.taste.bayesian_dense import BayesianDense, observed
from radio.taste.mixture import HALF_LIVES, TRUSTS, BayesianMixture
from radio.taste.taste import SEGMENTS
from tests.radio.taste.test_taste import STEPS, make, synthetic_songs


@pytest.mark.parametrize("steps_of_song", [STEPS, 37, 5, 1])
def test_the_segments_of_a_song_add_up_to_the_song(steps_of_song: int) -> None:
    taste = make()
    steps, beside, _ = synthetic_songs(3, seed=7)
    steps = np.ascontiguousarray(np.concatenate([steps] * 3)[:steps_of_song])
    segments = taste.segments(steps, beside)
    assert segments.shape[:2] == (3, min(SEGMENTS, steps_of_song)) and segments.dtype == np.float32
    linear = taste._songs.linear
    if steps_of_song == STEPS:
        np.testing.assert_allclose(
            segments.mean(axis=1)[:, :linear], taste.features(steps, beside)[:, :linear], atol=1e-4
        )
    wide = segments[0].astype(float)
    differences = taste._songs.differences(wide)
    np.testing.assert_allclose(differences[:, :linear].mean(axis=0), 0, atol=1e-9)
    seen = taste._songs.quadratic.forward(np.concatenate([wide, wide.mean(axis=0)[None]]))[0]
    np.testing.assert_allclose(
        differences,
        seen[:-1] - seen[-1],
        atol=1e-12,
        err_msg="a middle may be best among moments as among songs",
    )


def test_mean_and_drift_are_taken_out_of_many_columns_at_once(rng: np.random.Generator) -> None:
    moments, values = np.array([1.0, 2.0, 4.0, 7.0]), rng.standard_normal((4, 3))
    left = without_drift(values + 5 + 2 * moments[:, None], moments)
    np.testing.assert_allclose(left, without_drift(values, moments), atol=1e-12)
    np.testing.assert_allclose([left.sum(axis=0), moments @ left], 0, atol=1e-12)
    np.testing.assert_allclose(without_drift(values[:, 1], moments), left[:, 1])


def test_observations_of_another_gain_and_noise_and_differences_without_a_bias(
    rng: np.random.Generator,
) -> None:
    rows, told = rng.standard_normal((9, 3)), rng.standard_normal(9)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal(6)
    layer = BayesianDense(3, variance=0.5, bias_variance=2.0, noise=0.5)
    layer.learn(observed(rows, told, np.ones(9), differences=True), gain=0.3, noise=0.8)
    before = layer.evidence
    layer.observe(x, y, np.ones(6))
    stacked = np.concatenate([0.3 * np.c_[rows, np.zeros(9)], np.c_[x, np.ones(6)]])
    noise = np.repeat([0.64, 0.25], [9, 6])
    prior = np.diag([0.5, 0.5, 0.5, 2.0])
    covariance = np.linalg.inv(np.linalg.inv(prior) + (stacked.T / noise) @ stacked)
    np.testing.assert_allclose(
        np.append(layer.weight.value, layer.bias.value),
        covariance @ (stacked.T / noise) @ np.append(told, y),
    )
    spread = stacked @ prior @ stacked.T + np.diag(noise)
    whole = multivariate_normal(np.zeros(15), spread).logpdf(np.append(told, y))
    alone = multivariate_normal(np.zeros(9), spread[:9, :9]).logpdf(told)
    assert before == pytest.approx(alone) and layer.evidence - before == pytest.approx(
        whole - alone
    )


def test_moments_count_as_far_as_they_foresaw_the_ratings() -> None:
    rng = np.random.default_rng(0)
    x, liked = rng.standard_normal((24, 6)), np.array([0.8, -0.5, 0.3, 0, 0, 0])
    x[:, 3:] = np.square(x[:, :3])
    ratings = x @ liked * 0.4 + 0.1 * rng.standard_normal(24)
    rows, of = rng.standard_normal((240, 6)), np.repeat(np.arange(24), 10)
    true = 0.3 * 0.4 * rows @ liked + 0.05 * rng.standard_normal(240)
    trusting = {}
    for name, told in (("none", None), ("true", true), ("false", -3 * true)):
        mixture = BayesianMixture((3, 0, 3, 0))
        mixture.learn(
            x[:3],
            ratings[:3],
            np.ones(3),
            None if told is None else (rows[:30], told[:30], of[:30]),
        )
        few = np.mean(np.square(mixture.forward(x)[0][:, 0] - x @ liked * 0.4))
        mixture.learn(x, ratings, np.ones(24), None if told is None else (rows, told, of))
        trusting[name] = few, mixture.shares[[gain > 0 for gain, _ in mixture.trusts]].sum()
    assert trusting["true"][0] < 0.8 * trusting["none"][0], (
        "three ratings teach more with what was told of their moments"
    )
    assert trusting["none"][1] == pytest.approx(1 - 1 / len(TRUSTS)), (
        "where nothing is told all are the same"
    )
    assert trusting["true"][1] > 0.6 > 0.3 > trusting["false"][1]
    assert (
        len({id(layer.covariance) for layer in mixture.layers}) == len(mixture.layers)
        and np.inf in HALF_LIVES
    )


def test_what_a_curve_tells_of_a_song() -> None:
    taste = make()
    steps, beside, _ = synthetic_songs(2, seed=7)
    segments = taste.segments(steps, beside)[0]
    seconds = np.arange(0, 30, 0.5)
    curve = np.c_[seconds, 0.5 * np.sin(seconds / 3)]
    rows, told = taste.curve_targets(segments, curve, delay=1.5, seconds=30.0)
    assert rows.shape == (len(told), taste.size) and 10 < len(told) < SEGMENTS
    for silent in (
        np.zeros((0, 2)),
        np.array([[3.0, 0.5]]),
        np.c_[seconds, 0 * seconds + 0.4],
        curve[:10],
    ):
        assert not len(taste.curve_targets(segments, silent, delay=1.5, seconds=30.0)[1]), (
            "what does not move tells nothing of moments"
        )
    features = taste.features(steps, beside)
    taste.observe(features[0], 0.4, targets=(rows, told))
    with_curve = taste.predict(features)
    taste.forget()
    taste.observe(features[0], 0.4)
    assert not np.allclose(with_curve, taste.predict(features))
