"""The exercises of lesson 12: a Bayesian linear layer, one rating at a time."""

from __future__ import annotations

import numpy as np

from checks import answer, same


def _learned(F, r, noise):
    return np.eye(F.shape[1]) + F.T @ F / noise**2, F.T @ r / noise**2


def _draw(rng):
    for count, size, noise in ((1, 1, 1.0), (4, 3, 0.5), (6, 2, 2.0)):
        yield rng.standard_normal((count, size)), rng.standard_normal(count), noise


def learn(theirs, rng):
    """Check ratings learned one by one against all of them at once."""
    for F, r, noise in _draw(rng):
        A, c = np.eye(F.shape[1]), np.zeros(F.shape[1])
        for count, (f, rating) in enumerate(zip(F, r, strict=True), start=1):
            A, c = answer(theirs.learn, "A c", A, c, f, rating, noise)
            expected = _learned(F[:count], r[:count], noise)
            same("A", A, expected[0])
            same("c", c, expected[1])


def forget(theirs, rng):
    """Check that the first rating leaves no trace."""
    for F, r, noise in _draw(rng):
        A, c = answer(theirs.forget, "A c", *_learned(F, r, noise), F[0], r[0], noise)
        expected = _learned(F[1:], r[1:], noise)
        same("A", A, expected[0])
        same("c", c, expected[1])


def predict(theirs, rng):
    """Check the predictions of some songs."""
    for F, r, noise in _draw(rng):
        A, c = _learned(F, r, noise)
        songs = rng.standard_normal((5, F.shape[1]))
        means, deviations = answer(theirs.predict, "means deviations", A, c, songs)
        covariance = np.linalg.inv(A)
        same("means", means, songs @ covariance @ c)
        same("deviations", deviations, np.sqrt(np.diag(songs @ covariance @ songs.T)))
