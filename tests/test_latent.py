"""The latent distribution: its formulas, its draws, its distances."""

from __future__ import annotations

import numpy as np
import pytest

from gan.latent import LatentDistribution


def songs(count: int = 60, size: int = 6):
    rng = np.random.default_rng(0)
    means = rng.standard_normal((count, size)) @ rng.standard_normal((size, size)) + rng.standard_normal(size)
    return means, rng.uniform(-4, -2, (count, size))


def test_the_owners_formula():
    means, log_variances = songs()
    distribution = LatentDistribution(means, log_variances, "owner")
    np.testing.assert_allclose(distribution.mean, means.sum(axis=0) / 60)
    np.testing.assert_allclose(distribution.deviation, np.sqrt(np.exp(log_variances).sum(axis=0)))
    twice = LatentDistribution(np.tile(means, (2, 1)), np.tile(log_variances, (2, 1)), "owner")
    np.testing.assert_allclose(twice.deviation, np.sqrt(2) * distribution.deviation)


@pytest.mark.parametrize("kind", ["owner", "total", "gaussian"])
def test_draws_have_the_stated_moments_and_distances(kind):
    means, log_variances = songs()
    distribution = LatentDistribution(means, log_variances, kind)
    draws = distribution.sample(20_000, np.random.default_rng(1))
    np.testing.assert_allclose(draws.mean(axis=0), distribution.mean, atol=0.05 * distribution.deviation.max())
    np.testing.assert_allclose(draws.std(axis=0), distribution.deviation, rtol=0.03)
    assert np.mean(distribution.distance(draws) ** 2) == pytest.approx(6, rel=0.03)
    if kind == "gaussian":
        wanted = np.cov(means.T, bias=True)
        error = np.linalg.norm(np.cov(draws.T) - wanted) / np.linalg.norm(wanted)
        assert error < 0.15
        assert np.linalg.norm(np.diag(np.diag(wanted)) - wanted) / np.linalg.norm(wanted) > 0.3


def test_total_variance():
    means, log_variances = songs()
    expected = np.exp(log_variances).mean(axis=0) + means.var(axis=0)
    np.testing.assert_allclose(LatentDistribution(means, log_variances, "total").deviation ** 2, expected)


def test_mixtures_stay_near_the_songs():
    means, log_variances = songs()
    distribution = LatentDistribution(means, log_variances)
    assert distribution.kind == "mixture"
    draws = distribution.sample(2_000, np.random.default_rng(1))
    assert draws.shape == (2_000, 6)
    np.testing.assert_allclose(draws.mean(axis=0), distribution.mean, atol=0.1 * distribution.deviation.max())
    assert np.mean(distribution.distance(draws) ** 2) < 6
    one = LatentDistribution(means[:1], log_variances[:1]).sample(5, np.random.default_rng(0))
    assert np.isfinite(one).all()


def test_few_songs_in_many_dimensions_still_give_a_distance():
    rng = np.random.default_rng(0)
    distribution = LatentDistribution(rng.standard_normal((5, 40)), np.full((5, 40), -6.0), "gaussian")
    draws = distribution.sample(50, rng)
    assert np.isfinite(distribution.distance(draws)).all()


@pytest.mark.parametrize("kind", ["owner", "total", "gaussian", "mixture"])
def test_gradients_of_distance_and_penalty(kind):
    distribution = LatentDistribution(*songs(), kind)
    point = distribution.mean + 2.5 * distribution.deviation * np.random.default_rng(3).standard_normal((4, 6))
    for function, gradient in (
        (distribution.distance, distribution.distance_gradient(point)),
        (lambda p: distribution.distance_penalty(p)[0], distribution.distance_penalty(point)[1]),
    ):
        direction = np.random.default_rng(4).standard_normal(point.shape)
        measured = (function(point + 1e-6 * direction) - function(point - 1e-6 * direction)) / 2e-6
        np.testing.assert_allclose(measured, np.sum(gradient * direction, axis=1), rtol=1e-6, atol=1e-8)


def test_inside_there_is_no_penalty_and_the_mean_has_no_gradient():
    distribution = LatentDistribution(*songs(), "gaussian")
    value, gradient = distribution.distance_penalty(distribution.mean[None])
    assert value[0] == 0
    assert not gradient.any()
    assert not distribution.distance_gradient(distribution.mean[None]).any()


def test_bad_input():
    means, log_variances = songs()
    with pytest.raises(ValueError, match="cube"):
        LatentDistribution(means, log_variances, "cube")
    with pytest.raises(ValueError, match="same shape"):
        LatentDistribution(means, log_variances[:3])
