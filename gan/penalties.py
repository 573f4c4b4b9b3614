"""Gradient penalties on the critic's slope, with exact gradients for every layer and activation.

    slope_penalty(critic, x)            weight mean (|dD/dx| - 1)^2
    flatness_penalty(critic, x)         gamma / 2 mean |dD/dx|^2
        -> (value, dx); both add the gradients of the critic's parameters, as a backward pass does

    wgan_gp(critic, real, fake, rng)    the first, at interpolates of real and generated songs
    r1(critic, real, fake, rng)         the second, at real songs
        -> value, for GANOptions.penalty; wgan_gp goes with losses.WASSERSTEIN, r1 with any loss

|dD/dx| is the norm over the time steps and features of one song, the mean is over songs. A penalty
P of g = dD/dx depends on a parameter w through g alone, so

    dP/dw = <v, dg/dw> = d/de of dD/dw at x + e v,    v = dP/dg held fixed

which is one tangent through the forward and the backward pass
(neural_networks/components/second_order/rules.py, docs/gradient_penalty.md).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neural_networks.components.module import Module
from neural_networks.components.second_order.rules import (
    tangent_backward,
    tangent_forward,
    traced_backward,
)

# squares of the norms (B,) -> (value of each song (B,), factor (B,) in v = factor g)
_Penalise = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
# (critic, real, fake, rng) -> value
Penalty = Callable[[Module, np.ndarray, np.ndarray, np.random.Generator], float]


def interpolates(real: np.ndarray, fake: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Return e real + (1 - e) fake, e uniform in [0, 1] for each song.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1.

    Args:
        real: songs (S, B, F).
        fake: songs of the same shape.
        rng: draws e.

    Raises:
        ValueError: if the shapes differ.

    Examples:
        >>> real, fake = np.ones((4, 2, 3)), np.zeros((4, 2, 3))
        >>> x = interpolates(real, fake, rng=np.random.default_rng(0))
        >>> x.shape, bool((x == x[:1, :, :1]).all())  # one e for a whole song
        ((4, 2, 3), True)
    """
    if real.shape != fake.shape:
        raise ValueError(
            "real and generated songs must have the same shape to be interpolated, not "
            f"{real.shape} and {fake.shape}"
        )
    share = rng.random((1, real.shape[1], 1)).astype(real.dtype)
    return fake + share * (real - fake)


def slope_penalty(
    critic: Module, x: np.ndarray, *, weight: float = 10.0
) -> tuple[float, np.ndarray]:
    """Return weight mean (|dD/dx| - 1)^2 and dx; add the gradients of the parameters.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3.

    Args:
        critic: songs (S, B, F) -> scores (B,); songs of a batch must not influence each other.
        x: songs (S, B, F).
        weight: lambda.

    Examples:
        >>> from neural_networks.components.feed_forward import FeedForward
        >>> critic = FeedForward((3, 8, 1), rng=np.random.default_rng(0))
        >>> value, dx = slope_penalty(critic, np.ones((1, 5, 3)))
        >>> value > 0, dx.shape
        (True, (1, 5, 3))
    """

    def penalise(squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # d(n - 1)^2/dg = 2 (n - 1) g / n. Where g = 0 the norm has no derivative; 0 is one of its
        # subgradients.
        norms = np.sqrt(squares)
        inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        return weight * (norms - 1) ** 2, weight * 2 * (norms - 1) * inverse

    return _penalty(critic, x, penalise)


def flatness_penalty(
    critic: Module, x: np.ndarray, *, gamma: float = 10.0
) -> tuple[float, np.ndarray]:
    """Return gamma / 2 mean |dD/dx|^2 and dx; add the gradients of the parameters.

    Source: R1 of Mescheder et al. 2018, arXiv:1801.04406, eq. 9.

    Args:
        critic: songs (S, B, F) -> scores (B,); songs of a batch must not influence each other.
        x: songs (S, B, F).
        gamma: its weight.

    Examples:
        >>> from neural_networks.components.dense import Dense
        >>> critic = Dense(2, 1, rng=np.random.default_rng(0))
        >>> critic.weight.value[:] = [[3.0], [4.0]]  # a slope of 5 everywhere
        >>> value, _ = flatness_penalty(critic, np.ones((1, 6, 2)), gamma=1.0)
        >>> round(value, 3)
        12.5
    """
    return _penalty(critic, x, lambda squares: (gamma / 2 * squares, np.full_like(squares, gamma)))


def wgan_gp(
    critic: Module,
    real: np.ndarray,
    fake: np.ndarray,
    rng: np.random.Generator,
    *,
    weight: float = 10.0,
) -> float:
    """Return the slope penalty at a random interpolate of each pair of songs (S, B, F).

    Examples:
        >>> from neural_networks.components.dense import Dense
        >>> rng = np.random.default_rng(0)
        >>> critic = Dense(2, 1, rng=rng)
        >>> critic.weight.value[:] = [[3.0], [4.0]]  # a slope of 5; 10 (5 - 1)^2
        >>> round(wgan_gp(critic, np.ones((1, 6, 2)), np.zeros((1, 6, 2)), rng), 3)
        160.0
    """
    return slope_penalty(critic, interpolates(real, fake, rng=rng), weight=weight)[0]


def r1(
    critic: Module,
    real: np.ndarray,
    fake: np.ndarray,
    rng: np.random.Generator,
    *,
    gamma: float = 10.0,
) -> float:
    """Return the flatness penalty at the real songs (S, B, F).

    Examples:
        >>> from neural_networks.components.dense import Dense
        >>> rng = np.random.default_rng(0)
        >>> critic, real = Dense(2, 1, rng=rng), np.ones((1, 6, 2))
        >>> critic.weight.value[:] = [[3.0], [4.0]]  # a slope of 5; gamma / 2 times its square
        >>> round(r1(critic, real, np.zeros_like(real), rng, gamma=2.0), 3)
        25.0
    """
    return flatness_penalty(critic, real, gamma=gamma)[0]


def _penalty(critic: Module, x: np.ndarray, penalise: _Penalise) -> tuple[float, np.ndarray]:
    scores, cache = critic.forward(x)
    # A score depends on its own song alone, so the gradient of their sum is that of each score at
    # its song.
    gradient, trace = traced_backward(critic, np.ones_like(scores), cache)
    values, factors = penalise(
        np.einsum("tbf,tbf->tb", gradient, gradient).sum(axis=0, dtype=np.float64)
    )
    direction = gradient * (factors / x.shape[1]).astype(x.dtype)[:, None]
    _, tangents = tangent_forward(critic, direction, cache)
    # The backward pass begins with dD/dD = 1, a constant, whose tangent is 0.
    return float(values.mean()), tangent_backward(
        critic, np.zeros_like(scores), cache, trace, tangents
    )
