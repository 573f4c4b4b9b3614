"""Other methods of finding a song that a listener loves, with as many ratings; for taste.py.

    random               a random song
    best rated           the song that was rated best of 20 random ones
    gaussian process     scikit-learn's regression on P, expected improvement over 192 candidates
                         a song, then the best mean of 600
    ranking critic       pairs of 20 random songs, logistic ranking on the critic's layer means,
                         then the best of 600

Needs scikit-learn (the extra `peers`).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.stats import norm

from benchmarks.taste_listeners import Listener
from benchmarks.taste_sessions import JUDGED, Stage

RATINGS, FIRST, CANDIDATES = 20, 5, 192
STEPS, RATE, DECAY = 300, 0.1, 0.01  # of the ranking critic


def finals_of_peers(stage: Stage, listener: Listener, *, seed: int) -> dict[str, float]:
    """Return the true liking, in standard deviations, of each method's final song."""
    rng = np.random.default_rng([seed, 9])
    songs = np.arange(len(stage.features))
    judged = rng.choice(songs, JUDGED, replace=False)
    heard = rng.choice(songs, RATINGS, replace=False)
    ratings = np.array(
        [_rate(stage, listener, row, number, rng) for number, row in enumerate(heard)]
    )
    chosen = {
        "random": int(rng.choice(songs)),
        "best rated of random songs": int(heard[np.argmax(ratings)]),
        "gaussian process in P": _gaussian_process(stage, listener, songs, judged, rng),
        "ranking critic": _ranking(stage, heard, ratings, judged),
    }
    return {
        name: float(listener.liking(stage.pool.sound[row][None], RATINGS - 1)[0])
        for name, row in chosen.items()
    }


def _rate(
    stage: Stage, listener: Listener, row: int, number: int, rng: np.random.Generator
) -> float:
    return listener.rating(stage.pool.windows[row], stage.pool.sound[row], number, rng)


def _gaussian_process(
    stage: Stage,
    listener: Listener,
    songs: np.ndarray,
    judged: np.ndarray,
    rng: np.random.Generator,
) -> int:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    coordinates = stage.pool.coordinates.astype(np.float64)
    coordinates = (coordinates - coordinates.mean(axis=0)) / coordinates.std(axis=0)
    kernel = ConstantKernel(0.2) * Matern(
        np.sqrt(coordinates.shape[1]), (1.0, 100.0), nu=2.5
    ) + WhiteKernel(0.05, (1e-3, 1.0))
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    rows: list[int] = []
    ratings: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of hyperparameters at their bounds
        for number in range(RATINGS):
            candidates = np.setdiff1d(rng.choice(songs, CANDIDATES, replace=False), rows)
            row = int(candidates[0])
            if number >= FIRST:
                model.fit(coordinates[rows], ratings)
                mean, deviation = model.predict(coordinates[candidates], return_std=True)
                above = (mean - max(ratings)) / np.maximum(deviation, 1e-9)
                row = int(
                    candidates[np.argmax(deviation * (above * norm.cdf(above) + norm.pdf(above)))]
                )
            rows.append(row)
            ratings.append(_rate(stage, listener, row, number, rng))
        model.fit(coordinates[rows], ratings)
    return int(judged[np.argmax(model.predict(coordinates[judged]))])


def _ranking(stage: Stage, heard: np.ndarray, ratings: np.ndarray, judged: np.ndarray) -> int:
    # the principal components of the critic's layer means
    features = stage.features[:, :24] / stage.features[:, :24].std(axis=0)
    better, worse = np.nonzero(ratings[:, None] > ratings[None] + 0.05)
    differences = features[heard[better]] - features[heard[worse]]
    weights = np.zeros(features.shape[1])
    for _ in range(STEPS):
        unsure = 1 / (1 + np.exp(differences @ weights))
        weights += RATE * (differences.T @ unsure / max(len(differences), 1) - DECAY * weights)
    return int(judged[np.argmax(features[judged] @ weights)])
