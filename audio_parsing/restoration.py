"""Components that a network gave back weakly, or not at all, from those it gave back well.

    taps = restoring_taps(pairs)      made (S, .., K) and real (S, .., M) of some excerpts, M >= K
    restored_t = sum over k = -1, 0, 1 of made_(t+k) taps_k          taps (3, K, M)

These are the least squares over much music, times a gain for each of the M. Components of one step
are uncorrelated, but not those of neighbours: a chord that sounds on needs many components in each
step, and the first ones of three steps say that it sounds on. Without the others it trembles at the
rate of the steps. And the mean of all that is possible moves less than music does: the gain makes
each of the M move as much as in the music, which costs some error, and gives more of the notes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from threadpoolctl import threadpool_limits

# What the taps bring is measured in docs/sequence_vae.md; their number, the largest gain and the
# ridge are chosen, not measured.
TAPS = 3
LARGEST_GAIN = 4.0
RIDGE = 1e-4  # of the mean square of the inputs


def restoring_taps(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the taps (3, K, M) measured on music that a network has reconstructed.

    Args:
        pairs: what was made (S, .., K) and the real components (S, .., M) of the same excerpts,
            three steps or more.

    Raises:
        ValueError: if there is no pair, or one does not fit or is not finite.
    """
    count, squares, products, power = 0, np.zeros(()), np.zeros(()), np.zeros(())
    with threadpool_limits(1, user_api="blas"):
        for made, real in pairs:
            if len(made) < TAPS or made.shape[:-1] != real.shape[:-1]:
                raise ValueError(
                    "a pair has the shapes (S, .., K) and (S, .., M), S from 3 on, not "
                    f"{made.shape} and {real.shape}"
                )
            if not (np.isfinite(made).all() and np.isfinite(real).all()):
                raise ValueError("taps are measured on finite numbers")
            # In single precision where the steps are: it takes half the time, and is enough.
            made, real = (part.astype(np.result_type(part, np.float32)) for part in (made, real))
            x = neighbours(made, axis=0)[1:-1].reshape(-1, TAPS * made.shape[-1])
            y = real[1:-1].reshape(-1, real.shape[-1])
            count += len(x)
            squares, products = squares + x.T @ x, products + x.T @ y
            power = power + np.square(y, dtype=np.float64).sum(axis=0)
        if not count:
            raise ValueError("taps are measured on one pair or more")
        squares, products = squares.astype(np.float64), products.astype(np.float64)
        ridge = RIDGE * np.trace(squares) / len(squares) + np.finfo(np.float32).tiny
        weights = np.linalg.solve(squares + ridge * np.eye(len(squares)), products)
        restored = np.sum(weights * (squares @ weights), axis=0)
    ratio = np.sqrt(power / np.maximum(restored, 1e-12 * power.max(initial=1e-12)))
    weights *= np.minimum(ratio, LARGEST_GAIN)
    return weights.reshape(TAPS, -1, len(power)).astype(real.dtype)


def neighbours(x: np.ndarray, *, axis: int) -> np.ndarray:
    """Return the step before, each step and the one after it side by side, (.., 3 K) of (.., K).

    Before the first step and after the last lies another like it.
    """
    steps = np.arange(x.shape[axis])
    before, after = np.maximum(steps - 1, 0), np.minimum(steps + 1, len(steps) - 1)
    return np.concatenate([x.take(before, axis), x, x.take(after, axis)], axis=-1)


def neighbours_backward(dy: np.ndarray) -> np.ndarray:
    """Return the gradient (.., S, K) of the steps of `neighbours`, axis -2, of (.., S, 3 K)."""
    before, same, after = np.split(dy, TAPS, axis=-1)
    dx: np.ndarray = same.copy()
    dx[..., :-1, :] += before[..., 1:, :]
    dx[..., 0, :] += before[..., 0, :]
    dx[..., 1:, :] += after[..., :-1, :]
    dx[..., -1, :] += after[..., -1, :]
    return dx
