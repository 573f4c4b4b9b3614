"""From a slider's curve to what it says of every moment of a song, and how late a listener's hand is.

    moments_of(curve, delay, seconds, count) -> (count,)     slider at every moment, without its mean and drift; NaN where untouched
    Delay().observe(curve, predicted, seconds)               learns how late; .seconds, within BOUNDS

A hand moves some time after the ear has heard. How long is found by moving the curve against what
the taste predicts of every moment: the correlation r over n independent moments speaks for a delay
with n log(1 / (1 - r^2)) / 2, beside a belief in about TYPICAL seconds.
"""

from __future__ import annotations

import numpy as np

from radio.ratings.slider import REACTION_SECONDS

BOUNDS = 0.3, 4.0  # seconds
# seconds: what is believed of a hand before anything is known, and how little
TYPICAL, UNCERTAIN = 1.6, 0.8
TRIED = np.arange(BOUNDS[0], BOUNDS[1] + 0.05, 0.1)
INDEPENDENT = 2.0  # seconds after which a slider says something new
STILL = 0.02  # of the slider: what moves less is still, and tells nothing of moments
KEPT = 30  # songs; a hand may become quicker


def moments_of(curve: np.ndarray, *, delay: float, seconds: float, count: int) -> np.ndarray:
    """Return what a curve (k, 2) says of each of a song's moments, (count,), from their mean on; NaN where it says nothing.

    Args:
        curve: seconds and slider, in the order of time.
        delay: seconds from hearing to moving.
        seconds: how long the song lasts; what is drawn later is left out.
        count: of moments, all of the same length.
    """
    told = np.full(count, np.nan)
    points = curve[curve[:, 0] <= seconds]
    if len(points) < 3:
        return told
    moments = (np.arange(count) + 0.5) * seconds / count
    late = moments + delay
    inside = (late >= max(points[0, 0], REACTION_SECONDS + delay)) & (late <= points[-1, 0])
    if inside.sum() < 3:
        return told
    told[inside] = without_drift(
        np.interp(late[inside], points[:, 0], points[:, 1]), moments[inside]
    )
    return told


def without_drift(values: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Return values (n, ...) at moments (n,) without their mean and their linear drift."""
    away = moments - moments.mean()
    drift = np.tensordot(away, values, axes=1) / max(float(away @ away), 1e-12)
    return values - values.mean(axis=0) - np.multiply.outer(away, drift)


class Delay:
    """How late a listener's hand is."""

    def __init__(self) -> None:
        self._songs: list[np.ndarray] = []

    @property
    def seconds(self) -> float:
        """The most likely delay."""
        belief = -0.5 * np.square((TRIED - TYPICAL) / UNCERTAIN)
        return float(TRIED[np.argmax(belief + sum(self._songs[-KEPT:], np.zeros(len(TRIED))))])

    def observe(self, curve: np.ndarray, predicted: np.ndarray, seconds: float) -> None:
        """Learn from a song: its curve (k, 2), the predicted ratings of its moments (n,), and how long it lasts."""
        support = np.zeros(len(TRIED))
        for index, delay in enumerate(TRIED):
            told = moments_of(curve, delay=float(delay), seconds=seconds, count=len(predicted))
            said = np.isfinite(told)
            if said.sum() < 8 or np.ptp(told[said]) < STILL:
                return  # a slider that does not move tells no time
            moments = np.flatnonzero(said)
            away = moments - moments.mean()
            expected = predicted[said] - predicted[said].mean()
            expected = expected - away * (away @ expected) / (away @ away)
            norm = float(np.sqrt((expected @ expected) * (told[said] @ told[said])))
            correlation = float(expected @ told[said]) / max(norm, 1e-12)
            independent = said.sum() * seconds / len(predicted) / INDEPENDENT
            support[index] = -0.5 * independent * np.log(1 - min(max(correlation, 0.0), 0.99) ** 2)
        self._songs.append(support)

    def forget(self) -> None:
        """Know nothing again."""
        self._songs.clear()
