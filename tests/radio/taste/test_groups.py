"""Groups of features: which are multiplied with each other, and how likely each liking is."""

from __future__ import annotations

import numpy as np
import pytest

from radio.taste.mixture import HALF_LIVES, TRUSTS, BayesianMixture
from radio.taste.quadratic import Quadratic


def test_only_features_of_one_group_are_multiplied(rng: np.random.Generator) -> None:
    x = rng.standard_normal((4, 6))  # one linear feature, a group of two, one of three
    y, _ = Quadratic(2, 3, scale=0.5).forward(x)
    a, b, c, d, e = x[:, 1:].T
    both = np.sqrt(2)
    first = [a * a, both * a * b, b * b]
    second = [c * c, both * c * d, both * c * e, d * d, both * d * e, e * e]
    np.testing.assert_allclose(
        y, np.concatenate([x[:, :1], 0.5 * np.transpose(first + second)], axis=1)
    )


def test_a_liking_of_the_form_is_expected_least() -> None:
    each = len(HALF_LIVES) * len(TRUSTS)
    shares = BayesianMixture((3, 2, 6, 3)).shares.reshape(-1, each).sum(axis=1)
    np.testing.assert_allclose(shares, [0.45, 0.45, 0.1])
    without = BayesianMixture((3, 2, 6, 0)).shares.reshape(-1, each).sum(axis=1)
    assert without == pytest.approx([0.5, 0.5])
