"""A dense layer of one output that knows how sure it is: Bayesian linear regression, exact after every observation.

    prior         w ~ N(0, I / prior_precision)
    observation   y = w . x + b + e,  e ~ N(0, noise^2 / weight)
    posterior     covariance = (prior_precision I + sum weight x x^T / noise^2)^-1,  mean = covariance sum weight y x / noise^2

The bias is one more weight, of an input that is always 1. Source: Bishop 2006, Pattern Recognition and Machine Learning, eq. 3.49-3.59.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.dense import Dense
from neural_networks.components.parameters import Parameter


class BayesianDense(Dense):
    """Apply y = x w + b with the posterior mean of w and b; `deviation` is what is left unknown.

    Args:
        inputs: K.
        prior_precision: one over the variance that each weight may have.
        noise: standard deviation of an observation of weight 1.
    """

    def __init__(self, inputs: int, *, prior_precision: float = 1.0, noise: float = 0.5) -> None:
        self.weight = Parameter(np.zeros((inputs, 1)))
        self.bias = Parameter(np.zeros(1))
        self.prior_precision = prior_precision
        self.noise = noise
        self.forget()

    def forget(self) -> None:
        """Go back to the prior."""
        size = len(self.weight.value) + 1
        self._precision = self.prior_precision * np.eye(size)
        self._moment = np.zeros(size)
        self._update()

    def observe(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> None:
        """Learn from inputs (n, K), observed outputs (n,) and how much each of them counts (n,)."""
        augmented = _with_one(x)
        scaled = augmented * (weights / self.noise**2)[:, None]
        self._precision = self._precision + scaled.T @ augmented
        self._moment = self._moment + scaled.T @ y
        self._update()

    def deviation(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the posterior standard deviation (n,) of w . x + b for x (n, K), without the noise of a rating, and the cache."""
        augmented = _with_one(x)
        projected = augmented @ self.covariance
        deviation = np.sqrt(np.maximum(np.sum(projected * augmented, axis=1), 1e-18))
        return deviation, projected / deviation[:, None]

    def deviation_backward(self, ddeviation: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (n, K) for the gradient of the deviations (n,):  d sqrt(x^T C x) / dx = C x / sqrt(x^T C x)."""
        return ddeviation[:, None] * cache[:, :-1]

    def draw(self, rng: np.random.Generator, *, share: float = 1.0) -> tuple[np.ndarray, float]:
        """Draw weights (K,) and a bias from the posterior, its covariance times `share`: Thompson sampling."""
        factor = np.linalg.cholesky(self.covariance)
        drawn = np.append(self.weight.value[:, 0], self.bias.value[0]) + np.sqrt(share) * factor @ rng.standard_normal(len(factor))
        return drawn[:-1], float(drawn[-1])

    def _update(self) -> None:
        # New arrays, never the old ones changed: another thread may be predicting with those.
        covariance = np.linalg.inv(self._precision)
        self.covariance = (covariance + covariance.T) / 2
        mean = self.covariance @ self._moment
        self.weight.value, self.bias.value = mean[:-1, None], mean[-1:]


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x.astype(np.float64), np.ones((len(x), 1))], axis=1)
