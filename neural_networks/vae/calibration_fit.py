"""How a finish is measured: by songs, what a network gives back of them, and what it makes that is new.

    measure(real (S, B, F), made (S, B, F), drawn (S, B', F), rows=R) -> Finish

Taps are least squares: the rows of the real songs from those given back. Least squares shrink, so
contrasts spread each value as far within a song, and over songs, as in real ones. A curve brings
the values that songs given back and new ones take, in order, to those that real songs take: of all
curves that make both spread alike, the one that changes least. What songs then still lack of change
from row to row is flutter, and what two bands lack of change together is how they flutter together.
Letters as in finish.py.
"""

from __future__ import annotations

import numpy as np

from neural_networks.vae.calibration import KNOT, Finish

TAPS = 7
# pulls taps to 'as it was', in units of a value's square: bands that are silent have nothing to
# learn from
HOLD = 1e-5
KNOTS = 41
# of the values, at which curves are known
SHARES = np.concatenate([[0, 0.005, 0.02], np.linspace(0.05, 0.95, 25), [0.98, 0.995, 1]])
LEAST_SLOPE = 0.05  # of a curve: gradients have to come through
# far from 1 something else is wrong than that songs are smoothed
LEAST_CONTRAST, MOST_CONTRAST = 0.8, 1.5
# of a value: what is not understood of music is more than flutter, and would be noise
MOST_FLUTTER = 0.1


def measure(real: np.ndarray, made: np.ndarray, drawn: np.ndarray, *, rows: int) -> Finish:
    """Return the finish of a network.

    Args:
        real: (S, B, F) songs.
        made: (S, B, F) what the network gives back of them.
        drawn: (S, B', F) new songs of the network.
        rows: R, of a step.
    """
    width = real.shape[2] // rows
    taps = _taps(_in_rows(real, rows), _in_rows(made, rows), rows)
    curve = np.tile(KNOT * np.arange(KNOTS), (real.shape[2], 1))
    joined = Finish(taps, curve, np.zeros(real.shape[2]))
    contrast = _contrast(_in_rows(real, rows), _in_rows(joined.forward(made)[0], rows))
    spread = Finish(taps, curve, np.zeros(real.shape[2]), contrast)
    made, drawn = spread.forward(made)[0], spread.forward(drawn)[0]
    for f in range(real.shape[2]):
        curve[f] = _curve(
            real[:, :, f].ravel(), np.concatenate([made[:, :, f].ravel(), drawn[:, :, f].ravel()])
        )
    smooth = Finish(_nothing(rows, width), curve, np.zeros(real.shape[2])).forward(made)[0]
    gain, blend = _flutter(_in_rows(real, rows), _in_rows(smooth, rows))
    return Finish(taps, curve, np.tile(gain, rows), contrast, blend)


def _in_rows(x: np.ndarray, rows: int) -> np.ndarray:
    """Return (B, S R, W) of steps (S, B, F)."""
    steps, batch, features = x.shape
    return np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(batch, steps * rows, features // rows)


def _nothing(rows: int, width: int) -> np.ndarray:
    taps = np.zeros((TAPS, rows, width))
    taps[TAPS // 2] = 1
    return taps


def _taps(real: np.ndarray, made: np.ndarray, rows: int) -> np.ndarray:
    """Return taps (K, R, W) by which rows (B, S R, W) of `made` come nearest to those of `real`, for each place in a step."""
    half, count = TAPS // 2, real.shape[1]
    padded = np.pad(made, ((0, 0), (half, half), (0, 0)))
    taps = _nothing(rows, real.shape[2])
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
    """Return [level; between; within] (3, W): how far means of songs (B, S R, W) lie apart, how far a song moves."""
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
    """Return the variance of the means of songs (B, S R, W), and the mean of their variances, each (W,) and above 0."""
    means, variances = (
        x.mean(axis=1, dtype=np.float64),
        [song.var(axis=0, dtype=np.float64) for song in x],
    )
    return means.var(axis=0) + HOLD, np.mean(variances, axis=0) + HOLD


def _curve(real: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return the curve (C,) that makes values (n,) spread as real ones (m,) do."""
    at, first = np.unique(np.quantile(made, SHARES), return_index=True)
    knots = KNOT * np.arange(KNOTS)
    above = knots - at[-1]
    curve = np.interp(knots, at, np.quantile(real, SHARES)[first]) + np.maximum(above, 0)
    rises = np.maximum(np.diff(curve), LEAST_SLOPE * KNOT)
    return np.concatenate([[0], np.cumsum(rises)]) + max(curve[0], 0)


def _flutter(real: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gain (W,) and blend (W, W) that let rows (B, S R, W) change as much, and as much together, as real ones do."""
    # A flutter of variance s^2 has second differences of variance 6 s^2; melodies and levels hardly
    # have any.
    lacking = (_roughness(real) - _roughness(made)) / 6
    power = np.mean(
        [
            heard.T @ heard / len(heard)
            for heard in (np.maximum(song, 0, dtype=np.float64) for song in made)
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
    """Return the blend (W, W) whose product with its transpose is the nearest that can be of a correlation that was measured."""
    values, vectors = np.linalg.eigh(correlation)
    # measured ones need not be positive definite
    possible = (vectors * np.maximum(values, 0)) @ vectors.T
    deviation = np.sqrt(possible.diagonal())
    values, vectors = np.linalg.eigh(possible / np.outer(deviation, deviation))
    # of all roots the symmetric one: no sign to choose
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
