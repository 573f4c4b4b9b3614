"""Adversarial losses: gradients by finite differences, values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gan import losses

PAIRS = [losses.HINGE, losses.NON_SATURATING, losses.LEAST_SQUARES, losses.WASSERSTEIN]


def differences(function, x):
    out = np.empty_like(x)
    for i in range(x.size):
        step = np.zeros_like(x)
        step[i] = 1e-6
        out[i] = (function(x + step) - function(x - step)) / 2e-6
    return out


@pytest.mark.parametrize("pair", PAIRS)
def test_gradients(pair):
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal(5) * 2, rng.standard_normal(3) * 2
    _, dreal, dfake = pair.critic(real, fake)
    np.testing.assert_allclose(
        dreal, differences(lambda r: pair.critic(r, fake)[0], real), atol=1e-8
    )
    np.testing.assert_allclose(
        dfake, differences(lambda f: pair.critic(real, f)[0], fake), atol=1e-8
    )
    np.testing.assert_allclose(
        pair.generator(fake)[1], differences(lambda f: pair.generator(f)[0], fake), atol=1e-8
    )


def test_values():
    real, fake = np.array([2.0, 0.5]), np.array([-3.0, 0.0])
    assert losses.hinge(real, fake)[0] == pytest.approx(0.25 + 0.5)
    assert losses.wasserstein(real, fake)[0] == pytest.approx(-1.5 - 1.25)
    assert losses.least_squares(real, fake)[0] == pytest.approx((1 + 0.25) / 4 + 9 / 4)
    assert losses.cross_entropy(np.zeros(2), np.zeros(2))[0] == pytest.approx(2 * np.log(2))
    assert losses.negative_score(fake)[0] == 1.5
    assert losses.least_squares_to_real(fake)[0] == pytest.approx((16 + 1) / 4)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_generator_is_pulled_towards_real_and_dtypes_stay(pair):
    scores = np.array([-1000.0, 0.3, 0.5], np.float32)
    value, gradient = pair.generator(scores)
    assert np.isfinite(value)
    assert (gradient < 0).all()
    assert gradient.dtype == np.float32
    _, dreal, dfake = pair.critic(scores, scores)
    assert dreal.dtype == dfake.dtype == np.float32
    assert np.isfinite(dreal).all()


def test_clipping_weights():
    values = np.array([-3.0, -0.01, 0.005, 0.4], np.float32)
    losses.clip_weights(values)
    np.testing.assert_array_equal(values, np.array([-0.01, -0.01, 0.005, 0.01], np.float32))
    for limit in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="positive limit"):
            losses.clip_weights(values, limit)
