"""Where a station's songs lie in latent space, and how to draw new coordinates from there.

    owner          mu = sum mu_i / n,  sigma = sqrt(sum sigma_i^2)                 a Gaussian whose sigma grows with sqrt(n)
    total          mu the same,        sigma^2 = mean sigma_i^2 + variance mu_i    the law of total variance, each value for itself
    gaussian       mu the same,        full covariance of the same, shrunk         values vary together as they do in the songs
    learned-prior  sum_k share_k N(centre_k, C)                                    Gaussians that were fitted to the songs (gan/prior.py)
    mixture        sum w_k mu_k of 3 songs, w from Dirichlet(0.6), + noise         near the songs that are known: measured best

A coordinate P is z, with columns such as tempo and key beside it if there are any: D values in all.
N is the number of songs.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from gan.prior import GaussianMixture, shrunk_correlation

Kind = Literal["owner", "total", "gaussian", "mixture", "learned-prior"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DEFAULT_KIND: Kind = "mixture"

MIXED_SONGS = 3
MIXING_CONCENTRATION = 0.6  # below 1: one of the songs mostly leads
# of a leading song; with more a tenth of the mixtures are nearly the song itself
LARGEST_SHARE = 0.85
MIXING_NOISE = 0.1  # of the spread of the songs
SMALLEST_DEVIATION = 1e-4


class LatentDistribution:
    """The distribution of a station's encoded songs.

    Args:
        means: (N, D), mu_i of the encoder.
        log_variances: (N, D), log sigma_i^2 of the encoder.
        kind: as in the module's table.

    Attributes:
        mean: (D,) of the distribution.
        deviation: (D,) spread of each value; for 'mixture' and 'learned-prior' that of 'gaussian',
            by which distances are measured.
    """

    def __init__(
        self, means: np.ndarray, log_variances: np.ndarray, kind: Kind = DEFAULT_KIND
    ) -> None:
        if kind not in KINDS:
            raise ValueError(
                f"unknown latent distribution {kind!r}: choose one of {', '.join(KINDS)}"
            )
        if means.ndim != 2 or not len(means) or means.shape != log_variances.shape:
            raise ValueError(
                f"means and log-variances must have the same shape (N, D), not {means.shape} and {log_variances.shape}"
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
        # Correlations in units of the deviation; of 'owner' and 'total' there are none.
        correlation = np.eye(means.shape[1])
        if kind in ("gaussian", "mixture", "learned-prior"):
            standardised = (self.songs - self.mean) / self.deviation
            correlation = shrunk_correlation(
                standardised.T @ standardised / len(standardised), len(standardised)
            )
        self._factor = np.linalg.cholesky(correlation)
        self._precision = np.linalg.inv(correlation)
        self._variances = variances.mean(axis=0)
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
        return self.mean + self.deviation * (
            rng.standard_normal((count, self.size)) @ self._factor.T
        )

    @property
    def prior(self) -> GaussianMixture:
        """The Gaussians under the songs: always the same ones for the same songs; fitted when they are asked for first."""
        if self._prior is None:
            self._prior = GaussianMixture(self.songs, self._variances, rng=np.random.default_rng(0))
        return self._prior

    def between(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coordinates (count, D) half-way between two songs, whatever the kind."""
        first = rng.integers(len(self.songs), size=count)
        second = (first + rng.integers(1, max(2, len(self.songs)), size=count)) % len(self.songs)
        return (self.songs[first] + self.songs[second]) / 2

    def mix(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coordinates (count, D) between songs, whatever the kind."""
        together = min(MIXED_SONGS, len(self.songs))
        weights = self._weights(count, together, rng)
        chosen = np.array(
            [rng.choice(len(self.songs), together, replace=False) for _ in range(count)], np.int64
        ).reshape(count, together)
        noise = MIXING_NOISE * self.deviation * rng.standard_normal((count, self.size))
        return np.einsum("ck,ckd->cd", weights, self.songs[chosen]) + noise

    def _weights(self, count: int, together: int, rng: np.random.Generator) -> np.ndarray:
        """Draw weights (count, together) that sum to 1, none above LARGEST_SHARE where two songs or more are mixed."""
        weights = rng.dirichlet(np.full(together, MIXING_CONCENTRATION), size=count)
        while together > 1 and (uneven := weights.max(axis=1) > LARGEST_SHARE).any():
            weights[uneven] = rng.dirichlet(
                np.full(together, MIXING_CONCENTRATION), size=int(uneven.sum())
            )
        return weights

    def distance(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distance (B,) of coordinates (B, D) from the mean; sqrt(D) is the usual one of a draw."""
        return self._measure(coordinates)[0]

    def distance_gradient(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the gradient (B, D) of each distance with respect to its coordinate; 0 at the mean itself."""
        distance, pull = self._measure(coordinates)
        return pull / np.maximum(distance, 1e-12)[:, None]

    def distance_penalty(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return max(0, distance^2 / D - 1) (B,), which is 0 inside of the usual distance, and its gradient (B, D)."""
        distance, pull = self._measure(coordinates)
        excess = np.square(distance) / self.size - 1
        return np.maximum(excess, 0), np.where(excess > 0, 2 / self.size, 0.0)[:, None] * pull

    def _measure(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        standardised = (coordinates - self.mean) / self.deviation
        pull = standardised @ self._precision
        distance = np.sqrt(np.maximum(np.sum(pull * standardised, axis=1), 0))
        return distance, pull / self.deviation
