"""The exercises of lesson 12b: what a rating tells, and what to play."""

from __future__ import annotations

import numpy as np

from checks import Wrong, answer, same

DRAWS = 400


def _draw(rng):
    for size, noise in ((1, 1.0), (3, 0.5), (5, 2.0)):
        root = rng.standard_normal((size, size))
        yield np.linalg.inv(np.eye(size) + root @ root.T), rng.standard_normal(size), noise


def narrowed(theirs, rng):
    """Check the covariance after one rating."""
    for covariance, f, noise in _draw(rng):
        (found,) = answer(theirs.narrowed, "covariance", covariance, f, noise)
        precision = np.linalg.inv(covariance) + np.outer(f, f) / noise**2
        same("covariance", found, np.linalg.inv(precision))


def information(theirs, rng):
    """Check the information in one rating."""
    for covariance, f, noise in _draw(rng):
        (found,) = answer(theirs.information, "information", covariance, f, noise)
        precision = np.linalg.inv(covariance) + np.outer(f, f) / noise**2
        before, after = np.linalg.slogdet(covariance)[1], -np.linalg.slogdet(precision)[1]
        same("information", found, (before - after) / 2)


def thompson(theirs, rng):
    """Count the choices among songs that much the same listeners would like."""
    songs = np.array([[2.0, 0.3, 0.0], [2.0, 0.0, 0.3], [2.0, -0.2, -0.1]])
    mean, covariance = np.array([0.1, 0.6, 0.4]), np.diag([1.0, 0.2, 0.3])
    draws, drawn = np.random.default_rng(0), np.zeros(len(songs))
    for _ in range(DRAWS):
        (index,) = answer(theirs.thompson, "index", mean, covariance, songs, draws)
        if index not in range(len(songs)):
            raise Wrong(f"index is {index}, of {len(songs)} songs")
        drawn[index] += 1 / DRAWS
    listeners = rng.multivariate_normal(mean, covariance, 20000)
    likely = np.bincount((listeners @ songs.T).argmax(axis=1), minlength=len(songs)) / 20000
    for song, (share, expected) in enumerate(zip(drawn, likely, strict=True)):
        if abs(share - expected) > 0.08:
            raise Wrong(f"song {song} is played {share:.0%} of the time instead of {expected:.0%}")
