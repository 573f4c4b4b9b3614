"""Answers to the exercises of lesson 12b."""

from __future__ import annotations

import numpy as np


def narrowed(covariance, f, noise) -> np.ndarray:
    """Return the covariance after a rating, with u = f / noise."""
    known = covariance @ f
    return covariance - np.outer(known, known) / (noise**2 + f @ known)


def information(covariance, f, noise) -> float:
    """Return the information: det(A + u u^T) = det(A) (1 + u^T A^-1 u)."""
    return float(np.log1p(f @ covariance @ f / noise**2) / 2)


def thompson(mean, covariance, songs, rng) -> int:
    """Return the index of the song to play: one listener for all songs, not one for each."""
    return int(np.argmax(songs @ rng.multivariate_normal(mean, covariance)))
