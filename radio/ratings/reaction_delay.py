"""The slider at every moment of a song, and the delay from hearing to moving the hand.

    moments_of(curve, delay=, seconds=, count=) -> (count,)  slider at every moment, detrended
    ReactionDelay().observe(curve, predicted, seconds)       estimates the delay, within BOUNDS

The delay is found by shifting the curve against the predicted ratings of all moments: a correlation
r over n independent moments adds n log(1 / (1 - r^2)) / 2 to the log-likelihood of a delay, beside
a Gaussian prior around TYPICAL seconds.
"""

from __future__ import annotations

import numpy as np

from radio.ratings.slider import REACTION_SECONDS

# All chosen; the error of the estimate is measured in docs/taste.md.
BOUNDS = 0.3, 4.0  # seconds
TYPICAL, UNCERTAIN = 1.6, 0.8  # seconds: mean and standard deviation of the prior
TRIED = np.arange(BOUNDS[0], BOUNDS[1] + 0.05, 0.1)
INDEPENDENT = 2.0  # seconds between two independent values of a slider
STILL = 0.02  # of the slider: one that moves less has no information about moments
MAX_SONGS = 30  # songs; a hand may become quicker


def moments_of(curve: np.ndarray, *, delay: float, seconds: float, count: int) -> np.ndarray:
    """Return the detrended slider at each moment of a song, (count,); NaN where untouched.

    Args:
        curve: (k, 2) seconds and slider, in the order of time.
        delay: seconds from hearing to moving.
        seconds: how long the song lasts; later points are left out.
        count: of moments, all of the same length.
    """
    levels = np.full(count, np.nan)
    points = curve[curve[:, 0] <= seconds]
    if len(points) < 3:
        return levels
    moments = (np.arange(count) + 0.5) * seconds / count
    late = moments + delay
    inside = (late >= max(points[0, 0], REACTION_SECONDS + delay)) & (late <= points[-1, 0])
    if inside.sum() < 3:
        return levels
    levels[inside] = without_drift(
        np.interp(late[inside], points[:, 0], points[:, 1]), moments[inside]
    )
    return levels


def without_drift(values: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Return values (n, ...) at moments (n,) without their mean and their linear drift."""
    away = moments - moments.mean()
    drift = np.tensordot(away, values, axes=1) / max(float(away @ away), 1e-12)
    return values - values.mean(axis=0) - np.multiply.outer(away, drift)


class ReactionDelay:
    """Estimate how much later than the ear a listener's hand is."""

    def __init__(self) -> None:
        self._songs: list[np.ndarray] = []

    @property
    def seconds(self) -> float:
        """The most likely delay."""
        belief = -0.5 * np.square((TRIED - TYPICAL) / UNCERTAIN)
        return float(TRIED[np.argmax(belief + sum(self._songs[-MAX_SONGS:], np.zeros(len(TRIED))))])

    def observe(self, curve: np.ndarray, predicted: np.ndarray, seconds: float) -> None:
        """Learn from a song.

        Args:
            curve: (k, 2) seconds and slider.
            predicted: (n,) ratings of its moments.
            seconds: how long it lasts.
        """
        support = np.zeros(len(TRIED))
        for index, delay in enumerate(TRIED):
            levels = moments_of(curve, delay=float(delay), seconds=seconds, count=len(predicted))
            touched = np.isfinite(levels)
            if touched.sum() < 8 or np.ptp(levels[touched]) < STILL:
                return  # a slider that does not move has no delay
            moments = np.flatnonzero(touched)
            away = moments - moments.mean()
            expected = predicted[touched] - predicted[touched].mean()
            expected = expected - away * (away @ expected) / (away @ away)
            norm = float(np.sqrt((expected @ expected) * (levels[touched] @ levels[touched])))
            correlation = float(expected @ levels[touched]) / max(norm, 1e-12)
            independent = touched.sum() * seconds / len(predicted) / INDEPENDENT
            support[index] = -0.5 * independent * np.log(1 - min(max(correlation, 0.0), 0.99) ** 2)
        self._songs.append(support)
