"""Several Bayesian layers side by side, each with another idea of the listener; those that foresaw the ratings best count most.

    ideas     what is liked grows evenly, or has a best middle; ratings are precise, or noisy; old ratings hold, or are soon outdated
    share_h   ~ evidence of head h,  sum share = 1
    mean      = sum share_h mean_h,     variance = sum share_h (variance_h + mean_h^2) - mean^2

A listener who changes their mind is noticed that way: the heads that forget then foresee the ratings better, and take over.
Source: Bishop 2006, section 3.4 (Bayesian model comparison; the average over models is eq. 3.67).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from neural_networks.components.module import Module
from radio.bayesian import BayesianDense

IDEAS = ((1.0, 0.03), (0.3, 3.0))  # how much the even features, and the bent ones, may say
NOISES = (0.18, 0.32)  # of a rating, of a slider that goes from -1 to 1
HALF_LIVES = (np.inf, 12.0, 6.0, 3.0)  # ratings after which one counts half
BIAS_VARIANCE = 0.1


class Heads(Module):
    """Predict a rating of features (n, K), and how sure that is.

    Args:
        even: features of which more is better, or worse; they come first.
        bent: features that follow them: squares and products.
    """

    def __init__(self, even: int, bent: int) -> None:
        self.heads: list[BayesianDense] = []
        self.half_lives: list[float] = []
        for idea, (noise, half_life) in product(IDEAS, product(NOISES, HALF_LIVES)):
            variance = np.repeat(np.array(idea), [even, bent])
            self.heads.append(BayesianDense(even + bent, variance=variance, bias_variance=BIAS_VARIANCE, noise=noise))
            self.half_lives.append(half_life)
        self._known = (tuple(head.weight.value[:, 0] for head in self.heads), np.full(len(self.heads), 1 / len(self.heads)))

    @property
    def shares(self) -> np.ndarray:
        """How much each head counts, (heads,)."""
        return self._known[1]

    @property
    def noise(self) -> float:
        """Return how far a rating is thought to be from what is meant."""
        return float(np.sqrt(self.shares @ np.square([head.noise for head in self.heads])))

    @property
    def half_life(self) -> float:
        """Return after how many ratings one counts half, as the heads see it together: their harmonic mean."""
        outdated = float(self.shares @ (1 / np.array(self.half_lives)))
        return 1 / max(outdated, 1e-12)

    def learn(self, features: np.ndarray, ratings: np.ndarray, weights: np.ndarray) -> None:
        """Learn all ratings (n,) of songs (n, K) anew, the oldest first, each with its weight (n,)."""
        age = np.arange(len(ratings))[::-1]
        for head, half_life in zip(self.heads, self.half_lives, strict=True):
            head.observe(features, ratings, weights * np.maximum(2.0 ** (-age / half_life), 1e-9), anew=True)
        evidence = np.array([head.evidence for head in self.heads])
        share = np.exp(evidence - evidence.max())
        self._known = (tuple(head.weight.value[:, 0] for head in self.heads), share / share.sum())

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return [mean, standard deviation] (n, 2) of the ratings expected of features x (n, K), and the cache."""
        parts, shares = [], self.shares
        mean, second = np.zeros(len(x)), np.zeros(len(x))
        for head, share in zip(self.heads, shares, strict=True):
            if share < 1e-6:
                continue
            each = head.forward(x)[0][:, 0]
            deviation, cache = head.deviation(x)
            mean += share * each
            second += share * (np.square(deviation) + np.square(each))
            parts.append((share, head, each, deviation, cache))
        total = sum(part[0] for part in parts)
        mean, second = mean / total, second / total
        deviation = np.sqrt(np.maximum(second - np.square(mean), 1e-18))
        return np.stack([mean, deviation], axis=1), (parts, total, mean, deviation)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (n, K) for the gradient of means and deviations (n, 2)."""
        parts, total, mean, deviation = cache
        dvariance = dy[:, 1] / (2 * deviation)
        dx = np.zeros((len(mean), parts[0][1].weight.value.shape[0]))
        for share, head, each, own, own_cache in parts:
            # variance = sum share (own^2 + each^2) - mean^2
            deach = share / total * (dy[:, 0] + 2 * dvariance * (each - mean))
            dx += deach[:, None] * head.weight.value[:, 0]
            dx += head.deviation_backward(share / total * 2 * dvariance * own, own_cache)
        return dx

    def draw(self, rng: np.random.Generator, *, share: float) -> tuple[np.ndarray, float]:
        """Draw a head by its share, and weights (K,) and a bias of it, its covariance times `share`: Thompson sampling."""
        return self.heads[int(rng.choice(len(self.heads), p=self.shares))].draw(rng, share=share)
