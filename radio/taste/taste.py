"""The taste network: predicts how a listener will rate a song, learns from every rating at once, and knows how sure it is.

    D(S) = copy of the critic's trunk -> means over time, what is heard, tempo, key -> projection,
    bend -> Bayesian heads -> rating r

    taste.fit_pool(steps, coordinates)            once per station, on some of its songs
    taste.observe(features, rating)               a few milliseconds; the Bayesian heads are the last layer, and are solved exactly
    taste.told(stretches, curve, ...)             what a slider's curve says of a song's moments, for `observe` to learn from as well
    taste.predict(features) -> (mean, std)        taste.choose(features, rng, explore) -> index
    taste.objective(decode) -> objective          for gan.descent: the loss L = (1 - r) / 2 of a cautious r = mean - 0.5 std

Letters: S steps, B batch, F features of a step, C coordinates beside z (tempo and key, or none), K
features of a song.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from audio_parsing.frames import FRAME_SIZE
from gan.critic import Critic
from neural_networks.components.module import Module
from neural_networks.training.checkpoint import load_arrays, save_arrays
from radio.ratings.reaction_delay import STILL, moments_of, without_drift
from radio.taste.features import SongFeatures
from radio.taste.mixture import Heads

Explore = Literal["random", "greedy", "thompson", "ucb"]
# Takes P (B, D); returns steps (S, B, F), coordinates (B, C), and a function (dsteps, dcoordinates)
# -> dP.
Decode = Callable[
    [np.ndarray], tuple[np.ndarray, np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]
]

CAUTION = 0.5  # standard deviations that a cautious value lies below the mean
CURIOSITY = 0.4  # standard deviations that 'ucb' adds to the mean
FIRST_RANDOM = 5  # ratings before a choice is more than random
THOMPSON_SHARE = 0.1  # of the covariance; all of it explores too much
CHUNK = 16  # songs through the trunk at once
STRETCHES = 16  # of a song, each of which a slider's curve says something of
FEWEST_STRETCHES = 4  # that a curve must speak of


class Observation(NamedTuple):
    """A rating as it is learned.

    Attributes:
        features: (K,) of the song.
        rating: in [-1, 1].
        weight: how much it counts.
        moments: (m, K) how moments of the song differ from it.
        told: (m,) how the slider differed there.
    """

    features: np.ndarray
    rating: float
    weight: float
    moments: np.ndarray
    told: np.ndarray


class Taste:
    """A listener's taste on one station.

    Args:
        critic: the station's; its trunk is copied and stays as it is.
        extra: C, columns of P beside z.
        frame_size: values of a frame.
    """

    def __init__(self, critic: Critic, *, extra: int = 2, frame_size: int = FRAME_SIZE) -> None:
        self._songs = SongFeatures(critic, extra, frame_size=frame_size)
        self._heads: Heads | None = None
        self._ratings: list[Observation] = []
        self._queue: list[Observation] = []
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many ratings it has learned from."""
        return len(self._ratings) + len(self._queue)

    @property
    def size(self) -> int:
        """K, the size of a song's features."""
        return self._songs.size

    @property
    def noise(self) -> float:
        """How far a rating is thought to be from what is meant."""
        return self._fitted().noise

    @property
    def middle(self) -> float:
        """How likely it is, from 0 to 1, that the listener likes a middle best of what may be too much as well as too little."""
        self.learn()
        return self._fitted().middle

    def fit_pool(
        self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray
    ) -> np.ndarray:
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
        raw = self._songs.fit(raw)
        self.forget()
        return self._songs.forward(raw)[0]

    def features(
        self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray
    ) -> np.ndarray:
        """Return what the last layer sees (N, K), of songs as in `fit_pool`."""
        return self._songs.forward(self._raw(steps, coordinates))[0]

    def stretches(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return what of the stretches of songs (S, B, F) is needed to learn from curves: (B, STRETCHES, E + facts), float32."""
        return self._songs.stretches(steps, coordinates, STRETCHES).astype(np.float32)

    def told(
        self, stretches: np.ndarray, curve: np.ndarray, *, delay: float, seconds: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what a curve says of a song's moments: how each differs in features (m, K) and on the slider (m,), no drift in either.

        Args:
            stretches: (STRETCHES, E + facts) of the song.
            curve: (k, 2) seconds and slider.
            delay: seconds by which the hand follows the ear.
            seconds: the song lasts.
        """
        told = moments_of(curve, delay=delay, seconds=seconds, count=len(stretches))
        said = np.isfinite(told)
        if said.sum() < FEWEST_STRETCHES or np.ptp(told[said]) < STILL:
            return np.zeros((0, self.size)), np.zeros(0)
        differences = self._songs.differences(stretches.astype(np.float64))[said]
        return without_drift(differences, np.flatnonzero(said).astype(float)), told[said]

    def observe(
        self,
        features: np.ndarray,
        rating: float,
        weight: float = 1.0,
        told: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Put a rating into the queue; it is learned before the next prediction.

        Args:
            features: (K,) of the song.
            rating: in [-1, 1].
            weight: how much it counts.
            told: what the slider said of the song's moments, of `told`.

        Raises:
            ValueError: if the features are no song's of this station, or the rating or its weight
                is out of range.
        """
        if features.shape != (self.size,):
            raise ValueError(
                f"the features of a song have shape ({self.size},), not {features.shape}"
            )
        if not (-1 <= rating <= 1 and weight >= 0):
            raise ValueError(
                f"a rating lies between -1 and 1 and its weight is not negative, not {rating} and {weight}"
            )
        with self._lock:
            rows, values = (np.zeros((0, self.size)), np.zeros(0)) if told is None else told
            self._queue.append(
                Observation(features.astype(np.float64), float(rating), float(weight), rows, values)
            )

    def learn(self) -> None:
        """Learn from the queue: the heads are solved anew for all ratings, those that waited among them."""
        with self._lock:
            if self._queue:
                self._ratings.extend(self._queue)
                self._queue = []
                features, ratings, weights = (
                    np.array([one[place] for one in self._ratings]) for place in range(3)
                )
                self._fitted().learn(features, ratings, weights, self._moments_told())

    def forget(self) -> None:
        """Forget all ratings; what the station's songs look like stays known."""
        with self._lock:
            self._ratings, self._queue = [], []
            self._heads = Heads(self._songs.even, self._songs.bend.size)

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the standard deviation (N,) of the ratings of songs (N, K)."""
        self.learn()
        mean, deviation = self._fitted().forward(features.astype(np.float64))[0].T
        return mean, deviation

    def predict_moments(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return the predicted rating of every moment (S, B); its mean over a song is the song's predicted mean.

        The moments are scored before pooling: each by the judgement's slope at the song, which for
        what is linear is the judgement itself.
        """
        self.learn()
        raw, cache = self._songs.raw(steps, coordinates)
        features, features_cache = self._songs.forward(raw)
        predicted, heads = self._fitted().forward(features)
        slope = self._songs.backward(
            self._fitted().backward(np.eye(1, 2).repeat(len(raw), axis=0), heads), features_cache
        )
        moments, _ = self._songs.moments(steps, coordinates)
        curve = np.zeros(steps.shape[:2])
        start = 0
        for moment in moments:
            weights = slope[:, start : start + moment.shape[2]]
            part = np.einsum("sbf,bf->sb", moment.astype(np.float64), weights)
            start += moment.shape[2]
            # A layer of stride 2 or 4 has a value for 2 or 4 steps.
            spread = np.repeat(part, -(-len(steps) // len(part)), axis=0)[: len(steps)]
            curve += spread - spread.mean(axis=0)
        return curve + predicted[:, 0]

    def value_and_gradient(
        self, steps: np.ndarray, coordinates: np.ndarray, *, caution: float = CAUTION
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean - caution * std (B,), and its gradient at every moment (S, B, F) and for tempo and key (B, C)."""
        self.learn()
        raw, raw_cache = self._songs.raw(steps, coordinates)
        features, features_cache = self._songs.forward(raw)
        predicted, heads = self._fitted().forward(features)
        dfeatures = self._fitted().backward(np.tile([1.0, -caution], (len(raw), 1)), heads)
        dsteps, dcoordinates = self._songs.raw_backward(
            self._songs.backward(dfeatures, features_cache), raw_cache
        )
        return predicted[:, 0] - caution * predicted[:, 1], dsteps, dcoordinates

    def objective(
        self, decode: Decode, *, caution: float = CAUTION
    ) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
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

    def choose(
        self, features: np.ndarray, rng: np.random.Generator, explore: Explore = "ucb"
    ) -> int:
        """Return which of the candidates (N, K) to play next.

        The first is random, the next ones, until there are FIRST_RANDOM ratings, are what is least
        like those rated. Later: 'random' still; 'greedy' the highest mean; 'thompson' the best
        under weights drawn from the posterior; 'ucb' the highest mean + CURIOSITY * std.

        Raises:
            ValueError: for another way to explore.
        """
        if explore not in get_args(Explore):
            raise ValueError(
                f"unknown way to explore {explore!r}: choose one of {', '.join(get_args(Explore))}"
            )
        if explore == "random" or not self.count:
            return int(rng.integers(len(features)))
        if self.count < FIRST_RANDOM:
            return self._least_alike(features)
        mean, deviation = self.predict(features)
        if explore == "thompson":
            weights, _ = self._fitted().draw(rng, share=THOMPSON_SHARE)
            return int(np.argmax(features @ weights))
        return int(np.argmax(mean + CURIOSITY * deviation if explore == "ucb" else mean))

    def _least_alike(self, features: np.ndarray) -> int:
        self.learn()
        rated = np.array([one.features for one in self._ratings])[:, : self._songs.even]
        candidates = features[:, : self._songs.even].astype(np.float64)
        lengths = np.linalg.norm(candidates, axis=1)[:, None] * np.linalg.norm(rated, axis=1)
        return int(np.argmin((candidates @ rated.T / np.maximum(lengths, 1e-12)).max(axis=1)))

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
            "usual": self._songs.statistics.usual.copy(),
            "features": np.array([one.features for one in ratings]).reshape(-1, self.size),
            "ratings": np.array([one.rating for one in ratings]),
            "weights": np.array([one.weight for one in ratings]),
            **dict(zip(("moments", "told", "of"), self._moments_told(), strict=True)),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take back what `state` returned, by learning its ratings again.

        Raises:
            ValueError: if it belongs to another station.
        """
        missing = {
            "projection",
            "projection_bias",
            "usual",
            "features",
            "ratings",
            "weights",
            "moments",
            "told",
            "of",
        } - state.keys()
        if missing:
            raise ValueError(f"a taste's state lacks {', '.join(sorted(missing))}")
        if state["usual"].shape != self._songs.statistics.usual.shape:
            raise ValueError(
                f"usual levels of shape {state['usual'].shape} do not fit this taste's {self._songs.statistics.usual.shape}"
            )
        self._songs.set_projection(state["projection"], state["projection_bias"])
        self._songs.statistics.usual = state["usual"].astype(np.float64)
        self.forget()
        for number, rated in enumerate(
            zip(state["features"], state["ratings"], state["weights"], strict=True)
        ):
            own = state["of"] == number
            self.observe(
                rated[0],
                float(rated[1]),
                float(rated[2]),
                (state["moments"][own], state["told"][own]),
            )
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
        return np.concatenate(
            [
                self._songs.raw(np.ascontiguousarray(steps[:, piece]), coordinates[piece])[0]
                for piece in pieces
            ]
        )

    def _moments_told(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return everything that curves said: differences in features (m, K) and on the slider (m,), and of which rating (m,)."""
        rows = np.concatenate([np.zeros((0, self.size)), *(one.moments for one in self._ratings)])
        values = np.concatenate([np.zeros(0), *(one.told for one in self._ratings)])
        return (
            rows,
            values,
            np.repeat(np.arange(len(self._ratings)), [len(one.told) for one in self._ratings]),
        )

    def _fitted(self) -> Heads:
        if self._heads is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        return self._heads


def through(decoder: Module, latent_size: int, *, dtype: type = np.float32) -> Decode:
    """Return the `Decode` of a generator: P = [z (Z,), tempo, key]; tempo and key go past it."""

    def decode(
        coordinates: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
        steps, cache = decoder.forward(np.ascontiguousarray(coordinates[:, :latent_size], dtype))

        def backward(dsteps: np.ndarray, dcoordinates: np.ndarray) -> np.ndarray:
            dz = decoder.backward(dsteps.astype(dtype, copy=False), cache)
            return np.concatenate([dz.astype(np.float64), dcoordinates], axis=1)

        return steps, coordinates[:, latent_size:], backward

    return decode
