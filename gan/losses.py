"""Adversarial losses of critic and generator, functions of the scores, with their gradients.

    critic      (real_scores (B,), fake_scores (B',)) -> (value, dreal (B,), dfake (B',))
    generator   (fake_scores (B',)) -> (value, dfake (B',))

Every value is a mean over the scores. A high score means real. An `AdversarialLoss` is a pair of
both. To bound a critic's slope, `clip_weights` here or the gradient penalties in gan/penalties.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

CriticLoss = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray, np.ndarray]]
GeneratorLoss = Callable[[np.ndarray], tuple[float, np.ndarray]]


class AdversarialLoss(NamedTuple):
    """What the critic and what the generator minimise."""

    critic: CriticLoss
    generator: GeneratorLoss


def hinge(real: np.ndarray, fake: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return mean max(0, 1 - real) + mean max(0, 1 + fake).

    Source: Lim and Ye 2017, arXiv:1705.02894, eq. 3.

    Examples:
        >>> hinge(np.array([0.5, 2.0]), np.array([0.0]))
        (1.25, array([-0.5, -0. ]), array([1.]))
    """
    value = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    dreal = -(real < 1).astype(real.dtype) / real.dtype.type(real.size)
    return float(value), dreal, (fake > -1).astype(fake.dtype) / fake.dtype.type(fake.size)


def negative_score(fake: np.ndarray) -> tuple[float, np.ndarray]:
    """Return -mean fake, the generator's part of the hinge and the Wasserstein loss.

    Examples:
        >>> negative_score(np.array([1.0, 3.0]))
        (-2.0, array([-0.5, -0.5]))
    """
    return -float(fake.mean()), np.full_like(fake, -1 / fake.size)


def cross_entropy(real: np.ndarray, fake: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return -mean log sigmoid(real) - mean log(1 - sigmoid(fake)).

    Source: Goodfellow et al. 2014, arXiv:1406.2661, eq. 1.

    Examples:
        >>> value, dreal, dfake = cross_entropy(np.zeros(1), np.zeros(1))
        >>> round(value, 4), dreal, dfake  # 2 log 2: the critic can't tell
        (1.3863, array([-0.5]), array([0.5]))
    """
    value = _softplus(-real).mean() + _softplus(fake).mean()
    return (
        float(value),
        (-_sigmoid(-real) / real.size).astype(real.dtype),
        (_sigmoid(fake) / fake.size).astype(fake.dtype),
    )


def non_saturating(fake: np.ndarray) -> tuple[float, np.ndarray]:
    """Return -mean log sigmoid(fake), whose gradient is large where the critic is certain.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 3.

    Examples:
        >>> value, dfake = non_saturating(np.array([-9.0, 9.0]))
        >>> dfake.round(3)  # the critic is certain of the first: much to learn
        array([-0.5, -0. ])
    """
    return float(_softplus(-fake).mean()), (-_sigmoid(-fake) / fake.size).astype(fake.dtype)


def least_squares(real: np.ndarray, fake: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return mean (real - 1)^2 / 2 + mean fake^2 / 2 (Mao et al. 2017, arXiv:1611.04076, eq. 9).

    Examples:
        >>> least_squares(np.array([1.0]), np.array([2.0]))
        (2.0, array([0.]), array([2.]))
    """
    value = (np.square(real - 1).mean() + np.square(fake).mean()) / 2
    return float(value), (real - 1) / real.dtype.type(real.size), fake / fake.dtype.type(fake.size)


def least_squares_to_real(fake: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean (fake - 1)^2 / 2 (Mao et al. 2017, eq. 9).

    Examples:
        >>> least_squares_to_real(np.array([1.0, 3.0]))
        (1.0, array([0., 1.]))
    """
    return float(np.square(fake - 1).mean() / 2), (fake - 1) / fake.dtype.type(fake.size)


def wasserstein(real: np.ndarray, fake: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return mean fake - mean real (Arjovsky et al. 2017, arXiv:1701.07875, eq. 2).

    NOTE: it has no minimum unless `clip_weights`, spectral norms or a gradient penalty bound the
    critic's slope.

    Examples:
        >>> wasserstein(np.array([2.0]), np.array([0.5, 0.5]))
        (-1.5, array([-1.]), array([0.5, 0.5]))
    """
    return (
        float(fake.mean() - real.mean()),
        np.full_like(real, -1 / real.size),
        np.full_like(fake, 1 / fake.size),
    )


def clip_weights(values: np.ndarray, limit: float = 0.01) -> None:
    """Clip a critic's flat vector of weights (n,) to +-limit, in place, after each of its steps.

    Source: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1.

    Raises:
        ValueError: if the limit is not positive.

    Examples:
        >>> weights = np.array([-0.5, 0.005])
        >>> clip_weights(weights)
        >>> weights
        array([-0.01 ,  0.005])
    """
    if not limit > 0:
        raise ValueError(f"weights are clipped to a positive limit, not to {limit}")
    np.clip(values, -limit, limit, out=values)


HINGE = AdversarialLoss(hinge, negative_score)
NON_SATURATING = AdversarialLoss(cross_entropy, non_saturating)
LEAST_SQUARES = AdversarialLoss(least_squares, least_squares_to_real)
WASSERSTEIN = AdversarialLoss(wasserstein, negative_score)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -x))
