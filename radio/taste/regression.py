"""Learns ratings from the features of songs: predicts the next ones, and chooses what to play.

    regression.observe(features (K,), rating)
    regression.predict(features (N, K)) -> (mean (N,), std (N,))
    regression.choose(features (N, K), rng, explore) -> index

Ratings are queued by any thread and learned before the next prediction, all of them anew.
"""

from __future__ import annotations

import threading

import numpy as np

from radio.taste.exploration import DEFAULT_WAY, WAYS, Explore
from radio.taste.mixture import BayesianMixture
from radio.taste.observation import Observation, curves

# Standard deviations that 'ucb' adds to the mean. Chosen, not compared with other values; with it
# listeners are known as early as with songs chosen for what they tell (docs/taste.md).
CURIOSITY = 0.4
# Of the covariance that 'thompson' draws with. Chosen, not measured: the whole explores too much.
THOMPSON_SHARE = 0.1


class RatingRegression:
    """Bayesian regression from features to ratings.

    Args:
        sizes: number of features of each group, as in BayesianMixture.
    """

    def __init__(self, sizes: tuple[int, int, int, int]) -> None:
        self._sizes, self.size = sizes, sum(sizes)
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Forget all ratings."""
        with self._lock:
            self._ratings: list[Observation] = []
            self._queue: list[Observation] = []
            self.mixture = BayesianMixture(self._sizes)

    @property
    def count(self) -> int:
        """Number of ratings, queued ones included."""
        return len(self._ratings) + len(self._queue)

    def observe(
        self,
        features: np.ndarray,
        rating: float,
        weight: float = 1.0,
        targets: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Queue a rating; see Taste.observe.

        Raises:
            ValueError: if the shape of the features, the rating or its weight is out of range.
        """
        if features.shape != (self.size,):
            raise ValueError(
                f"the features of a song have shape ({self.size},), not {features.shape}"
            )
        if not (-1 <= rating <= 1 and weight >= 0):
            raise ValueError(
                "a rating lies between -1 and 1 and its weight is not negative, not "
                f"{rating} and {weight}"
            )
        rows, values = (np.zeros((0, self.size)), np.zeros(0)) if targets is None else targets
        observation = Observation(
            features.astype(np.float64), float(rating), float(weight), rows, values
        )
        with self._lock:
            self._queue.append(observation)

    def learn(self) -> None:
        """Learn the queued ratings, by solving the mixture anew for all ratings."""
        with self._lock:
            if self._queue:
                self._ratings.extend(self._queue)
                self._queue = []
                self.mixture.learn(
                    np.array([one.features for one in self._ratings]),
                    np.array([one.rating for one in self._ratings]),
                    np.array([one.weight for one in self._ratings]),
                    curves(self._ratings, self.size),
                )

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the standard deviation (N,) of the ratings of songs (N, K)."""
        self.learn()
        mean, deviation = self.mixture.forward(features.astype(np.float64))[0].T
        return mean, deviation

    def choose(
        self, features: np.ndarray, rng: np.random.Generator, explore: Explore = DEFAULT_WAY
    ) -> int:
        """Return the index of the candidate (N, K) to play next; see Taste.choose.

        Raises:
            ValueError: for an unknown way to explore.
        """
        if explore not in WAYS:
            raise ValueError(f"unknown way to explore {explore!r}: choose one of {', '.join(WAYS)}")
        if explore == "random" or not self.count:
            return int(rng.integers(len(features)))
        mean, deviation = self.predict(features)
        if explore == "thompson":
            weights, _ = self.mixture.draw(rng, share=THOMPSON_SHARE)
            return int(np.argmax(features @ weights))
        return int(np.argmax(mean + CURIOSITY * deviation if explore == "ucb" else mean))
