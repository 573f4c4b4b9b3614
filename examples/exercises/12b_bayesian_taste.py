"""Exercises of lesson 12b: what a rating tells, and what to play.

Weights w (D,) of a listener are known as a Gaussian, mean (D,) and covariance (D, D); a song has
features f (D,) and the rating f . w + noise times a standard normal number.

Edit this file, and check it: python examples/check.py 12b
"""

from __future__ import annotations

import numpy as np


def narrowed(covariance, f, noise) -> np.ndarray:
    """Return the covariance (D, D) after a rating of the song f, without inverting a matrix.

    The precision grows by f f^T / noise^2. Sherman and Morrison tell what that does to its inverse:
    (A + u u^T)^-1 = A^-1 - A^-1 u u^T A^-1 / (1 + u^T A^-1 u).
    """


def information(covariance, f, noise) -> float:
    """Return how much a rating of the song f would tell of the listener, in nats.

    It is half of log(determinant of the covariance before / determinant after): find how little of
    that has to be computed. A song with much of it is worth a question.
    """


def thompson(mean, covariance, songs, rng) -> int:
    """Return the index of the song to play, of songs (N, D): there is a mistake in it.

    Thompson: imagine one listener as they may be, and play what this one would like most.
    """
    deviations = np.sqrt(np.sum(songs @ covariance * songs, axis=1))
    return int(np.argmax(songs @ mean + deviations * rng.standard_normal(len(songs))))
