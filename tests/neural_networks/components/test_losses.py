"""Losses: gradients by finite differences, values against their definitions, extremes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neural_networks.components.losses import (
    bce_with_logits,
    gaussian_kl,
    huber,
    l1,
    mean_squared_error,
    pairwise_ranking,
)
from neural_networks.gradient_check import check_loss

SHAPES = [(1,), (1, 1, 1), (7, 3, 5), (33,)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "loss", [mean_squared_error, l1, huber, bce_with_logits], ids=lambda loss: loss.__name__
)
def test_gradients(loss: Callable, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    y, target = 2 * rng.standard_normal(shape), rng.random(shape)
    check_loss(lambda y: loss(y, target), y, rng=rng).require()


@pytest.mark.parametrize("delta", [0.1, 3.0])
def test_gradient_of_huber_at_other_deltas(delta: float, rng: np.random.Generator) -> None:
    y, target = 2 * rng.standard_normal((2, 5, 7))
    check_loss(lambda y: huber(y, target, delta=delta), y, rng=rng).require()


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (4, 2, 3)])
@pytest.mark.parametrize("free_bits", [0.0, 0.4])
def test_gradient_of_kl(shape: tuple[int, ...], free_bits: float, rng: np.random.Generator) -> None:
    mean, log_variance = rng.standard_normal((2, *shape))
    check_loss(
        lambda m, v: gaussian_kl(m, v, free_bits=free_bits), mean, log_variance, rng=rng
    ).require()


def test_gradient_of_ranking(rng: np.random.Generator) -> None:
    # an index may stand in several pairs
    better, worse = np.array([0, 1, 1, 4, 2]), np.array([1, 2, 0, 0, 1])
    check_loss(
        lambda y: pairwise_ranking(y, better, worse, margin=0.3), rng.standard_normal(6), rng=rng
    ).require()


def test_values(rng: np.random.Generator) -> None:
    y, target = rng.standard_normal((2, 4, 3, 2))
    error = y - target
    assert mean_squared_error(y, target)[0] == pytest.approx((error**2).mean())
    assert l1(y, target)[0] == pytest.approx(np.abs(error).mean())
    expected = np.where(np.abs(error) <= 0.8, error**2 / 2, 0.8 * (np.abs(error) - 0.4)).mean()
    assert huber(y, target, delta=0.8)[0] == pytest.approx(expected)
    share = rng.random(y.shape)
    chance = 1 / (1 + np.exp(-y))
    assert bce_with_logits(y, share)[0] == pytest.approx(
        -(share * np.log(chance) + (1 - share) * np.log(1 - chance)).mean()
    )
    scores = np.array([1.0, 3.0])
    assert pairwise_ranking(scores, np.array([1]), np.array([0]))[0] == pytest.approx(
        np.log1p(np.exp(-2))
    )


def test_kl_agrees_with_samples(rng: np.random.Generator) -> None:
    mean, log_variance = np.array([[0.5, -1.0]]), np.array([[-0.7, 0.4]])
    z = mean + np.exp(log_variance / 2) * rng.standard_normal((400_000, 2))
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(log_variance) + log_variance)
    measured = (log_q + 0.5 * z**2).sum(axis=1).mean()
    assert gaussian_kl(mean, log_variance)[0] == pytest.approx(measured, abs=0.01)
    assert gaussian_kl(np.zeros((3, 2)), np.zeros((3, 2)))[0] == 0


def test_free_bits_charge_only_what_exceeds_them() -> None:
    mean, log_variance = np.array([[0.1, 2.0]]), np.zeros((1, 2))
    value, dmean, dlog_variance = gaussian_kl(mean, log_variance, free_bits=0.5)
    assert value == pytest.approx(0.5 + 2.0)
    np.testing.assert_allclose(dmean, [[0.0, 2.0]])


def test_extremes_do_not_overflow() -> None:
    y = np.array([-1e4, 1e4], np.float32)
    value, dy = bce_with_logits(y, np.array([1.0, 0.0], np.float32))
    assert value == 1e4 and np.isfinite(dy).all()
    assert pairwise_ranking(y, np.array([0]), np.array([1]))[0] == pytest.approx(2e4)


def test_gradients_keep_the_dtype(rng: np.random.Generator) -> None:
    y = rng.standard_normal((3, 4)).astype(np.float32)
    target = rng.random((3, 4))  # float64
    for loss in (mean_squared_error, l1, huber, bce_with_logits):
        assert loss(y, target)[1].dtype == np.float32, loss.__name__
    assert all(gradient.dtype == np.float32 for gradient in gaussian_kl(y, y)[1:])
    assert pairwise_ranking(y[0], np.array([0]), np.array([1]))[1].dtype == np.float32
