"""A dense layer of one output with an uncertainty: Bayesian linear regression, solved exactly.

    prior         w_k ~ N(0, variance_k)
    observation   y = gain (w . x + b) + e,  e ~ N(0, noise^2 / weight)
    posterior     covariance = (diag(1 / variance) + sum weight gain^2 x x^T / noise^2)^-1
                  mean = covariance sum weight gain y x / noise^2
    evidence      log p(y), how well this prior and noise predict the observations

The bias is one more weight, of an input that is always 1, or 0 if an observation is a difference.
Only sums over the observations are needed, so layers with different priors and noises share one
`Observed`. Source: Bishop 2006, Pattern Recognition and Machine Learning, eq. 3.49-3.59 and
3.77-3.86.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import lapack

from neural_networks.components.dense import Dense
from neural_networks.components.parameters import Parameter


@dataclass
class Observed:
    """Sums over observations: inputs x (n, K + 1) with the bias's, outputs y (n,), weights (n,).

    Attributes:
        gram: sum weight x x^T, (K + 1, K + 1).
        moment: sum weight y x, (K + 1,).
        square: sum weight y^2.
        logarithms: sum log(weight / 2 pi).
        count: n.
    """

    gram: np.ndarray
    moment: np.ndarray
    square: float
    logarithms: float
    count: int


def observed(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, *, differences: bool = False
) -> Observed:
    """Return the sums over inputs (n, K), outputs (n,) and weights (n,).

    Set `differences` if the observations are differences, which say nothing about the bias.
    """
    augmented = np.concatenate(
        [x.astype(np.float64), np.full((len(x), 1), 0.0 if differences else 1.0)], axis=1
    )
    scaled = augmented * weights[:, None]
    logarithms = float(np.sum(np.log(np.maximum(weights, 1e-300) / (2 * np.pi))))
    return Observed(
        scaled.T @ augmented, scaled.T @ y, float(weights @ np.square(y)), logarithms, len(y)
    )


class BayesianDense(Dense):
    """Apply y = x w + b with the posterior means of w and b; `deviation` is their uncertainty.

    Args:
        inputs: K.
        variance: prior variance of each weight, or (K,).
        bias_variance: prior variance of the bias.
        noise: standard deviation of an observation of weight 1.
    """

    def __init__(
        self,
        inputs: int,
        *,
        variance: float | np.ndarray = 1.0,
        bias_variance: float = 1.0,
        noise: float = 0.5,
    ) -> None:
        self.weight = Parameter(np.zeros((inputs, 1)))
        self.bias = Parameter(np.zeros(1))
        self.prior = 1 / np.append(np.broadcast_to(variance, inputs), bias_variance)
        self.noise = noise
        self.covariance: np.ndarray = np.diag(1 / self.prior)
        self._evidence = 0.0
        self.forget()

    def forget(self) -> None:
        """Return to the prior."""
        self._precision = np.diag(self.prior)
        self._moment = np.zeros(len(self.prior))
        self._seen = 0.0  # the part of the evidence that depends on the observations alone
        self._update()

    def observe(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> None:
        """Learn from inputs (n, K), observed outputs (n,) and their weights (n,)."""
        self.learn(observed(x, y, weights))

    def learn(
        self, seen: Observed, *, anew: bool = False, gain: float = 1.0, noise: float | None = None
    ) -> None:
        """Learn from the sums over some observations.

        Args:
            seen: the sums.
            anew: forget earlier observations first.
            gain: of these observations.
            noise: of these observations; the layer's own if None.
        """
        precision = 1 / (self.noise if noise is None else noise) ** 2
        self._precision = (
            np.diag(self.prior) if anew else self._precision
        ) + gain * gain * precision * seen.gram
        self._moment = (0 if anew else self._moment) + gain * precision * seen.moment
        of_these = seen.logarithms + seen.count * float(np.log(precision)) - precision * seen.square
        self._seen = of_these + (0.0 if anew else self._seen)
        self._update()

    def become(self, other: BayesianDense) -> None:
        """Take the posterior of another layer of the same prior and noise."""
        self._precision, self._moment, self._seen = other._precision, other._moment, other._seen
        self.covariance, self._evidence = other.covariance, other._evidence
        self.weight.value, self.bias.value = other.weight.value, other.bias.value

    def deviation(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the posterior standard deviation (n,) of w . x + b, and the cache."""
        augmented = np.concatenate([x.astype(np.float64), np.ones((len(x), 1))], axis=1)
        projected = augmented @ self.covariance
        deviation = np.sqrt(np.maximum(np.sum(projected * augmented, axis=1), 1e-18))
        return deviation, projected / deviation[:, None]

    def deviation_backward(self, ddeviation: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (n, K):  d sqrt(x^T C x) / dx = C x / sqrt(x^T C x)."""
        return ddeviation[:, None] * cache[:, :-1]

    def draw(self, rng: np.random.Generator, *, share: float = 1.0) -> tuple[np.ndarray, float]:
        """Draw weights (K,) and a bias from the posterior with `share` of its covariance."""
        factor = np.linalg.cholesky(self.covariance)
        drawn = np.append(self.weight.value[:, 0], self.bias.value[0]) + np.sqrt(
            share
        ) * factor @ rng.standard_normal(len(factor))
        return drawn[:-1], float(drawn[-1])

    @property
    def evidence(self) -> float:
        """Log marginal likelihood of the observations under the prior."""
        return self._evidence

    def _update(self) -> None:
        # New arrays: another thread may be predicting with the old ones.
        factor, _ = lapack.dpotrf(self._precision, lower=1)
        lower, _ = lapack.dpotri(factor, lower=1)
        self.covariance = np.tril(lower) + np.tril(lower, -1).T
        mean = self.covariance @ self._moment
        self.weight.value, self.bias.value = mean[:-1, None], mean[-1:]
        grown = 2 * float(np.sum(np.log(np.diag(factor)))) - float(np.sum(np.log(self.prior)))
        self._evidence = 0.5 * (self._seen - grown + float(self._moment @ mean))
