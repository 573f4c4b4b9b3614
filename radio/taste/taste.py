"""The taste network: predicts a listener's rating of a song, and how certain that is.

    D(S) = copy of the critic's trunk -> means over time, sound statistics, tempo, key
           -> projection, quadratic features -> mixture of Bayesian linear layers -> rating r

    taste.fit_pool(steps, coordinates)           once per station, on some of its songs
    taste.observe(features, rating)              learned exactly, in milliseconds
    taste.curve_targets(segments, curve, ...)    training targets from a slider's curve
    taste.predict(features) -> (mean, std)
    taste.choose(features, rng, explore) -> index
    taste.objective(decode) -> objective         for gan.descent: the loss L = (1 - r) / 2 of a
                                                 cautious rating r = mean - caution std

Letters: S steps, B batch, F features of a step, C coordinates beside z (tempo and key, or none), A
facts of its form, K features of a song. `coordinates` are both, (B, C + A); docs/taste.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from audio_parsing.frames import FRAME_SIZE
from gan.critic import Critic
from radio.ratings import STILL, moments_of, without_drift
from radio.station import SequenceModel, Station
from radio.taste.decode import Decode
from radio.taste.exploration import DEFAULT_WAY, Explore
from radio.taste.features import SongFeatures
from radio.taste.regression import RatingRegression

# Standard deviations that a cautious rating lies below the mean, where the adapter is trained.
# Chosen, not measured; that of the final song is, see radio/composer/final_song.py.
DEFAULT_CAUTION = 0.5
CHUNK = 4  # songs in the trunk at once: 8 MB each; more at once take no less time
SEGMENTS = 16  # of a song, each a training target where a slider's curve covers it
FEWEST_SEGMENTS = 4  # that a curve must cover


class Taste:
    """A listener's taste on one station.

    Args:
        critic: the station's; its trunk is copied and stays as it is.
        extra: C, columns of P beside z.
        facts: A, of a song's form.
        frame_size, model: of SongFeatures.
    """

    def __init__(
        self,
        critic: Critic,
        *,
        extra: int = 2,
        facts: int = 0,
        frame_size: int = FRAME_SIZE,
        model: SequenceModel | None = None,
    ) -> None:
        self._songs = SongFeatures(critic, extra, facts=facts, frame_size=frame_size, model=model)
        self._regression: RatingRegression | None = None

    @classmethod
    def of(cls, station: Station) -> Taste:
        """Return a taste of a station that has learned nothing."""
        beside = station.coordinates.shape[1]
        return cls(
            station.critic,
            extra=beside,
            facts=station.known_size - beside,
            model=station.model,
        )

    @property
    def count(self) -> int:
        """Number of ratings it has learned from."""
        return 0 if self._regression is None else self._regression.count

    @property
    def size(self) -> int:
        """K, the number of a song's features."""
        return self._songs.size

    @property
    def noise(self) -> float:
        """Standard deviation of a rating around the listener's true liking."""
        return self._fitted().mixture.noise

    @property
    def prefers_middle(self) -> float:
        """Probability that the listener prefers a middle value, of the sound or of the form."""
        self.learn()
        return self._fitted().mixture.prefers_middle

    def fit_pool(
        self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray
    ) -> np.ndarray:
        """Fit standardisation and projection to some songs of the station; forget all ratings.

        Args:
            steps: (S, N, F), or a list of N songs' frames (T, frame_size).
            coordinates: (N, C + A).

        Returns:
            The features (N, K) of these songs.

        Raises:
            ValueError: for fewer than two songs.
        """
        raw = self._raw(steps, coordinates)
        if len(raw) < 2:
            raise ValueError("a taste needs at least two songs of its station to begin with")
        raw = self._songs.fit(raw)
        self._regression = RatingRegression(self._songs.sizes)
        return self._songs.forward(raw)[0]

    def share_pool(self, other: Taste) -> None:
        """Use what `fit_pool` of another taste of the station has fitted; forget all ratings."""
        self._songs = other._songs
        self._regression = RatingRegression(self._songs.sizes)

    def features(
        self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray
    ) -> np.ndarray:
        """Return the features (N, K) of songs given as in `fit_pool`."""
        return self._songs.forward(self._raw(steps, coordinates))[0]

    def segments(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return features (B, SEGMENTS, linear + factors) of the segments of songs (S, B, F)."""
        return self._songs.segments(steps, coordinates, SEGMENTS).astype(np.float32)

    def curve_targets(
        self, segments: np.ndarray, curve: np.ndarray, *, delay: float, seconds: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return differences in features (m, K) and on the slider (m,) of a song's segments.

        Both are differences from the song's mean, without linear drift; m is 0 for a curve that is
        too short or does not move.

        Args:
            segments: (SEGMENTS, linear + factors) of the song.
            curve: (k, 2) seconds and slider.
            delay: the listener's reaction time in seconds.
            seconds: duration of the song.
        """
        slider = moments_of(curve, delay=delay, seconds=seconds, count=len(segments))
        covered = np.isfinite(slider)
        if covered.sum() < FEWEST_SEGMENTS or np.ptp(slider[covered]) < STILL:
            return np.zeros((0, self.size)), np.zeros(0)
        differences = self._songs.differences(segments.astype(np.float64))[covered]
        return without_drift(differences, np.flatnonzero(covered).astype(float)), slider[covered]

    def observe(
        self,
        features: np.ndarray,
        rating: float,
        weight: float = 1.0,
        targets: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Queue a rating; it is learned before the next prediction.

        Args:
            features: (K,) of the song.
            rating: in [-1, 1].
            weight: how much it counts.
            targets: of `curve_targets`.

        Raises:
            ValueError: if the shape of the features, the rating or its weight is out of range.
        """
        self._fitted().observe(features, rating, weight, targets)

    def learn(self) -> None:
        """Learn the queued ratings now, not at the next prediction."""
        self._fitted().learn()

    def forget(self) -> None:
        """Forget all ratings, but not the station's statistics."""
        self._fitted().forget()

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the standard deviation (N,) of the ratings of songs (N, K)."""
        return self._fitted().predict(features)

    def predict_moments(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return the predicted rating of every moment (S, B).

        Their mean over a song is the predicted rating of the song: each moment is scored by the
        slope of the prediction at the song, which for linear features is the prediction itself.
        """
        raw, _, predicted, cache = self._forward(steps, coordinates)
        slope = self._backward(np.eye(1, 2).repeat(len(raw), axis=0), cache)
        return self._songs.score_moments(steps, coordinates, slope) + predicted[:, 0]

    def causes(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return the causes (S, B, Q, 2) of every moment's predicted rating; see causes.py."""
        raw, _, _, cache = self._forward(steps, coordinates)
        slope = self._backward(np.eye(1, 2).repeat(len(raw), axis=0), cache)
        return self._songs.causes(steps, coordinates, slope)

    def value_and_gradient(
        self, steps: np.ndarray, coordinates: np.ndarray, *, caution: float = DEFAULT_CAUTION
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean - caution * std (B,) and its gradients (S, B, F) and (B, C + A)."""
        values, dsteps, dcoordinates = [], np.empty_like(steps), np.empty(coordinates.shape)
        for piece in _pieces(steps):
            some = np.ascontiguousarray(steps[:, piece])
            raw, raw_cache, predicted, cache = self._forward(some, coordinates[piece])
            draw = self._backward(np.tile([1.0, -caution], (len(raw), 1)), cache)
            dsteps[:, piece], dcoordinates[piece] = self._songs.raw_backward(draw, raw_cache)
            values.append(predicted[:, 0] - caution * predicted[:, 1])
        return np.concatenate(values), dsteps, dcoordinates

    def objective(
        self, decode: Decode, *, caution: float = DEFAULT_CAUTION
    ) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return an objective: P -> L = (1 - (mean - caution std)) / 2 and dL/dP.

        Args:
            decode: see radio/taste/decode.py.
            caution: 0 for the mean alone.
        """

        def objective(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            steps, beside, backward = decode(coordinates)
            value, dsteps, dbeside = self.value_and_gradient(steps, beside, caution=caution)
            return (1 - value) / 2, backward(-dsteps / 2, -dbeside / 2)

        return objective

    def choose(
        self, features: np.ndarray, rng: np.random.Generator, explore: Explore = DEFAULT_WAY
    ) -> int:
        """Return the index of the candidate (N, K) to play next.

        Before the first rating it is random. Later: 'random'; 'greedy', the highest mean;
        'thompson', the best under weights drawn from the posterior; 'ucb', the highest mean +
        CURIOSITY * std.

        Raises:
            ValueError: for an unknown way to explore.
        """
        return self._fitted().choose(features, rng, explore)

    def _raw(self, steps: np.ndarray | Sequence[np.ndarray], coordinates: np.ndarray) -> np.ndarray:
        if not isinstance(steps, np.ndarray):
            features = self._songs.statistics.frames * self._songs.statistics.frame_size
            steps = np.stack([frames.reshape(-1, features) for frames in steps], axis=1)
        return np.concatenate(
            [
                self._songs.raw(np.ascontiguousarray(steps[:, piece]), coordinates[piece])[0]
                for piece in _pieces(steps)
            ]
        )

    def _forward(
        self, steps: np.ndarray, coordinates: np.ndarray
    ) -> tuple[np.ndarray, Any, np.ndarray, Any]:
        """Return raw features and their cache, [mean, std] (B, 2) and the cache of `_backward`."""
        self.learn()
        raw, raw_cache = self._songs.raw(steps, coordinates)
        features, songs = self._songs.forward(raw)
        predicted, mixture = self._fitted().mixture.forward(features)
        return raw, raw_cache, predicted, (songs, mixture)

    def _backward(self, dpredicted: np.ndarray, cache: Any) -> np.ndarray:
        """Return the gradient of the raw features (B, R) for that of mean and std (B, 2)."""
        songs, mixture = cache
        return self._songs.backward(self._fitted().mixture.backward(dpredicted, mixture), songs)

    def _fitted(self) -> RatingRegression:
        if self._regression is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        return self._regression


def _pieces(steps: np.ndarray) -> list[slice]:
    """Return slices of CHUNK songs of steps (S, B, F)."""
    return [slice(start, start + CHUNK) for start in range(0, steps.shape[1], CHUNK)]
