"""The latent distribution: its formulas, its draws, its distances."""

from __future__ import annotations

import numpy as np
import pytest

from gan.choices import LATENTS
from gan.latent import WIDENING, LatentDistribution
from gan.prior import GaussianMixture


def songs(count: int = 60, size: int = 6):
    rng = np.random.default_rng(0)
    means = rng.standard_normal((count, size)) @ rng.standard_normal(
        (size, size)
    ) + rng.standard_normal(size)
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
    np.testing.assert_allclose(
        draws.mean(axis=0), distribution.mean, atol=0.05 * distribution.deviation.max()
    )
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
    np.testing.assert_allclose(
        LatentDistribution(means, log_variances, "total").deviation ** 2, expected
    )


def test_mixtures_stay_near_the_songs():
    means, log_variances = songs()
    distribution = LatentDistribution(means, log_variances, "mixture")
    draws = distribution.sample(2_000, np.random.default_rng(1))
    assert draws.shape == (2_000, 6)
    np.testing.assert_allclose(
        draws.mean(axis=0), distribution.mean, atol=0.1 * distribution.deviation.max()
    )
    assert np.mean(distribution.distance(draws) ** 2) < 6
    one = LatentDistribution(means[:1], log_variances[:1], "mixture")
    assert np.isfinite(one.sample(5, np.random.default_rng(0))).all()


def test_posteriors_are_widened_around_songs_and_no_wider_than_all_songs():
    means = np.repeat([[-3.0, 0.0], [3.0, 0.0]], 50, axis=0)
    deviations = np.tile([[0.01, 5.0], [0.1, 5.0]], (50, 1))  # of the first value, one or the other
    distribution = LatentDistribution(means, 2 * np.log(deviations))
    assert distribution.kind == "posteriors"
    draws = distribution.sample(8_000, np.random.default_rng(1))
    near = np.abs(np.abs(draws[:, 0]) - 3)
    expected = WIDENING * np.sqrt(np.square(deviations[:2, 0]).mean())
    assert np.sqrt(np.square(near).mean()) == pytest.approx(expected, rel=0.05)
    assert draws[:, 1].std() == pytest.approx(distribution.deviation[1], rel=0.05)
    assert 0.45 < np.mean(draws[:, 0] > 0) < 0.55


def test_halfway_lies_between_two_different_songs():
    means, log_variances = songs(5)
    points = LatentDistribution(means, log_variances).between(200, np.random.default_rng(0))
    pairs = np.array([(means[i] + means[j]) / 2 for i in range(5) for j in range(i)])
    distances = np.linalg.norm(points[:, None] - pairs, axis=2)
    np.testing.assert_allclose(distances.min(axis=1), 0, atol=1e-12)
    assert len(np.unique(distances.argmin(axis=1))) == 10


def clusters(count: int = 400):
    """Songs in three narrow clusters that are far apart, along a slanted direction."""
    rng = np.random.default_rng(0)
    centres = np.array([[-6.0, 0, 0, 2], [0, 5, 0, -2], [6, 0, 4, 0]])
    slant = np.array([[0.5, 0, 0, 0], [0.4, 0.2, 0, 0], [0, 0, 0.3, 0], [0, 0, 0, 0.3]])
    return (
        centres,
        slant @ slant.T,
        centres[rng.integers(3, size=count)] + rng.standard_normal((count, 4)) @ slant.T,
    )


def test_the_learned_prior_finds_clusters_and_their_covariance():
    centres, covariance, points = clusters()
    prior = GaussianMixture(points, np.zeros(4), rng=np.random.default_rng(1))
    found = np.array(
        [
            prior.centres[np.linalg.norm(prior.centres - centre, axis=1).argmin()]
            for centre in centres
        ]
    )
    np.testing.assert_allclose(found, centres, atol=0.4)
    assert prior.shares.sum() == pytest.approx(1)
    if len(prior.shares) == 3:
        np.testing.assert_allclose(prior.covariance, covariance, atol=0.08)
    draws = prior.sample(4_000, np.random.default_rng(2))
    nearest = np.linalg.norm(draws[:, None] - centres, axis=2).min(axis=1)
    # a Gaussian of the same moments has draws between the clusters
    assert np.quantile(nearest, 0.95) < 2
    np.testing.assert_allclose(
        np.cov(draws.T), np.cov(points.T), atol=0.15 * np.abs(np.cov(points.T)).max()
    )
    assert prior.log_density(centres).min() > prior.log_density(np.zeros((1, 4)))[0] + 10


def test_the_learned_priors_density_is_one_in_all():
    _, _, points = clusters(60)
    prior = GaussianMixture(
        points[:, :2], np.full(2, 0.01), centres=4, rng=np.random.default_rng(0)
    )
    grid = np.linspace(-14, 14, 281)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    assert np.exp(prior.log_density(plane)).sum() * 0.1**2 == pytest.approx(1, abs=1e-3)


def test_each_round_of_expectation_and_maximisation_raises_the_likelihood(monkeypatch):
    _, _, points = clusters(200)
    likelihoods = []
    for rounds in (1, 2, 4, 8, 16):
        monkeypatch.setattr("gan.prior.ITERATIONS", rounds)
        monkeypatch.setattr("gan.prior._shrunk", lambda covariance, count: covariance)
        likelihoods.append(
            GaussianMixture(points, np.zeros(4), centres=5, rng=np.random.default_rng(3))
            .log_density(points)
            .sum()
        )
    assert (np.diff(likelihoods) > -1e-6).all()


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_prior_of_few_songs(count):
    means, log_variances = songs(count, 12)
    distribution = LatentDistribution(means, log_variances, "learned-prior")
    first, second = (distribution.sample(20, np.random.default_rng(4)) for _ in range(2))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
    again = LatentDistribution(means, log_variances, "learned-prior").sample(
        20, np.random.default_rng(4)
    )
    np.testing.assert_array_equal(first, again)


def test_the_owners_sigma_leaves_the_songs_the_more_there_are():
    """For 2,000 songs encoded with certainty it is far wider than the songs are; total is not."""
    rng = np.random.default_rng(0)
    means, log_variances = rng.standard_normal((2_000, 6)), np.full((2_000, 6), -2.0)
    widths = {}
    for kind in ("owner", "total", "gaussian", "mixture", "learned-prior", "posteriors"):
        widths[kind] = LatentDistribution(means, log_variances, kind).sample(500, rng).std()
    assert widths["owner"] > 10
    assert all(
        0.4 < widths[kind] < 1.3 for kind in ("total", "gaussian", "mixture", "learned-prior")
    )


def test_few_songs_in_many_dimensions_still_give_a_distance():
    rng = np.random.default_rng(0)
    distribution = LatentDistribution(
        rng.standard_normal((5, 40)), np.full((5, 40), -6.0), "gaussian"
    )
    draws = distribution.sample(50, rng)
    assert np.isfinite(distribution.distance(draws)).all()


@pytest.mark.parametrize("kind", LATENTS)
def test_gradient_of_the_distance_penalty(kind):
    distribution = LatentDistribution(*songs(), kind)
    point = distribution.mean + 2.5 * distribution.deviation * np.random.default_rng(
        3
    ).standard_normal((4, 6))
    value, gradient = distribution.distance_penalty(point)
    np.testing.assert_allclose(
        value, np.maximum(np.square(distribution.distance(point)) / distribution.size - 1, 0)
    )
    direction = np.random.default_rng(4).standard_normal(point.shape)
    after, before = (
        distribution.distance_penalty(point + step * direction)[0] for step in (1e-6, -1e-6)
    )
    np.testing.assert_allclose(
        (after - before) / 2e-6, np.sum(gradient * direction, axis=1), rtol=1e-6, atol=1e-8
    )


def test_inside_there_is_no_penalty_and_the_mean_has_no_gradient():
    distribution = LatentDistribution(*songs(), "gaussian")
    value, gradient = distribution.distance_penalty(distribution.mean[None])
    assert value[0] == 0
    assert not gradient.any()
    assert distribution.distance(distribution.mean[None])[0] == 0


def test_bad_input():
    means, log_variances = songs()
    with pytest.raises(ValueError, match="cube"):
        LatentDistribution(means, log_variances, "cube")
    with pytest.raises(ValueError, match="same shape"):
        LatentDistribution(means, log_variances[:3])


def test_too_few_songs_for_folds_have_one_centre() -> None:
    rng = np.random.default_rng(5)
    songs = np.concatenate([rng.normal(-50, 1, (4, 2)), rng.normal(50, 1, (3, 2))])
    mixture = GaussianMixture(songs, np.zeros(2), rng=rng)
    assert mixture.centres.shape == (1, 2) and mixture.shares == [1.0]
