"""Several Bayesian layers side by side, each with another idea of the listener; those that foresaw the ratings best count most.

    ideas     what is liked grows evenly, or has a best middle; ratings are precise, or noisy; old ratings hold, or are soon outdated;
              what a slider tells of the moments of a song is exact, or rough, or nothing
    share_h   ~ p(ratings | moments, head h),  sum share = 1
    mean      = sum share_h mean_h,     variance = sum share_h (variance_h + UNHEARD noise_h^2 + mean_h^2) - mean^2

A listener who changes their mind is noticed that way: the heads that forget then foresee the
ratings better, and take over. Source: Bishop 2006, section 3.4 (Bayesian model comparison; the
average over models is eq. 3.67).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from neural_networks.components.module import Module
from radio.taste.bayesian_dense import BayesianDense, observed

IDEAS = ((1.0, 0.03), (0.3, 3.0))  # how much the even features, and the bent ones, may say
NOISES = (0.25,)  # of a rating, of a slider that goes from -1 to 1
HALF_LIVES = (np.inf, 12.0, 6.0, 3.0)  # ratings after which one counts half
# How much of a moment's difference from its song the slider shows, and how exactly. Moments are no
# independent witnesses, and count little.
TRUST = ((0.0, 1.0), (0.3, 0.15), (0.3, 0.4))
BIAS_VARIANCE = 0.1
# of a rating's noise is no error: it is what the network can't hear of a song, but the listener
# means
UNHEARD = 0.35


class Heads(Module):
    """Predict a rating of features (n, K), and how sure that is.

    Args:
        even: features of which more is better, or worse; they come first.
        bent: features that follow them: squares and products.
    """

    def __init__(self, even: int, bent: int) -> None:
        self.heads: list[BayesianDense] = []
        self.half_lives: list[float] = []
        self.trusts: list[tuple[float, float]] = []
        self._bent: list[bool] = []
        for idea, (noise, half_life, trust) in product(IDEAS, product(NOISES, HALF_LIVES, TRUST)):
            variance = np.repeat(np.array(idea), [even, bent])
            self.heads.append(
                BayesianDense(
                    even + bent, variance=variance, bias_variance=BIAS_VARIANCE, noise=noise
                )
            )
            self.half_lives.append(half_life)
            self.trusts.append(trust)
            self._bent.append(idea[1] > idea[0])
        self._known = (
            tuple(head.weight.value[:, 0] for head in self.heads),
            np.full(len(self.heads), 1 / len(self.heads)),
        )

    @property
    def shares(self) -> np.ndarray:
        """How much each head counts, (heads,)."""
        return self._known[1]

    @property
    def middle(self) -> float:
        """How likely it is, from 0 to 1, that a middle is best: the shares of the ideas that may bend."""
        return float(self.shares[self._bent].sum())

    @property
    def noise(self) -> float:
        """Return how far a rating is thought to be from what is meant."""
        return float(
            np.sqrt((1 - UNHEARD) * self.shares @ np.square([head.noise for head in self.heads]))
        )

    @property
    def half_life(self) -> float:
        """Return after how many ratings one counts half, as the heads see it together: their harmonic mean."""
        outdated = float(self.shares @ (1 / np.array(self.half_lives)))
        return 1 / max(outdated, 1e-12)

    def learn(
        self,
        features: np.ndarray,
        ratings: np.ndarray,
        weights: np.ndarray,
        moments: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Learn all ratings (n,) of songs (n, K) anew, the oldest first, each with its weight (n,).

        Args:
            features: of the songs.
            ratings: of the songs.
            weights: how much each counts.
            moments: how moments differ from their song in features (m, K), and in what the slider
                showed (m,), and which song it is (m,).
        """
        age = np.arange(len(ratings))[::-1]
        evidence = np.zeros(len(self.heads))
        for half_life in HALF_LIVES:
            counts = weights * np.maximum(2.0 ** (-age / half_life), 1e-9)
            rated = observed(features, ratings, counts)
            told = (
                None
                if moments is None or not len(moments[1])
                else observed(*moments[:2], counts[moments[2]], differences=True)
            )
            # the latest head that trusts no moments: where nothing was told of any, the others of
            # its kind are the same
            plain = 0
            for index in np.flatnonzero(np.array(self.half_lives) == half_life):
                head, (gain, noise) = self.heads[index], self.trusts[index]
                if not gain:
                    head.learn(rated, anew=True)
                    plain, evidence[index] = int(index), head.evidence
                elif told is None:
                    head.become(self.heads[plain])
                    evidence[index] = evidence[plain]
                else:
                    head.learn(told, anew=True, gain=gain, noise=noise)
                    before = head.evidence
                    head.learn(rated)
                    evidence[index] = head.evidence - before
        share = np.exp(evidence - evidence.max())
        self._known = (tuple(head.weight.value[:, 0] for head in self.heads), share / share.sum())

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return [mean, standard deviation] (n, 2) of the ratings that are meant of features x (n, K), and the cache."""
        parts, shares = [], self.shares
        mean, second = np.zeros(len(x)), np.zeros(len(x))
        for head, share in zip(self.heads, shares, strict=True):
            if share < 1e-6:
                continue
            each = head.forward(x)[0][:, 0]
            deviation, cache = head.deviation(x)
            mean += share * each
            second += share * (np.square(deviation) + UNHEARD * head.noise**2 + np.square(each))
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
            # variance = sum share (own^2 + each^2) - mean^2 + what is the same for every song
            deach = share / total * (dy[:, 0] + 2 * dvariance * (each - mean))
            dx += deach[:, None] * head.weight.value[:, 0]
            dx += head.deviation_backward(share / total * 2 * dvariance * own, own_cache)
        return dx

    def draw(self, rng: np.random.Generator, *, share: float) -> tuple[np.ndarray, float]:
        """Draw a head by its share, and weights (K,) and a bias of it, its covariance times `share`: Thompson sampling."""
        return self.heads[int(rng.choice(len(self.heads), p=self.shares))].draw(rng, share=share)
