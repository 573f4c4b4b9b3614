"""Distributions of a station's encoded songs in latent space, from which new coordinates are drawn.

    owner          mu = sum mu_i / n, sigma = sqrt(sum sigma_i^2): a Gaussian, sum of variances
    total          same mu, sigma^2 = mean sigma_i^2 + variance mu_i: the law of total variance
    gaussian       same mu, full covariance of the same, shrunk
    learned-prior  sum_k share_k N(centre_k, C): Gaussians fitted to the songs (gan/prior.py)
    mixture        sum w_k mu_k of 3 songs, w from Dirichlet(0.6), + noise (docs/gan_tries.md)
    posteriors     mu_i + 8 sigma_i eps of a song, at most the songs' spread: best (docs/songs.md)

A coordinate P is z, with columns such as tempo and key beside it if there are any: D values in all.
N is the number of songs.
"""

from __future__ import annotations

import numpy as np

from gan.choices import DEFAULT_LATENT, LATENTS, Latent
from gan.prior import GaussianMixture, shrunk_correlation

# Mixtures of three songs and other ways to draw are compared in docs/gan_tries.md.
MIXED_SONGS = 3
MIXING_CONCENTRATION = 0.6  # below 1, so mostly one of the songs leads
# The largest weight of a song; with 0.9 a tenth of the mixtures are near copies.
LARGEST_SHARE = 0.85
MIXING_NOISE = 0.1  # of the spread of the songs
SMALLEST_DEVIATION = 1e-4  # of a value of P that hardly moves; it is divided by
# Of a posterior's deviations. Such z lie as far from their song as songs do from the nearest other
# one, and make songs as good as those of z that were learned (docs/songs.md, "Free songs").
WIDENING = 8.0


class LatentDistribution:
    """The distribution of a station's encoded songs.

    Args:
        means: (N, D), mu_i of the encoder.
        log_variances: (N, D), log sigma_i^2 of the encoder.
        kind: see the table above.

    Attributes:
        mean: (D,) of the distribution.
        deviation: (D,) spread of each value, the unit of distances; for 'mixture',
            'learned-prior' and 'posteriors' that of 'gaussian'.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> means, log_variances = rng.standard_normal((500, 3)), np.full((500, 3), -2.0)
        >>> songs = LatentDistribution(means, log_variances, "total")
        >>> songs.sample(4, rng).shape, songs.distance(songs.mean[None])
        ((4, 3), array([0.]))
    """

    def __init__(
        self, means: np.ndarray, log_variances: np.ndarray, kind: Latent = DEFAULT_LATENT
    ) -> None:
        if kind not in LATENTS:
            raise ValueError(
                f"unknown latent distribution {kind!r}: choose one of {', '.join(LATENTS)}"
            )
        if means.ndim != 2 or not len(means) or means.shape != log_variances.shape:
            raise ValueError(
                "means and log-variances must have the same shape (N, D), not "
                f"{means.shape} and {log_variances.shape}"
            )
        self.kind = kind
        self.songs = means.astype(np.float64)
        variances = np.exp(log_variances.astype(np.float64))
        self.mean = self.songs.mean(axis=0)
        if kind == "owner":
            self.deviation = np.sqrt(variances.sum(axis=0))
        else:
            self.deviation = np.sqrt(variances.mean(axis=0) + self.songs.var(axis=0))
        self.deviation = np.maximum(self.deviation, SMALLEST_DEVIATION)
        # Correlations in units of the deviation; 'owner' and 'total' have none.
        correlation = np.eye(means.shape[1])
        if kind not in ("owner", "total"):
            standardised = (self.songs - self.mean) / self.deviation
            correlation = shrunk_correlation(
                standardised.T @ standardised / len(standardised), len(standardised)
            )
        self._factor = np.linalg.cholesky(correlation)
        self._precision = np.linalg.inv(correlation)
        self._variances = variances.mean(axis=0)
        self._widths = np.minimum(WIDENING * np.sqrt(variances), self.deviation)  # (N, D)
        self._prior: GaussianMixture | None = None

    @property
    def size(self) -> int:
        """D, the size of a coordinate."""
        return len(self.mean)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coordinates (count, D), float64."""
        if self.kind == "mixture":
            return self.mix(count, rng)
        if self.kind == "learned-prior":
            return self.prior.sample(count, rng)
        if self.kind == "posteriors":
            chosen = rng.integers(len(self.songs), size=count)
            noise = rng.standard_normal((count, self.size))
            return self.songs[chosen] + self._widths[chosen] * noise
        return self.mean + self.deviation * (
            rng.standard_normal((count, self.size)) @ self._factor.T
        )

    @property
    def prior(self) -> GaussianMixture:
        """The mixture of Gaussians fitted to the songs, at first use; deterministic."""
        if self._prior is None:
            self._prior = GaussianMixture(self.songs, self._variances, rng=np.random.default_rng(0))
        return self._prior

    def between(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coordinates (count, D) half-way between two songs, for any kind."""
        first = rng.integers(len(self.songs), size=count)
        second = (first + rng.integers(1, max(2, len(self.songs)), size=count)) % len(self.songs)
        return (self.songs[first] + self.songs[second]) / 2

    def mix(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw mixtures of MIXED_SONGS songs, coordinates (count, D), for any kind."""
        together = min(MIXED_SONGS, len(self.songs))
        weights = self._weights(count, together, rng)
        chosen = np.array(
            [rng.choice(len(self.songs), together, replace=False) for _ in range(count)], np.int64
        ).reshape(count, together)
        noise = MIXING_NOISE * self.deviation * rng.standard_normal((count, self.size))
        return np.einsum("ck,ckd->cd", weights, self.songs[chosen]) + noise

    def _weights(self, count: int, together: int, rng: np.random.Generator) -> np.ndarray:
        """Draw weights (count, together) that sum to 1; if together > 1, <= LARGEST_SHARE each."""
        weights = rng.dirichlet(np.full(together, MIXING_CONCENTRATION), size=count)
        while together > 1 and (uneven := weights.max(axis=1) > LARGEST_SHARE).any():
            weights[uneven] = rng.dirichlet(
                np.full(together, MIXING_CONCENTRATION), size=int(uneven.sum())
            )
        return weights

    def distance(self, coordinates: np.ndarray) -> np.ndarray:
        """Return Mahalanobis distances (B,) of coordinates (B, D) from the mean; about sqrt(D)."""
        return self._measure(coordinates)[0]

    def distance_penalty(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return max(0, distance^2 / D - 1) (B,), 0 at usual distances, and its gradient (B, D)."""
        distance, pull = self._measure(coordinates)
        excess = np.square(distance) / self.size - 1
        return np.maximum(excess, 0), np.where(excess > 0, 2 / self.size, 0.0)[:, None] * pull

    def _measure(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        standardised = (coordinates - self.mean) / self.deviation
        pull = standardised @ self._precision
        distance = np.sqrt(np.maximum(np.sum(pull * standardised, axis=1), 0))
        return distance, pull / self.deviation
