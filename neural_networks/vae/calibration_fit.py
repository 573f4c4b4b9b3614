"""Measure a calibration from real songs, their reconstructions, and new songs of the network.

    measure(real (S, B, F), made (S, B, F), drawn (S, B', F), rows=R) -> Calibration

Taps are least squares: they predict the rows of the real songs from the reconstructed ones. Least
squares shrink, so contrasts spread each value as far within a song, and over songs, as in real
ones. A curve maps the values of reconstructed and new songs, in order, to those of real songs: of
all curves that give both the same distribution, it changes values least. The change from row to row
that songs then still lack is flutter, and the joint change of two bands that they lack is its
correlation. Letters as in calibration.py.
"""

from __future__ import annotations

import numpy as np

from neural_networks.vae.calibration import KNOT, Calibration

TAPS = 7
# pulls taps to the identity, in units of a value's square, since silent bands have no data
HOLD = 1e-5
KNOTS = 41
# the quantiles at which curves are known
SHARES = np.concatenate([[0, 0.005, 0.02], np.linspace(0.05, 0.95, 25), [0.98, 0.995, 1]])
LEAST_SLOPE = 0.05  # of a curve, so that gradients pass
# far from 1 something other than smoothing is wrong
LEAST_CONTRAST, MOST_CONTRAST = 0.8, 1.5
# of a value: what a network has not learned of music is more than flutter, and would be noise
MOST_FLUTTER = 0.1


def measure(real: np.ndarray, made: np.ndarray, drawn: np.ndarray, *, rows: int) -> Calibration:
    """Return the calibration of a network.

    Args:
        real: (S, B, F) songs.
        made: (S, B, F) their reconstructions.
        drawn: (S, B', F) new songs of the network.
        rows: R, of a step.
    """
    width = real.shape[2] // rows
    taps = _taps(_in_rows(real, rows), _in_rows(made, rows), rows)
    curve = np.tile(KNOT * np.arange(KNOTS), (real.shape[2], 1))
    joined = Calibration(taps, curve, np.zeros(real.shape[2]))
    contrast = _contrast(_in_rows(real, rows), _in_rows(joined.forward(made)[0], rows))
    spread = Calibration(taps, curve, np.zeros(real.shape[2]), contrast)
    made, drawn = spread.forward(made)[0], spread.forward(drawn)[0]
    for f in range(real.shape[2]):
        curve[f] = _curve(
            real[:, :, f].ravel(), np.concatenate([made[:, :, f].ravel(), drawn[:, :, f].ravel()])
        )
    smooth = Calibration(_identity(rows, width), curve, np.zeros(real.shape[2])).forward(made)[0]
    gain, blend = _flutter(_in_rows(real, rows), _in_rows(smooth, rows))
    return Calibration(taps, curve, np.tile(gain, rows), contrast, blend)


def _in_rows(x: np.ndarray, rows: int) -> np.ndarray:
    """Return (B, S R, W) of steps (S, B, F)."""
    steps, batch, features = x.shape
    return np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(batch, steps * rows, features // rows)


def _identity(rows: int, width: int) -> np.ndarray:
    taps = np.zeros((TAPS, rows, width))
    taps[TAPS // 2] = 1
    return taps


def _taps(real: np.ndarray, made: np.ndarray, rows: int) -> np.ndarray:
    """Return the taps (K, R, W) that bring rows (B, S R, W) of `made` nearest to `real`."""
    half, count = TAPS // 2, real.shape[1]
    padded = np.pad(made, ((0, 0), (half, half), (0, 0)))
    taps = _identity(rows, real.shape[2])
    for place in range(rows):
        # (B, S, W, K)
        seen = np.stack([padded[:, place + k : count + k : rows] for k in range(TAPS)], axis=-1)
        wanted = real[:, place::rows] - seen[..., half]
        samples = wanted.shape[0] * wanted.shape[1]
        square = np.einsum("bswj,bswk->wjk", seen, seen, optimize=True) / samples + HOLD * np.eye(
            TAPS
        )
        taps[:, place] += np.linalg.solve(
            square, np.einsum("bswk,bsw->wk", seen, wanted, optimize=True)[..., None] / samples
        )[..., 0].T
    return taps


def _contrast(real: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return [level; between; within] (3, W) from songs (B, S R, W)."""
    between, within = (
        np.sqrt(wanted / found)
        for wanted, found in zip(_variances(real), _variances(made), strict=True)
    )
    return np.stack(
        [
            made.mean(axis=(0, 1), dtype=np.float64),
            *np.clip([between, within], LEAST_CONTRAST, MOST_CONTRAST),
        ]
    )


def _variances(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance of the songs' means and the mean of their variances, (W,), above 0."""
    means, variances = (
        x.mean(axis=1, dtype=np.float64),
        [song.var(axis=0, dtype=np.float64) for song in x],
    )
    return means.var(axis=0) + HOLD, np.mean(variances, axis=0) + HOLD


def _curve(real: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return the curve (C,) that gives values (n,) the distribution of real ones (m,)."""
    at, first = np.unique(np.quantile(made, SHARES), return_index=True)
    knots = KNOT * np.arange(KNOTS)
    above = knots - at[-1]
    curve = np.interp(knots, at, np.quantile(real, SHARES)[first]) + np.maximum(above, 0)
    rises = np.maximum(np.diff(curve), LEAST_SLOPE * KNOT)
    return np.concatenate([[0], np.cumsum(rises)]) + max(curve[0], 0)


def _flutter(real: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gain (W,) and blend (W, W) that make rows (B, S R, W) change as real ones do."""
    # A flutter of variance s^2 has second differences of variance 6 s^2; those of melodies and
    # levels are small.
    lacking = (_roughness(real) - _roughness(made)) / 6
    power = np.mean(
        [
            above.T @ above / len(above)
            for above in (np.maximum(song, 0, dtype=np.float64) for song in made)
        ],
        axis=0,
    )
    least = np.sqrt(np.maximum(lacking.diagonal(), 0) / np.maximum(power.diagonal(), 1e-12))
    # y_i = v_i (1 + n_i) has the covariance cov(n_i, n_j) mean(v_i v_j) of its flutter.
    together = lacking / (power + HOLD)
    scale = np.sqrt(np.maximum(together.diagonal(), 1e-12))
    correlation = np.clip(together / np.outer(scale, scale), -1, 1)
    correlation[least == 0] = 0
    correlation[:, least == 0] = 0
    np.fill_diagonal(correlation, 1)
    return np.minimum(least, MOST_FLUTTER), _root(correlation)


def _root(correlation: np.ndarray) -> np.ndarray:
    """Return the blend (W, W) that, times its transpose, is nearest to a measured correlation."""
    values, vectors = np.linalg.eigh(correlation)
    # a measured correlation need not be positive definite
    possible = (vectors * np.maximum(values, 0)) @ vectors.T
    deviation = np.sqrt(possible.diagonal())
    values, vectors = np.linalg.eigh(possible / np.outer(deviation, deviation))
    # of all roots the symmetric one, which leaves no sign to choose
    blend: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return blend / np.linalg.norm(blend, axis=1)[:, None]


def _roughness(x: np.ndarray) -> np.ndarray:
    """Return the mean product of two bands' second differences over time (W, W)."""
    return np.mean(
        [
            change.T @ change / len(change)
            for change in (np.diff(song, 2, axis=0).astype(np.float64) for song in x)
        ],
        axis=0,
    )
