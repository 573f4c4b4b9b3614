"""Bayesian model averaging over 36 linear regressions, each with other assumptions on a listener.

    assumptions   liking is linear in the features, quadratic in the sound, or quadratic in the
                  form; old ratings hold, or count half after 12, 6 or 3; a slider's curve is exact
                  about segments, rough, or no evidence
    share_h   ~ p(model h) p(ratings | segments, model h),  sum share = 1
    mean      = sum share_h mean_h
    variance  = sum share_h (variance_h + UNEXPLAINED noise_h^2 + mean_h^2) - mean^2

So a change of mind is noticed: models that forget then predict the ratings better, and their shares
grow. Source: Bishop 2006, section 3.4 (Bayesian model comparison; the average over models is eq.
3.67).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from neural_networks.components.module import Module
from radio.taste.bayesian_dense import BayesianDense, observed

# Prior probability, and prior variances of the weights of four groups of features: linear ones of
# sound, of tempo, key and form; products of sound, of tempo and form. A linear liking, a quadratic
# one of the sound, one of the form. Other variances of the first two changed the rank correlation
# of quadratic listeners by less than 0.02 (docs/taste.md).
PRIORS = (
    (0.45, (1.0, 1.0, 0.03, 0.03)),
    (0.45, (0.3, 0.3, 3.0, 0.03)),
    (0.1, (0.1, 2.0, 0.03, 3.0)),
)
# Standard deviation of a rating, of a slider from -1 to 1. One of 0.25 has a rank correlation of
# 0.694 after 20 ratings, 0.18 and 0.32 side by side have 0.659 (docs/taste.md).
NOISE = 0.25
# Ratings after which one counts half. Without a model that forgets, a change of mind is never
# noticed; the values are chosen, not measured.
HALF_LIVES = (np.inf, 12.0, 6.0, 3.0)
# (gain, noise) of the slider in a segment: how much of its difference from the song it shows. The
# noise is large, for neighbouring segments are not independent. Other noises are compared
# in docs/taste.md.
TRUSTS = ((0.0, 1.0), (0.3, 0.15), (0.3, 0.4))
BIAS_VARIANCE = 0.1  # chosen, not measured
# Share of a rating's noise that is liking which the features don't explain, so it belongs to the
# uncertainty of the prediction. With 0.3 to 0.5, intervals of 90 % hold 87 to 90 % of the ratings,
# without it 82 % (docs/taste.md).
UNEXPLAINED = 0.35
SMALLEST_SHARE = 1e-6  # models with less are left out of a prediction


class BayesianMixture(Module):
    """Predict mean and standard deviation of a rating from features (n, K).

    Args:
        sizes: number of features of each group of PRIORS. Without products of the form there is no
            model of a quadratic liking of it.
    """

    def __init__(self, sizes: tuple[int, int, int, int]) -> None:
        self.layers: list[BayesianDense] = []
        self._prior: list[float] = []
        self.half_lives: list[float] = []
        self.trusts: list[tuple[float, float]] = []
        self._quadratic: list[bool] = []
        priors = PRIORS if sizes[3] else PRIORS[:2]
        for (prior, variances), half_life, trust in product(priors, HALF_LIVES, TRUSTS):
            self.layers.append(
                BayesianDense(
                    sum(sizes),
                    variance=np.repeat(variances, sizes),
                    bias_variance=BIAS_VARIANCE,
                    noise=NOISE,
                )
            )
            self.half_lives.append(half_life)
            self.trusts.append(trust)
            self._quadratic.append(max(variances[2:]) > 1)
            self._prior.append(prior)
        self._share(np.zeros(len(self.layers)))

    @property
    def shares(self) -> np.ndarray:
        """Posterior probability of each model, (models,)."""
        return self._known[1]

    @property
    def prefers_middle(self) -> float:
        """Probability that a middle value is best: the shares of the quadratic models."""
        return float(self.shares[self._quadratic].sum())

    @property
    def noise(self) -> float:
        """Standard deviation of a rating around the listener's true liking."""
        variances = np.square([layer.noise for layer in self.layers])
        return float(np.sqrt((1 - UNEXPLAINED) * self.shares @ variances))

    @property
    def half_life(self) -> float:
        """Number of ratings after which one counts half: the harmonic mean over the models."""
        outdated = float(self.shares @ (1 / np.array(self.half_lives)))
        return 1 / max(outdated, 1e-12)

    def learn(
        self,
        features: np.ndarray,
        ratings: np.ndarray,
        weights: np.ndarray,
        segments: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Forget everything and learn all ratings.

        Args:
            features: (n, K) of the songs, oldest first.
            ratings: (n,).
            weights: (n,) how much each counts.
            segments: differences between segments and their song, in features (m, K) and on the
                slider (m,), and the index of the song (m,).
        """
        age = np.arange(len(ratings))[::-1]
        evidence = np.zeros(len(self.layers))
        for half_life in HALF_LIVES:
            counts = weights * np.maximum(2.0 ** (-age / half_life), 1e-9)
            rated = observed(features, ratings, counts)
            curves = (
                None
                if segments is None or not len(segments[1])
                else observed(*segments[:2], counts[segments[2]], differences=True)
            )
            # the latest model without segments; if there are none, the next ones are equal to it
            plain = 0
            for index in np.flatnonzero(np.array(self.half_lives) == half_life):
                layer, (gain, noise) = self.layers[index], self.trusts[index]
                if not gain:
                    layer.learn(rated, anew=True)
                    plain, evidence[index] = int(index), layer.evidence
                elif curves is None:
                    layer.become(self.layers[plain])
                    evidence[index] = evidence[plain]
                else:
                    layer.learn(curves, anew=True, gain=gain, noise=noise)
                    before = layer.evidence
                    layer.learn(rated)
                    evidence[index] = layer.evidence - before
        self._share(evidence)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return [mean, standard deviation] (n, 2) for features x (n, K), and the cache."""
        parts, shares = [], self.shares
        mean, second = np.zeros(len(x)), np.zeros(len(x))
        for layer, share in zip(self.layers, shares, strict=True):
            if share < SMALLEST_SHARE:
                continue
            each = layer.forward(x)[0][:, 0]
            deviation, cache = layer.deviation(x)
            mean += share * each
            second += share * (
                np.square(deviation) + UNEXPLAINED * layer.noise**2 + np.square(each)
            )
            parts.append((share, layer, each, deviation, cache))
        total = sum(part[0] for part in parts)
        mean, second = mean / total, second / total
        deviation = np.sqrt(np.maximum(second - np.square(mean), 1e-18))
        return np.stack([mean, deviation], axis=1), (parts, total, mean, deviation)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (n, K) for the gradient of means and deviations (n, 2)."""
        parts, total, mean, deviation = cache
        dvariance = dy[:, 1] / (2 * deviation)
        dx = np.zeros((len(mean), parts[0][1].weight.value.shape[0]))
        for share, layer, each, own, own_cache in parts:
            # variance = sum share (own^2 + each^2) - mean^2 + a constant
            deach = share / total * (dy[:, 0] + 2 * dvariance * (each - mean))
            dx += deach[:, None] * layer.weight.value[:, 0]
            dx += layer.deviation_backward(share / total * 2 * dvariance * own, own_cache)
        return dx

    def _share(self, evidence: np.ndarray) -> None:
        share = np.array(self._prior) * np.exp(evidence - evidence.max())
        self._known = (
            tuple(layer.weight.value[:, 0] for layer in self.layers),
            share / share.sum(),
        )

    def draw(self, rng: np.random.Generator, *, share: float) -> tuple[np.ndarray, float]:
        """Draw a model, then its weights (K,) and bias with `share` of its covariance."""
        chosen = int(rng.choice(len(self.layers), p=self.shares))
        return self.layers[chosen].draw(rng, share=share)
