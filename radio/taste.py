"""The taste network: predicts how a listener will rate a song, learns from every rating at once, and knows how sure it is.

    D(S) = copy of the critic's trunk -> means over time, statistics, tempo, key -> projection -> Bayesian layer -> rating r in [-1, 1]

    taste.fit_pool(steps, coordinates)            once per station, on some of its songs
    taste.observe(features, rating)               a few milliseconds; the Bayesian layer is the last layer, and is solved exactly
    taste.predict(features) -> (mean, std)        taste.choose(features, rng, explore) -> index
    taste.objective(decode) -> objective          for gan.descent: the loss L = (1 - r) / 2 of a cautious r = mean - 0.5 std

Letters: S steps, B batch, F features of a step, C coordinates beside z (tempo and key, or none), K features of a song.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from gan.critic import Critic
from neural_networks.components.checkpoint import load_arrays, save_arrays
from neural_networks.components.module import Module
from radio.bayesian import BayesianDense
from radio.taste_features import FRAME_SIZE, SongFeatures

Explore = Literal["random", "greedy", "thompson", "ucb"]
# Takes P (B, D); returns steps (S, B, F), coordinates (B, C), and a function (dsteps, dcoordinates) -> dP.
Decode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]]

PRIOR_PRECISION = 1.0
RATING_NOISE = 0.5
CAUTION = 0.5  # standard deviations that a cautious value lies below the mean
FIRST_RANDOM = 5  # ratings before a choice is more than random
THOMPSON_SHARE = 0.1  # of the covariance; all of it explores too much
CHUNK = 16  # songs through the trunk at once


class Taste:
    """A listener's taste on one station.

    Args:
        critic: the station's; its trunk is copied and stays as it is.
        extra: C, columns of P beside z.
        frame_size: values of a frame.
    """

    def __init__(self, critic: Critic, *, extra: int = 2, frame_size: int = FRAME_SIZE) -> None:
        self._songs = SongFeatures(critic, extra, frame_size=frame_size)
        self._head: BayesianDense | None = None
        self._ratings: list[tuple[np.ndarray, float, float]] = []
        self._queue: list[tuple[np.ndarray, float, float]] = []
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many ratings it has learned from."""
        return len(self._ratings) + len(self._queue)

    @property
    def size(self) -> int:
        """K, the size of a song's features."""
        return self._songs.size

    def fit_pool(self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray) -> np.ndarray:
        """Choose standardisation and projection from some songs of the station, and forget all ratings.

        Args:
            steps: (S, N, F), or a list of N songs' frames (T, frame_size).
            coordinates: (N, C).

        Returns:
            The features (N, K) of these songs.

        Raises:
            ValueError: for fewer than two songs.
        """
        raw = self._raw(steps, coordinates)
        if len(raw) < 2:
            raise ValueError("a taste needs at least two songs of its station to begin with")
        self._songs.fit(raw)
        self.forget()
        return self._project(raw)

    def features(self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray) -> np.ndarray:
        """Return what the last layer sees (N, K), of songs as in `fit_pool`."""
        return self._project(self._raw(steps, coordinates))

    def observe(self, features: np.ndarray, rating: float, weight: float = 1.0) -> None:
        """Put a rating into the queue; it is learned before the next prediction.

        Args:
            features: (K,) of the song.
            rating: in [-1, 1].
            weight: how much it counts.

        Raises:
            ValueError: if the features are no song's of this station, or the rating or its weight is out of range.
        """
        if features.shape != (self.size,):
            raise ValueError(f"the features of a song have shape ({self.size},), not {features.shape}")
        if not (-1 <= rating <= 1 and weight >= 0):
            raise ValueError(f"a rating lies between -1 and 1 and its weight is not negative, not {rating} and {weight}")
        with self._lock:
            self._queue.append((features.astype(np.float64), float(rating), float(weight)))

    def learn(self) -> None:
        """Learn from the queue: one exact update of the Bayesian layer with all that waits."""
        with self._lock:
            if self._queue:
                features, ratings, weights = (np.array(column) for column in zip(*self._queue, strict=True))
                self._fitted_head().observe(features, ratings, weights)
                self._ratings.extend(self._queue)
                self._queue = []

    def forget(self) -> None:
        """Forget all ratings; what the station's songs look like stays known."""
        with self._lock:
            self._ratings, self._queue = [], []
            self._head = BayesianDense(self.size, prior_precision=PRIOR_PRECISION, noise=RATING_NOISE)

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the standard deviation (N,) of the ratings of songs (N, K)."""
        self.learn()
        head = self._fitted_head()
        return head.forward(features.astype(np.float64))[0][:, 0], head.deviation(features)[0]

    def predict_moments(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return the predicted rating of every moment (S, B); its mean over a song is the song's predicted mean.

        The moments are scored before pooling: each is the last layer's linear judgement of that moment's own activations.
        """
        self.learn()
        songs, head = self._songs, self._fitted_head()
        project = songs.project
        assert project is not None
        weight = (project.weight.value @ head.weight.value)[:, 0]
        moments, _ = songs.moments(steps)
        curve = np.zeros(steps.shape[:2])
        start = 0
        for moment in moments:
            part = moment.astype(np.float64) @ weight[start : start + moment.shape[2]]
            start += moment.shape[2]
            # A layer of stride 2 or 4 has a value for 2 or 4 steps; where they don't come out even the mean is put right.
            stride = -(-len(steps) // len(part))
            spread = np.repeat(part, stride, axis=0)[: len(steps)]
            curve += spread + (part.mean(axis=0) - spread.mean(axis=0))
        rest = coordinates @ weight[start:] + project.bias.value @ head.weight.value[:, 0] + head.bias.value[0]
        return curve + rest

    def value_and_gradient(
        self, steps: np.ndarray, coordinates: np.ndarray, *, caution: float = CAUTION
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean - caution * std (B,), and its gradient at every moment (S, B, F) and for tempo and key (B, C)."""
        self.learn()
        head = self._fitted_head()
        raw, raw_cache = self._songs.raw(steps, coordinates)
        project = self._songs.project
        assert project is not None
        features, project_cache = project.forward(raw)
        mean, head_cache = head.forward(features)
        deviation, deviation_cache = head.deviation(features)
        ones = np.ones_like(deviation)
        dfeatures = head.backward(ones[:, None], head_cache) + head.deviation_backward(-caution * ones, deviation_cache)
        dsteps, dcoordinates = self._songs.raw_backward(project.backward(dfeatures, project_cache), raw_cache)
        return mean[:, 0] - caution * deviation, dsteps, dcoordinates

    def objective(self, decode: Decode, *, caution: float = CAUTION) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return the objective of a descent: the loss L = (1 - (mean - caution std)) / 2 of coordinates P, and dL/dP.

        Args:
            decode: see `Decode`; `through(decoder, latent_size)` makes one.
            caution: 0 for the mean alone.
        """

        def objective(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            steps, beside, backward = decode(coordinates)
            value, dsteps, dbeside = self.value_and_gradient(steps, beside, caution=caution)
            return (1 - value) / 2, backward(-dsteps / 2, -dbeside / 2)

        return objective

    def choose(self, features: np.ndarray, rng: np.random.Generator, explore: Explore = "greedy") -> int:
        """Return which of the candidates (N, K) to play next.

        The first FIRST_RANDOM songs are random. Later: 'random' still; 'greedy' the highest mean; 'thompson' the best under weights
        drawn from the posterior; 'ucb' the highest mean + CAUTION * std.

        Raises:
            ValueError: for another way to explore.
        """
        if explore not in get_args(Explore):
            raise ValueError(f"unknown way to explore {explore!r}: choose one of {', '.join(get_args(Explore))}")
        if explore == "random" or self.count < FIRST_RANDOM:
            return int(rng.integers(len(features)))
        mean, deviation = self.predict(features)
        if explore == "thompson":
            weights, _ = self._fitted_head().draw(rng, share=THOMPSON_SHARE)
            return int(np.argmax(features @ weights))
        return int(np.argmax(mean + CAUTION * deviation if explore == "ucb" else mean))

    def state(self) -> dict[str, np.ndarray]:
        """Return the projection and all ratings as arrays; the trunk is the station's critic and is not repeated.

        Raises:
            ValueError: before `fit_pool`.
        """
        project = self._songs.project
        if project is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        self.learn()
        ratings = self._ratings
        return {
            "projection": project.weight.value.copy(),
            "projection_bias": project.bias.value.copy(),
            "features": np.array([features for features, _, _ in ratings]).reshape(-1, self.size),
            "ratings": np.array([rating for _, rating, _ in ratings]),
            "weights": np.array([weight for _, _, weight in ratings]),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned, by learning its ratings again.

        Raises:
            ValueError: if it belongs to another station.
        """
        missing = {"projection", "projection_bias", "features", "ratings", "weights"} - state.keys()
        if missing:
            raise ValueError(f"a taste's state lacks {', '.join(sorted(missing))}")
        self._songs.set_projection(state["projection"], state["projection_bias"])
        self.forget()
        for features, rating, weight in zip(state["features"], state["ratings"], state["weights"], strict=True):
            self.observe(features, float(rating), float(weight))
        self.learn()

    def save(self, path: Path) -> None:
        """Write the state into one file, atomically."""
        save_arrays(path, self.state(), {"kind": "taste"})

    def load(self, path: Path) -> None:
        """Read what `save` wrote.

        Raises:
            CheckpointError: if the file is damaged.
            ValueError: if it is not of this station.
        """
        arrays, configuration = load_arrays(path)
        if configuration.get("kind") != "taste":
            raise ValueError(f"{path} does not hold a taste")
        self.restore(arrays)

    def _raw(self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray) -> np.ndarray:
        if not isinstance(steps, np.ndarray):
            features = self._songs.statistics.frames * self._songs.statistics.frame_size
            steps = np.stack([frames.reshape(-1, features) for frames in steps], axis=1)
        count = steps.shape[1]
        pieces = [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]
        return np.concatenate([self._songs.raw(np.ascontiguousarray(steps[:, piece]), coordinates[piece])[0] for piece in pieces])

    def _project(self, raw: np.ndarray) -> np.ndarray:
        if self._songs.project is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        return self._songs.project.forward(raw)[0]

    def _fitted_head(self) -> BayesianDense:
        if self._head is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        return self._head


def through(decoder: Module, latent_size: int, *, dtype: type = np.float32) -> Decode:
    """Return the `Decode` of a generator: P = [z (Z,), tempo, key]; tempo and key go past it."""

    def decode(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
        steps, cache = decoder.forward(np.ascontiguousarray(coordinates[:, :latent_size], dtype))

        def backward(dsteps: np.ndarray, dcoordinates: np.ndarray) -> np.ndarray:
            dz = decoder.backward(dsteps.astype(dtype, copy=False), cache)
            return np.concatenate([dz.astype(np.float64), dcoordinates], axis=1)

        return steps, coordinates[:, latent_size:], backward

    return decode
