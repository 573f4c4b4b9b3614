"""Gaussians with bounded log-variances: their formulas, and gradients inside and outside."""

from __future__ import annotations

import numpy as np
import pytest

from neural_networks.components.gaussians import (
    divergence,
    draw,
    draw_gradient,
    innovations,
    moments,
)
from neural_networks.components.losses import gaussian_kl
from neural_networks.gradient_check import check_loss

WIDE = (-50.0, 50.0)
POSTERIOR, PRIOR = (-1.5, 1.0), (-0.8, 0.7)  # narrow, so that many values lie outside
SHAPES = [(1, 1, 2), (3, 2, 6), (5, 1, 4)]


def made(shape: tuple[int, ...], rng: np.random.Generator, count: int = 2) -> list[np.ndarray]:
    return [rng.standard_normal(shape) for _ in range(count)]


@pytest.mark.parametrize("free_bits", [0.0, 0.4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_divergence_gradients(shape: tuple, free_bits: float, rng: np.random.Generator) -> None:
    check_loss(
        lambda posterior, prior: divergence(
            posterior, prior, posterior_bounds=POSTERIOR, prior_bounds=PRIOR, free_bits=free_bits
        ),
        *made(shape, rng),
        rng=rng,
    ).require()


def test_divergence_is_that_of_the_definition(rng: np.random.Generator) -> None:
    """E_q [log q - log p] by drawing."""
    posterior, prior = np.array([[[0.3, 0.5]]]), np.array([[[-0.4, -0.2]]])
    w = draw(posterior, WIDE, rng.standard_normal((400_000, 1, 1)))
    log_ratio = sum(
        sign * -0.5 * (raw + (w - mean) ** 2 / np.exp(raw))
        for sign, (mean, raw) in ((1, posterior[0, 0]), (-1, prior[0, 0]))
    )
    value = divergence(posterior, prior, posterior_bounds=WIDE, prior_bounds=WIDE)[0]
    assert abs(value - log_ratio.mean()) < 5 * log_ratio.std() / np.sqrt(len(w))


def test_divergence_from_the_standard_normal(rng: np.random.Generator) -> None:
    posterior = rng.standard_normal((4, 3, 6))
    value, dposterior, _ = divergence(
        posterior, np.zeros_like(posterior), posterior_bounds=WIDE, prior_bounds=(0, 0)
    )
    expected, dmean, dlog_variance = gaussian_kl(posterior[..., :3], posterior[..., 3:])
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(dposterior, np.concatenate([dmean, dlog_variance], -1), atol=1e-14)


def test_a_posterior_that_is_the_prior_tells_nothing(rng: np.random.Generator) -> None:
    statistics = rng.standard_normal((4, 3, 6))
    value, *gradients = divergence(
        statistics, statistics, posterior_bounds=PRIOR, prior_bounds=PRIOR
    )
    assert abs(value) < 1e-14
    for gradient in gradients:
        np.testing.assert_allclose(gradient, 0, atol=1e-15)


def test_free_bits_cost_nothing() -> None:
    posterior = np.zeros((5, 2, 4))
    posterior[..., 1] = 3.0  # the second coordinate holds 4.5 nats, the first none
    value, dposterior, dprior = divergence(
        posterior, np.zeros_like(posterior), posterior_bounds=WIDE, prior_bounds=WIDE, free_bits=0.5
    )
    assert value == pytest.approx(0.5 + 4.5)
    assert not dposterior[..., 0].any() and not dprior[..., 0].any()
    assert dposterior[..., 1].all() and dprior[..., 1].all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_draws_and_their_gradient(shape: tuple, rng: np.random.Generator) -> None:
    (statistics,) = made(shape, rng, 1)
    noise, weights = made((*shape[:-1], shape[-1] // 2), rng)
    w = draw(statistics, POSTERIOR, noise)
    np.testing.assert_allclose(innovations(w, statistics, POSTERIOR), noise, rtol=0, atol=1e-14)
    check_loss(
        lambda s: (
            (weights * draw(s, POSTERIOR, noise)).sum(),
            draw_gradient(weights, s, POSTERIOR, noise),
        ),
        statistics,
        rng=rng,
    ).require()


def test_bounds() -> None:
    statistics = np.array([[0.0] * 5 + [-9.0, -1.5, 0.2, 1.0, 7.0]])
    mean, log_variance = moments(statistics, POSTERIOR)
    assert mean.base is statistics
    np.testing.assert_array_equal(log_variance, [[-1.5, -1.5, 0.2, 1.0, 1.0]])
    gradient = draw_gradient(np.ones((1, 5)), statistics, POSTERIOR, np.ones((1, 5)))
    np.testing.assert_array_equal(gradient[0, 5:] != 0, [False, True, True, True, False])


def test_single_precision_stays_so(rng: np.random.Generator) -> None:
    a, b = (array.astype(np.float32) for array in made((3, 2, 6), rng))
    _, *gradients = divergence(a, b, posterior_bounds=POSTERIOR, prior_bounds=PRIOR)
    w = draw(a, POSTERIOR, b[..., :3])
    for array in (*gradients, w, innovations(w, a, POSTERIOR), draw_gradient(w, a, POSTERIOR, w)):
        assert array.dtype == np.float32
