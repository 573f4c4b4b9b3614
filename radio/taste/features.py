"""What the taste network sees of a song: the critic's layers, what is heard in its frames, its tempo and key.

    steps (S, B, F) -> frozen trunk of the critic -> activations of each layer                    }
    steps, tempo, key -> sound statistics -> levels, centroid, pitches, onsets, melody            }  means over time -> standardised,
    tempo and key of each song                                                                    }  projected, bent (B, K)

Everything before the means happens at every moment. So a linear judgement of a song is the mean of
judgements of its moments, and its gradient says which moment did what. Letters: S steps, B batch, F
features of a step, C coordinates beside z (tempo, key; or none), R raw features, K what the heads
see.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audio_parsing.frames import FRAME_SIZE
from gan.critic import Critic
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module
from radio.taste.quadratic import Bend
from radio.taste.sound_statistics import SoundStatistics

COMPONENTS = 24
# The variance over a station's songs of all features of a group together. With prior weights of
# variance 1 this is how much each group may say about a rating, whose own variance is about 0.2,
# before anything is known. Measured with benchmarks/taste.py.
LAYERS, LEVELS, SQUARES, CENTROID, PITCHES, ONSETS, MELODY, COORDINATES, BENT = (
    0.03,
    0.05,
    0.03,
    0.05,
    0.03,
    0.05,
    0.03,
    0.03,
    0.05,
)


class SongFeatures(Module):
    """The fixed part of a taste network: songs and coordinates -> features (B, K), their variance small enough for few ratings.

    Args:
        critic: its trunk is copied, the spectral norms folded into plain weights.
        coordinates: C.
        frame_size: values of a frame.
    """

    def __init__(self, critic: Critic, coordinates: int, *, frame_size: int = FRAME_SIZE) -> None:
        self.trunk = critic.folded_trunk()
        self.statistics = SoundStatistics(critic.features, coordinates, frame_size=frame_size)
        self.layer_size = len(self.trunk.layers) * critic.hidden
        self.raw_size = self.layer_size + self.statistics.size + coordinates
        self.coordinates = coordinates
        first = self.layer_size + 2 * self.statistics.levels
        self.melody = self.layer_size + self.statistics.size - 1
        # centroid, melody, onsets: what may have a best middle
        self.facts = np.array([first, self.melody, first + 4])
        self.bend = Bend(len(self.facts), scale=float(np.sqrt(BENT)))
        self.project: Dense | None = None

    @property
    def even(self) -> int:
        """How many features are linear in the raw ones; 0 before `fit`."""
        return 0 if self.project is None else self.project.weight.value.shape[1] - len(self.facts)

    @property
    def size(self) -> int:
        """K; 0 before `fit`."""
        return 0 if self.project is None else self.even + self.bend.size

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
        """Return (dsteps (S, B, F), dcoordinates (B, C)) for the gradient of the raw features (B, R)."""
        (trunk, statistics), shapes, dtype = cache
        ends = np.cumsum([shape[2] for shape in shapes])
        *dpooled, dbeside = np.split(draw, ends, axis=1)
        dmoments = [
            np.broadcast_to((d / s[0]).astype(dtype), s)
            for d, s in zip(dpooled, shapes, strict=True)
        ]
        dsteps, dcoordinates = self.statistics.backward(dmoments[-1], statistics)
        return self.trunk.backward(dmoments[:-1], trunk) + dsteps, dcoordinates + dbeside

    def moments(self, steps: np.ndarray, coordinates: np.ndarray) -> tuple[list[np.ndarray], Any]:
        """Return the raw features before pooling: each layer's activations and the statistics, and the cache."""
        activations, trunk = self.trunk.forward(steps)
        statistics, cache = self.statistics.forward(steps, coordinates)
        return [*activations, statistics], (trunk, cache)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the features (B, K) of raw ones (B, R), and the cache.

        Raises:
            ValueError: before `fit`.
        """
        if self.project is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        projected, project = self.project.forward(x)
        bent, bend = self.bend.forward(projected)
        return bent, (project, bend)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return the gradient of the raw features (B, R)."""
        assert self.project is not None
        project, bend = cache
        return self.project.input_gradient(self.bend.backward(dy, bend), project)

    def stretches(self, steps: np.ndarray, coordinates: np.ndarray, count: int) -> np.ndarray:
        """Return the projected means (B, count, E + facts) of so many equal stretches of songs, before the bend; fewer of shorter ones.

        Raises:
            ValueError: before `fit`.
        """
        if self.project is None:
            raise ValueError("this taste has no pool of songs yet: call fit_pool first")
        starts = np.unique(np.linspace(0, len(steps), min(count, len(steps)) + 1).astype(int))
        lengths = np.diff(starts)[:, None, None]
        # A layer of stride 2 or 4 has a value for 2 or 4 steps.
        whole = (
            np.repeat(m, -(-len(steps) // len(m)), axis=0)[: len(steps)]
            for m in self.moments(steps, coordinates)[0]
        )
        means = [np.add.reduceat(m, starts[:-1], axis=0, dtype=np.float64) / lengths for m in whole]
        beside = np.broadcast_to(coordinates, (len(lengths), *coordinates.shape))
        raw = np.concatenate([*means, beside], axis=2).transpose(1, 0, 2)
        return raw @ self.project.weight.value + self.project.bias.value

    def differences(self, stretches: np.ndarray) -> np.ndarray:
        """Return how each of a song's stretches (m, E + facts) differs from the song in what the heads see (m, K), the bend included."""
        return self.bend.forward(stretches)[0] - self.bend.forward(stretches.mean(axis=0)[None])[0]

    def fit(self, raw: np.ndarray) -> np.ndarray:
        """Choose standardisation and projection from the raw features (N, R) of a pool of a station's songs; return them as they are now.

        What is usual changes the squares: the mean of (l - u)^2 is that of (l - v)^2 plus 2 (v - u)
        mean l + u^2 - v^2.
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
        # A feature that is the same for all songs of the pool tells nothing, and must not be blown
        # up by a song beside it.
        inverse = np.where(
            deviation > 1e-4 * (np.abs(mean) + 1e-3), 1 / np.maximum(deviation, 1e-12), 0.0
        )
        standardised = (raw - mean) * inverse
        _, strengths, directions = np.linalg.svd(
            standardised[:, : self.layer_size], full_matrices=False
        )
        kept = min(
            COMPONENTS,
            len(raw) - 1,
            int(np.sum(strengths > 1e-6 * max(float(strengths[0]), 1e-12))),
        )
        variance = float(np.square(strengths[:kept]).sum()) / len(raw)
        rest = self._scales()
        matrix = np.zeros((self.raw_size, kept + len(rest) + len(self.facts)))
        matrix[: self.layer_size, :kept] = directions[:kept].T * np.sqrt(
            LAYERS / max(variance, 1e-12)
        )
        matrix[self.layer_size :, kept : kept + len(rest)] = np.diag(rest)
        matrix[self.facts, kept + len(rest) + np.arange(len(self.facts))] = 1 / np.sqrt(
            len(self.facts)
        )
        self.set_projection(inverse[:, None] * matrix, -(mean * inverse) @ matrix)
        return raw

    def _scales(self) -> np.ndarray:
        """Return how far each statistic and coordinate is scaled: every group has its variance, shared by its members."""
        levels = self.statistics.levels
        onsets = self.statistics.size - 2 * levels - 4
        heard = (
            (levels, LEVELS),
            (levels, SQUARES),
            (1, CENTROID),
            (2, PITCHES),
            (onsets, ONSETS),
            (1, MELODY),
        )
        groups = (*heard, (self.coordinates, COORDINATES))
        return np.concatenate(
            [np.full(size, np.sqrt(variance / max(size, 1))) for size, variance in groups]
        )

    def set_projection(self, weight: np.ndarray, bias: np.ndarray) -> None:
        """Take a projection: weight (R, E + facts), bias likewise; one that was kept before the melody was heard leaves it out.

        Raises:
            ValueError: if it does not fit.
        """
        if weight.ndim == 2 and weight.shape[0] == self.raw_size - 1:
            weight = np.insert(weight, self.melody, 0.0, axis=0)
        few = weight.ndim != 2 or weight.shape[1] <= len(self.facts)
        if (
            few
            or weight.shape[0] != self.raw_size
            or bias.shape != weight.shape[1:]
            or not np.isfinite(weight).all()
        ):
            raise ValueError(
                f"a projection of shape {weight.shape} does not fit {self.raw_size} features"
            )
        self.project = Dense(*weight.shape, rng=np.random.default_rng(0))
        self.project.weight.value[:], self.project.bias.value[:] = weight, bias
