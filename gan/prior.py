"""A learned prior: a mixture of Gaussians fitted to the encoded songs by EM.

    density(P) = sum_k share_k N(P; centre_k, C)

All Gaussians share one covariance C, for few songs can't determine one for each. The number of
Gaussians is the one with the highest likelihood of songs that were left out. One centre is a
Gaussian, as many as there are songs are a kernel density estimate. Sources: Dempster, Laird and
Rubin 1977 (expectation maximisation); Tomczak and Welling 2018, arXiv:1705.07120 (why the prior
that a VAE's songs imply beats N(0, 1)). D values of a coordinate, N songs, K centres.
"""

from __future__ import annotations

import numpy as np

# Chosen, not measured.
ITERATIONS = 25  # of expectation and maximisation
FOLDS = 4  # of the cross-validation
MOST_CENTRES = 64
SMALLEST_VARIANCE = 1e-8


class GaussianMixture:
    """A mixture of Gaussians with a shared covariance.

    Args:
        songs: (N, D) coordinates.
        variances: (D,) of each encoded song itself, added to the diagonal.
        centres: K; chosen by cross-validation if None.
        rng: draws the initial centres and the folds.

    Attributes:
        shares: (K,) that sum to 1.
        centres: (K, D).
        covariance: (D, D).

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> songs = np.concatenate([rng.normal(-5, 1, (50, 2)), rng.normal(5, 1, (50, 2))])
        >>> mixture = GaussianMixture(songs, np.zeros(2), centres=2, rng=rng)
        >>> mixture.sample(3, rng).shape, mixture.shares.round(2)
        ((3, 2), array([0.5, 0.5]))
    """

    def __init__(
        self,
        songs: np.ndarray,
        variances: np.ndarray,
        *,
        centres: int | None = None,
        rng: np.random.Generator,
    ) -> None:
        if centres is None:
            centres = _best_number(songs, variances, rng)
        self.shares, self.centres, self.covariance = _fit(
            songs, variances, min(centres, len(songs)), rng
        )
        self._factor = np.linalg.cholesky(self.covariance)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw coordinates (count, D)."""
        chosen = rng.choice(len(self.shares), count, p=self.shares)
        return (
            self.centres[chosen]
            + rng.standard_normal((count, self.centres.shape[1])) @ self._factor.T
        )

    def log_density(self, coordinates: np.ndarray) -> np.ndarray:
        """Return log density (B,) of coordinates (B, D)."""
        return _log_sum(_log_joint(coordinates, self.shares, self.centres, self.covariance))


def _best_number(songs: np.ndarray, variances: np.ndarray, rng: np.random.Generator) -> int:
    """Return the number of centres, a power of two, with the highest held-out likelihood."""
    if len(songs) < 2 * FOLDS:
        return 1
    parts = np.array_split(rng.permutation(len(songs)), FOLDS)
    numbers = [2**power for power in range(20) if 2**power <= min(MOST_CENTRES, len(songs) // 2)]
    likelihood = np.zeros(len(numbers))
    for part in parts:
        others = np.setdiff1d(np.arange(len(songs)), part)
        for index, number in enumerate(numbers):
            model = _fit(songs[others], variances, min(number, len(others)), rng)
            likelihood[index] += _log_sum(_log_joint(songs[part], *model)).sum()
    return numbers[int(likelihood.argmax())]


def _fit(
    songs: np.ndarray, variances: np.ndarray, number: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shares (K,), centres (K, D) and covariance (D, D)."""
    spread = np.sqrt(songs.var(axis=0) + variances + SMALLEST_VARIANCE)
    centres = songs[_far_apart(songs / spread, number, rng)]
    shares = np.full(number, 1 / number)
    covariance = np.diag(spread**2 / number ** (2 / songs.shape[1]))
    for _ in range(ITERATIONS):
        joint = _log_joint(songs, shares, centres, covariance)
        # Expectation: the responsibility of each centre for each song.
        weights = np.exp(joint - _log_sum(joint)[:, None])
        total = weights.sum(axis=0)
        alive = total > 1e-3
        weights, total = weights[:, alive], total[alive]
        shares, centres = total / total.sum(), (weights.T @ songs) / total[:, None]
        # Maximisation: sum_nk w_nk (x_n - c_k)(x_n - c_k)^T = X^T X - sum_k total_k c_k c_k^T.
        within = (songs.T @ songs - (centres * total[:, None]).T @ centres) / len(songs)
        covariance = _shrunk(within, len(songs)) + np.diag(variances + SMALLEST_VARIANCE)
    return shares, centres, covariance


def _shrunk(covariance: np.ndarray, count: int) -> np.ndarray:
    """Return a covariance (D, D) of `count` songs, shrunk towards its own diagonal."""
    deviation = np.sqrt(np.maximum(np.diag(covariance), SMALLEST_VARIANCE))
    return shrunk_correlation(covariance / np.outer(deviation, deviation), count) * np.outer(
        deviation, deviation
    )


def shrunk_correlation(covariance: np.ndarray, count: int) -> np.ndarray:
    """Return the correlations of `count` songs, shrunk towards 0, more so for few songs.

    The share is the oracle approximating shrinkage of Chen et al. 2010, arXiv:0907.4698, eq. 23.
    The diagonal becomes 1: the encoder's own variances, which are uncorrelated, fill it up.

    Args:
        covariance: (D, D) of coordinates in units of their deviations.
        count: of songs.

    Examples:
        >>> covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
        >>> [float(shrunk_correlation(covariance, count)[0, 1].round(2)) for count in (3, 1000)]
        [0.0, 0.8]
    """
    size = len(covariance)
    trace, squares = float(np.trace(covariance)), float(np.sum(covariance * covariance))
    spread = (count + 1 - 2 / size) * (squares - trace * trace / size)
    share = 1.0 if spread <= 0 else min(1.0, ((1 - 2 / size) * squares + trace * trace) / spread)
    correlation = (1 - share) * covariance
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _far_apart(songs: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return K songs far from each other: k-means++, Arthur and Vassilvitskii 2007."""
    chosen = [int(rng.integers(len(songs)))]
    nearest = np.full(len(songs), np.inf)
    while len(chosen) < number:
        nearest = np.minimum(nearest, np.square(songs - songs[chosen[-1]]).sum(axis=1))
        nearest[chosen] = 0
        total = nearest.sum()
        chosen.append(
            int(rng.choice(len(songs), p=nearest / total))
            if total > 0
            else int(rng.integers(len(songs)))
        )
    return np.array(chosen)


def _log_joint(
    songs: np.ndarray, shares: np.ndarray, centres: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    """Return log(share_k N(x_n; centre_k, C)), (N, K)."""
    factor = np.linalg.cholesky(covariance)
    x, c = (np.linalg.solve(factor, points.T).T for points in (songs, centres))
    squares = np.square(x).sum(axis=1)[:, None] + np.square(c).sum(axis=1) - 2 * x @ c.T
    constant = np.log(np.diag(factor)).sum() + songs.shape[1] / 2 * np.log(2 * np.pi)
    return np.log(shares) - 0.5 * np.maximum(squares, 0) - constant


def _log_sum(values: np.ndarray) -> np.ndarray:
    """Return log sum_k exp(values (N, K)), (N,)."""
    largest = values.max(axis=1, keepdims=True)
    total: np.ndarray = largest[:, 0] + np.log(np.exp(values - largest).sum(axis=1))
    return total
