"""Mixtures of Gaussians: the bound against its definition, gradients, draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_networks.components.gaussians import divergence, draw
from neural_networks.components.mixtures import mixture_divergence, mixture_draw
from neural_networks.gradient_check import check_loss

# narrow, so that many values lie outside
BOUNDS: Any = {"posterior_bounds": (-1.5, 1.0), "prior_bounds": (-0.8, 0.7)}
SHAPES = [(1, 1, 1, 1, 2), (3, 2, 6, 2, 3), (5, 1, 4, 1, 8)]  # T, B, D, G, M


def made(shape: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    steps, batch, size, groups, count = shape
    columns = 2 * size if count == 1 else count * (2 * size + groups)
    return [rng.standard_normal((steps, batch, width)) for width in (2 * size, columns)]


@pytest.mark.parametrize("free_bits", [0.0, 0.6])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_divergence_gradients(shape: tuple, free_bits: float, rng: np.random.Generator) -> None:
    options = BOUNDS | {"groups": shape[3], "free_bits": free_bits}
    check_loss(
        lambda posterior, prior: mixture_divergence(posterior, prior, **options),
        *made(shape, rng),
        rng=rng,
    ).require()


def test_the_divergence_is_that_of_its_components(rng: np.random.Generator) -> None:
    """As it is written, one group and one component after the other."""
    posterior, prior = made((2, 3, 6, 2, 4), rng)
    value = mixture_divergence(posterior, prior, groups=2, **BOUNDS)[0]
    m, raw, logits = np.split(prior, [24, 48], axis=-1)
    expected = np.zeros((2, 3))
    for place in np.ndindex(2, 3):
        for group in range(2):
            part = slice(3 * group, 3 * group + 3)
            q = np.concatenate([half[part] for half in np.split(posterior[place], 2)])
            terms = []
            for k in range(4):
                one = [array[place].reshape(4, 6)[k, part] for array in (m, raw)]
                d = divergence(q[None], np.concatenate(one)[None], **BOUNDS)[0]
                weights = np.exp(logits[place].reshape(4, 2)[:, group])
                terms.append(weights[k] / weights.sum() * np.exp(-d))
            expected[place] -= np.log(sum(terms))
    assert value == pytest.approx(expected.mean(), rel=1e-12)


def test_it_bounds_the_divergence_from_above(rng: np.random.Generator) -> None:
    """E_q [log q - log p] by drawing; and meets it where the components are apart."""
    wide: Any = {"posterior_bounds": (-50, 50), "prior_bounds": (-50, 50), "groups": 1}
    for distance, least, most in ((1.0, 0.02, 0.7), (30.0, -0.01, 0.01)):
        posterior = np.array([[0.3, -0.7]])
        prior = np.array([[-distance, distance, 0.0, 0.1, 0.2, 0.0]])
        prior[0, :2] += 0.3 if distance == 1 else 0.3 - distance
        w = draw(posterior, (-50, 50), rng.standard_normal((200_000, 1)))[:, 0]

        def density(mean: float, raw: float, w: np.ndarray = w) -> np.ndarray:
            return np.exp(-0.5 * (w - mean) ** 2 / np.exp(raw) - raw / 2)

        m, raw, logits = prior[0].reshape(3, 2)
        weights = np.exp(logits) / np.exp(logits).sum()
        p = sum(weight * density(*one) for weight, *one in zip(weights, m, raw, strict=True))
        exact = np.mean(np.log(density(*posterior[0]) / p))
        assert least < mixture_divergence(posterior, prior, **wide)[0] - exact < most


@pytest.mark.parametrize("groups", [1, 3])
def test_one_component_is_a_gaussian(groups: int, rng: np.random.Generator) -> None:
    posterior, prior = made((4, 3, 6, groups, 1), rng)
    ours = mixture_divergence(posterior, prior, groups=groups, free_bits=0.1, **BOUNDS)
    theirs = divergence(posterior, prior, free_bits=0.1, **BOUNDS)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    noise = rng.standard_normal((4, 3, 6))
    drawn = mixture_draw(prior, (-1, 1), noise, groups=groups)
    np.testing.assert_array_equal(drawn, draw(prior, (-1, 1), noise))


def test_equal_components_are_one(rng: np.random.Generator) -> None:
    """Whatever their weights: the bound is then the divergence itself."""
    posterior, prior = made((4, 3, 6, 2, 1), rng)
    m, raw = np.split(prior, 2, axis=-1)
    logits = rng.standard_normal((4, 3, 6))
    same = np.concatenate([m] * 3 + [raw] * 3 + [logits], axis=-1)
    value, dposterior, dprior = mixture_divergence(posterior, same, groups=2, **BOUNDS)
    expected, dexpected, _ = divergence(posterior, prior, **BOUNDS)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(dposterior, dexpected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(dprior[..., 36:], 0, atol=1e-14)


def test_single_precision_does_not_overflow(rng: np.random.Generator) -> None:
    posterior, prior = (1e3 * part.astype(np.float32) for part in made((3, 2, 6, 2, 4), rng))
    value, *gradients = mixture_divergence(posterior, prior, groups=2, **BOUNDS)
    assert np.isfinite(value)
    for gradient in gradients:
        assert gradient.dtype == np.float32 and np.isfinite(gradient).all()


def test_draws_have_the_moments_of_their_mixture(rng: np.random.Generator) -> None:
    _, prior = made((1, 1, 2, 2, 3), rng)
    m, raw, logits = (part.reshape(3, 2) for part in np.split(prior[0, 0], 3))
    many = np.broadcast_to(prior, (100_000, 1, prior.shape[2]))
    w = mixture_draw(many, (-9, 9), rng.standard_normal((100_000, 1, 4)), groups=2)[:, 0]
    weights = np.exp(logits) / np.exp(logits).sum(axis=0)
    mean = (weights * m).sum(axis=0)
    square = (weights * (m**2 + np.exp(raw))).sum(axis=0)
    np.testing.assert_allclose(w.mean(axis=0), mean, rtol=0, atol=0.03)
    np.testing.assert_allclose((w**2).mean(axis=0), square, rtol=0.05)
