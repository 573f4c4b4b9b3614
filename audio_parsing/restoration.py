"""Components that a network gave back blurred, or not at all, from those it gave back well.

    restoration = Restoration.fit(pairs)       made (S, .., K) and real (S, .., M) of some excerpts
    restoration.forward(made (S, .., K)) -> (S, .., M)         M >= K components of the same basis
    restoration.backward(dy (S, .., M)) -> dmade (S, .., K)

    y_t = gain * sum over k = -1, 0, 1 of made_(t+k) W_k

W are the least squares over much music. Components of one step are uncorrelated, but not those of
neighbours: a chord that sounds on needs many components in each step, and the first of three steps
say that it sounds on. Without the others it trembles with the steps. The mean of all that is
possible moves less than music does; the gain is a part of the way back to the deviation of real
components,
    gain = (deviation of the real ones / deviation of the least squares)^GAIN_POWER
Time is the first axis.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from threadpoolctl import threadpool_limits

GAIN_POWER = 0.5
LARGEST_GAIN = 4.0
RIDGE = 1e-4  # of the mean square of the inputs
TAPS = 3


class Restoration:
    """A filter over the steps of a song, and a gain for each of its outputs.

    Args:
        taps: W (3, K, M), of the step before, the step and the one after it.
        gains: (M,).

    Raises:
        ValueError: if the shapes don't fit together.
    """

    def __init__(self, taps: np.ndarray, gains: np.ndarray) -> None:
        if taps.ndim != 3 or len(taps) != TAPS or gains.shape != taps.shape[2:]:
            raise ValueError(
                f"taps have the shape (3, K, M) and gains (M,), not {taps.shape} and {gains.shape}"
            )
        self.taps, self.gains = taps, gains

    @classmethod
    def fit(cls, pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> Restoration:
        """Measure the filter on music that a network has reconstructed.

        Args:
            pairs: what was made (S, .., K) and the real components (S, .., M) of the same excerpts,
                three steps or more.

        Raises:
            ValueError: if there is no pair, or one is too short.
        """
        count, squares, products, power = 0, np.zeros(()), np.zeros(()), np.zeros(())
        dtype = np.dtype(np.float32)
        with threadpool_limits(1, user_api="blas"):
            for made, real in pairs:
                if len(made) < TAPS or made.shape[:-1] != real.shape[:-1]:
                    raise ValueError(
                        "a pair has the shapes (S, .., K) and (S, .., M), S from 3 on, not "
                        f"{made.shape} and {real.shape}"
                    )
                x = _neighbours(made)[1:-1].reshape(-1, TAPS * made.shape[-1])
                y = real[1:-1].reshape(-1, real.shape[-1])
                count += len(x)
                squares = squares + x.T @ x
                products = products + x.T @ y
                power = power + np.square(y, dtype=np.float64).sum(axis=0)
                dtype = made.dtype
            if not count:
                raise ValueError("a restoration is measured on one pair or more")
            ridge = RIDGE * np.trace(squares) / len(squares) + np.finfo(np.float32).tiny
            weights = np.linalg.solve(squares + ridge * np.eye(len(squares)), products)
            made_power = np.sum(weights * (squares @ weights), axis=0)
        ratio = np.sqrt(power / np.maximum(made_power, 1e-12 * power.max(initial=1e-12)))
        gains = np.minimum(ratio**GAIN_POWER, LARGEST_GAIN)
        return cls(weights.reshape(TAPS, -1, len(power)).astype(dtype), gains.astype(dtype))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the restored components (S, .., M) of made ones (S, .., K).

        Before the first step and after the last lies another like it.
        """
        y: np.ndarray = _neighbours(x) @ self.taps.reshape(-1, len(self.gains))
        y *= self.gains
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the made components (S, .., K)."""
        dx, dscaled = np.zeros((*dy.shape[:-1], self.taps.shape[1]), dy.dtype), dy * self.gains
        before, same, after = (dscaled @ tap.T for tap in self.taps)
        dx += same
        dx[:-1] += before[1:]
        dx[0] += before[0]
        dx[1:] += after[:-1]
        dx[-1] += after[-1]
        return dx

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what the constructor takes, to be kept in a file."""
        return {"taps": self.taps, "gains": self.gains}


def _neighbours(x: np.ndarray) -> np.ndarray:
    """Return the step before, the step and the one after it side by side (S, .., 3 K)."""
    return np.concatenate(
        [np.concatenate([x[:1], x[:-1]]), x, np.concatenate([x[1:], x[-1:]])], axis=-1
    )
