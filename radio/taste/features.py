"""Features of a song for the taste network: the critic's layers, sound statistics, tempo and key.

    steps (S, B, F)    -> frozen trunk of the critic -> activations of each layer
    steps, tempo, key  -> sound statistics: levels, centroid, pitches, onsets, melody
    -> means over time, tempo, key, facts of the form (B, R)
    -> standardised, projected, quadratic features (B, K)

Everything before the means happens at every moment. So a linear judgement of a song is the mean of
judgements of its moments, and its gradient tells the moments apart. Letters: S steps, B batch, F
features of a step, C coordinates beside z (tempo, key; or none), A facts of its form, R raw
features, K features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audio_parsing.frames import FRAME_SIZE
from gan.critic import Critic
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module
from radio.station import STEP_SIZE, to_frames
from radio.taste.causes import causes_of
from radio.taste.quadratic import Quadratic
from radio.taste.sound_statistics import SoundStatistics

if TYPE_CHECKING:
    from radio.station import SequenceModel

COMPONENTS = 24  # principal components of the critic's layers
# Variance over a station's songs of each group of features. With weights of prior variance 1 it is
# the variance that the group may explain of a rating, whose own variance is about 0.2. Measured
# with benchmarks/taste.py.
LAYERS, LEVELS, SQUARES, CENTROID, PITCHES = 0.03, 0.05, 0.03, 0.05, 0.03
ONSETS, MELODY, COORDINATES, FORM, QUADRATIC = 0.05, 0.03, 0.03, 0.05, 0.05


class SongFeatures(Module):
    """The fixed part of a taste network: songs and coordinates -> features (B, K).

    Args:
        critic: its trunk is copied, the spectral norms folded into plain weights.
        coordinates: C.
        facts: A.
        frame_size: values of a frame.
        model: that makes frames of steps; None if steps are frames.
    """

    def __init__(
        self,
        critic: Critic,
        coordinates: int,
        *,
        facts: int = 0,
        frame_size: int = FRAME_SIZE,
        model: SequenceModel | None = None,
    ) -> None:
        self.trunk = critic.folded_trunk()
        self._model = model
        features = critic.features if model is None else STEP_SIZE
        self.statistics = SoundStatistics(features, coordinates, frame_size=frame_size)
        self.layer_size = len(self.trunk.layers) * critic.hidden
        self.raw_size = self.layer_size + self.statistics.size + coordinates + facts
        self.coordinates, self.facts = coordinates, facts
        self.melody = self.layer_size + self.statistics.size - 1
        self.project: Dense | None = None
        self._choose_factors()

    @property
    def linear(self) -> int:
        """Number of features that are linear in the raw ones; 0 before `fit`."""
        return 0 if self.project is None else self.project.weight.value.shape[1] - len(self.factors)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Number of linear features of sound and of coordinates, of products of both."""
        beside = self.coordinates + self.facts
        return self.linear - beside, beside, *self.quadratic.sizes

    @property
    def size(self) -> int:
        """K, the number of features; 0 before `fit`."""
        return 0 if self.project is None else self.linear + self.quadratic.size

    def raw(self, steps: np.ndarray, coordinates: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return [layer means, statistics, coordinates] (B, R), float64, and the cache."""
        moments, cache = self.moments(steps, coordinates)
        pooled = [m.mean(axis=0, dtype=np.float64) for m in moments]
        return np.concatenate([*pooled, coordinates], axis=1), (
            cache,
            [m.shape for m in moments],
            steps.dtype,
        )

    def raw_backward(self, draw: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return dsteps (S, B, F) and dcoordinates (B, C + A) for the gradient draw (B, R)."""
        (trunk, statistics), shapes, dtype = cache
        ends = np.cumsum([shape[2] for shape in shapes])
        *dpooled, dbeside = np.split(draw, ends, axis=1)
        dmoments = [
            np.broadcast_to((d / s[0]).astype(dtype), s)
            for d, s in zip(dpooled, shapes, strict=True)
        ]
        dsteps, dcoordinates = self.statistics.backward(dmoments[-1], statistics)
        if self._model is not None:
            dsteps = self._model.to_frames_backward(_frames(dsteps))
        dbeside[:, : self.coordinates] += dcoordinates
        return self.trunk.backward(dmoments[:-1], trunk) + dsteps, dbeside

    def moments(self, steps: np.ndarray, coordinates: np.ndarray) -> tuple[list[np.ndarray], Any]:
        """Return each layer's activations and the statistics before the means, and the cache."""
        activations, trunk = self.trunk.forward(steps)
        if self._model is not None:
            frames = self._model.to_frames(steps)
            steps = frames.reshape(len(frames), -1, STEP_SIZE).transpose(1, 0, 2)
        statistics, cache = self.statistics.forward(steps, coordinates[:, : self.coordinates])
        return [*activations, statistics], (trunk, cache)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the features (B, K) of raw ones (B, R), and the cache.

        Raises:
            ValueError: before `fit`.
        """
        if self.project is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        projected, project = self.project.forward(x)
        features, factors = self.quadratic.forward(projected)
        return features, (project, factors)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return the gradient of the raw features (B, R)."""
        assert self.project is not None
        project, factors = cache
        return self.project.input_gradient(self.quadratic.backward(dy, factors), project)

    def score_moments(
        self, steps: np.ndarray, coordinates: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Return moments (S, B) weighted by a slope (B, R), their mean over each song 0."""
        scores = np.zeros(steps.shape[:2])
        start = 0
        for moment in self.moments(steps, coordinates)[0]:
            weights = slope[:, start : start + moment.shape[2]]
            start += moment.shape[2]
            part = np.einsum("sbf,bf->sb", moment.astype(np.float64), weights)
            spread = _to_steps(part, len(steps))
            scores += spread - spread.mean(axis=0)
        return scores

    def causes(self, steps: np.ndarray, coordinates: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Return what has a name of the scores of moments, (S, B, Q, 2); see causes.py."""
        moments = self.moments(steps, coordinates)[0][-1].astype(np.float64)
        own = slope[:, self.layer_size : self.layer_size + self.statistics.size]
        return _to_steps(causes_of(self.statistics, moments, own), len(steps))

    def segments(self, steps: np.ndarray, coordinates: np.ndarray, count: int) -> np.ndarray:
        """Return the projected means (B, count, linear + factors) of equal segments of songs.

        A song with fewer steps than `count` has as many segments as steps.

        Raises:
            ValueError: before `fit`.
        """
        if self.project is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        starts = np.unique(np.linspace(0, len(steps), min(count, len(steps)) + 1).astype(int))
        lengths = np.diff(starts)[:, None, None]
        whole = (_to_steps(m, len(steps)) for m in self.moments(steps, coordinates)[0])
        means = [np.add.reduceat(m, starts[:-1], axis=0, dtype=np.float64) / lengths for m in whole]
        beside = np.broadcast_to(coordinates, (len(lengths), *coordinates.shape))
        raw = np.concatenate([*means, beside], axis=2).transpose(1, 0, 2)
        return raw @ self.project.weight.value + self.project.bias.value

    def differences(self, segments: np.ndarray) -> np.ndarray:
        """Return differences (m, K) in features between segments (m, linear + factors) and song."""
        song = segments.mean(axis=0)[None]
        return self.quadratic.forward(segments)[0] - self.quadratic.forward(song)[0]

    def fit(self, raw: np.ndarray) -> np.ndarray:
        """Fit standardisation and projection to raw features (N, R) of a pool of songs.

        Returns:
            The raw features with the new usual levels u, which change the squares: the mean of
            (l - u)^2 is that of (l - v)^2 plus 2 (v - u) mean l + u^2 - v^2.
        """
        levels, before = self.statistics.levels, self.statistics.usual
        first, second = (
            slice(self.layer_size + i * levels, self.layer_size + (i + 1) * levels)
            for i in range(2)
        )
        self.statistics.usual = after = raw[:, first].mean(axis=0)
        raw = raw.copy()
        raw[:, second] += 2 * (before - after) * raw[:, first] + after**2 - before**2
        mean, deviation = raw.mean(axis=0), raw.std(axis=0)
        # A feature that is constant over the pool has no scale: 0 keeps it out for other songs too.
        inverse = np.where(
            deviation > 1e-4 * (np.abs(mean) + 1e-3), 1 / np.maximum(deviation, 1e-12), 0.0
        )
        standardised = (raw - mean) * inverse
        _, strengths, directions = np.linalg.svd(
            standardised[:, : self.layer_size], full_matrices=False
        )
        count = min(
            COMPONENTS,
            len(raw) - 1,
            int(np.sum(strengths > 1e-6 * max(float(strengths[0]), 1e-12))),
        )
        variance = float(np.square(strengths[:count]).sum()) / len(raw)
        rest = self._scales()
        matrix = np.zeros((self.raw_size, count + len(rest) + len(self.factors)))
        matrix[: self.layer_size, :count] = directions[:count].T * np.sqrt(
            LAYERS / max(variance, 1e-12)
        )
        matrix[self.layer_size :, count : count + len(rest)] = np.diag(rest)
        matrix[self.factors, count + len(rest) + np.arange(len(self.factors))] = self._factor_scales
        self.project = Dense(*matrix.shape, rng=np.random.default_rng(0))
        self.project.weight.value[:] = inverse[:, None] * matrix
        self.project.bias.value[:] = -(mean * inverse) @ matrix
        return raw

    def _scales(self) -> np.ndarray:
        """Return the scale of each statistic and coordinate: a group's variance, shared equally."""
        levels = self.statistics.levels
        onsets = self.statistics.size - 2 * levels - 4
        statistics = (
            (levels, LEVELS),
            (levels, SQUARES),
            (1, CENTROID),
            (2, PITCHES),
            (onsets, ONSETS),
            (1, MELODY),
        )
        groups = (*statistics, (self.coordinates, COORDINATES), (self.facts, FORM))
        return np.concatenate(
            [np.full(size, np.sqrt(variance / max(size, 1))) for size, variance in groups]
        )

    def _choose_factors(self) -> None:
        """Choose the factors, of which a listener may prefer a middle value.

        They are centroid, melody and onsets; with a form also the tempo and the facts of the form.
        """
        first = self.layer_size + 2 * self.statistics.levels
        sound = [first, self.melody, first + 4]
        beside = np.arange(self.raw_size - self.coordinates - self.facts, self.raw_size)
        key = slice(1, self.coordinates)
        told = np.delete(beside, key) if self.facts else beside[:0]
        self.factors = np.array([*sound, *told])
        self._factor_scales = 1 / np.sqrt(np.repeat([3, max(len(told), 1)], [3, len(told)]))
        self.quadratic = Quadratic(3, len(told), scale=float(np.sqrt(QUADRATIC)))


def _frames(steps: np.ndarray) -> np.ndarray:
    """Return frames (B, T, V) of steps (S, B, F) that are frames."""
    return to_frames(np.ascontiguousarray(steps.transpose(1, 0, 2)))


def _to_steps(values: np.ndarray, count: int) -> np.ndarray:
    """Repeat the values of a layer of stride 2 or 4 for each of `count` steps."""
    return np.repeat(values, -(-count // len(values)), axis=0)[:count]
