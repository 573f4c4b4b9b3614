"""What the taste network sees of a song: the critic's layers, simple facts of its frames, its tempo and key.

    steps (S, B, F) -> frozen trunk of the critic -> activations of each layer    }
    steps (S, B, F) -> frame statistics -> levels, loudness, onsets               }  means over time -> standardised, projected (B, K)
    tempo and key of each song                                                    }

Everything before the means happens at every moment. So a linear judgement of a song is the mean of judgements of its moments,
and its gradient says which moment did what.
Letters: S steps, B batch, F features of a step, C coordinates beside z (tempo, key; or none), R raw features, K projected ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gan.critic import Critic
from neural_networks.components.dense import Dense
from neural_networks.components.module import Module

FRAME_SIZE = 181
BAND_GROUPS = 12
ONSET_GROUPS = 4
COMPONENTS = 24
# The variance over a station's songs of all features of a group together (layers, statistics, coordinates). With prior weights of
# variance 1 this is how much each group may say about a rating before anything is known; 0.3 measured best, 1 and 3 overfit.
GROUP_VARIANCE = 0.3


class FrameStatistics(Module):
    """Measure every step: levels of groups of bands, loudness, onsets (how much groups of bands rise from frame to frame).

    Args:
        features: F, a whole number of frames.
        frame_size: values of a frame.
    """

    def __init__(self, features: int, *, frame_size: int = FRAME_SIZE) -> None:
        if features % frame_size:
            raise ValueError(f"a step of {features} values is no whole number of frames of {frame_size}")
        self.frames = features // frame_size
        self.frame_size = frame_size
        self.levels = _group_means(frame_size, BAND_GROUPS) / self.frames
        self.onsets = _group_means(frame_size, ONSET_GROUPS) / self.frames
        self.size = self.levels.shape[1] + 1 + self.onsets.shape[1]

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return statistics (S, B, M) of every step, and the cache."""
        steps, batch, _ = x.shape
        frames = x.reshape(steps, batch, self.frames, self.frame_size)
        rise = np.empty_like(frames)
        rise[:, :, 1:] = frames[:, :, 1:] - frames[:, :, :-1]
        rise[1:, :, 0] = frames[1:, :, 0] - frames[:-1, :, -1]
        rise[0, :, 0] = 0
        np.maximum(rise, 0, out=rise)
        level = frames.sum(axis=2) @ self.levels.astype(x.dtype)
        loudness = np.square(x).mean(axis=2, keepdims=True)
        onset = rise.sum(axis=2) @ self.onsets.astype(x.dtype)
        return np.concatenate([level, loudness, onset], axis=2), (x, rise > 0)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx (S, B, F)."""
        x, rising = cache
        levels = self.levels.shape[1]
        drise = rising * (dy[:, :, levels + 1 :] @ self.onsets.astype(x.dtype).T)[:, :, None]
        dframes = drise + (dy[:, :, :levels] @ self.levels.astype(x.dtype).T)[:, :, None]
        dframes[:, :, :-1] -= drise[:, :, 1:]
        dframes[:-1, :, -1] -= drise[1:, :, 0]
        return dframes.reshape(x.shape) + dy[:, :, levels, None] * (x * x.dtype.type(2 / x.shape[2]))


class SongFeatures(Module):
    """The fixed part of a taste network: songs and coordinates -> features (B, K), their variance small enough for few ratings.

    Args:
        critic: its trunk is copied, the spectral norms folded into plain weights.
        coordinates: C.
        frame_size: values of a frame.
    """

    def __init__(self, critic: Critic, coordinates: int, *, frame_size: int = FRAME_SIZE) -> None:
        self.trunk = critic.folded_trunk()
        self.statistics = FrameStatistics(critic.features, frame_size=frame_size)
        self.layer_size = len(self.trunk.layers) * critic.hidden
        self.raw_size = self.layer_size + self.statistics.size + coordinates
        self.project: Dense | None = None

    @property
    def size(self) -> int:
        """K; 0 before `fit`."""
        return 0 if self.project is None else self.project.weight.value.shape[1]

    def raw(self, steps: np.ndarray, coordinates: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return [layer means, statistics, coordinates] (B, R), float64, and the cache."""
        moments, cache = self.moments(steps)
        pooled = [m.mean(axis=0, dtype=np.float64) for m in moments]
        return np.concatenate([*pooled, coordinates], axis=1), (cache, [m.shape for m in moments], steps.dtype)

    def raw_backward(self, draw: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return (dsteps (S, B, F), dcoordinates (B, C)) for the gradient of the raw features (B, R)."""
        (trunk, statistics), shapes, dtype = cache
        ends = np.cumsum([shape[2] for shape in shapes])
        *dpooled, dcoordinates = np.split(draw, ends, axis=1)
        dmoments = [np.broadcast_to((d / s[0]).astype(dtype), s) for d, s in zip(dpooled, shapes, strict=True)]
        dsteps = self.trunk.backward(dmoments[:-1], trunk) + self.statistics.backward(dmoments[-1], statistics)
        return dsteps, dcoordinates

    def moments(self, steps: np.ndarray) -> tuple[list[np.ndarray], Any]:
        """Return the raw features before pooling: each layer's activations and the statistics, and the cache."""
        activations, trunk = self.trunk.forward(steps)
        statistics, cache = self.statistics.forward(steps)
        return [*activations, statistics], (trunk, cache)

    def fit(self, raw: np.ndarray) -> None:
        """Choose standardisation and projection from the raw features (N, R) of a pool of a station's songs."""
        mean, deviation = raw.mean(axis=0), raw.std(axis=0)
        # A feature that is the same for all songs of the pool tells nothing, and must not be blown up by a song beside it.
        inverse = np.where(deviation > 1e-4 * (np.abs(mean) + 1e-3), 1 / np.maximum(deviation, 1e-12), 0.0)
        standardised = (raw - mean) * inverse
        _, strengths, directions = np.linalg.svd(standardised[:, : self.layer_size], full_matrices=False)
        kept = min(COMPONENTS, len(raw) - 1, int(np.sum(strengths > 1e-6 * max(float(strengths[0]), 1e-12))))
        variance = float(np.square(strengths[:kept]).sum()) / len(raw)
        layers = directions[:kept].T * np.sqrt(GROUP_VARIANCE / max(variance, 1e-12))
        statistics, coordinates = self.statistics.size, self.raw_size - self.layer_size - self.statistics.size
        rest = np.repeat(np.sqrt(GROUP_VARIANCE / np.maximum((statistics, coordinates), 1)), (statistics, coordinates))
        matrix = np.zeros((self.raw_size, kept + len(rest)))
        matrix[: self.layer_size, :kept] = layers
        matrix[self.layer_size :, kept:] = np.diag(rest)
        self.set_projection(inverse[:, None] * matrix, -(mean * inverse) @ matrix)

    def set_projection(self, weight: np.ndarray, bias: np.ndarray) -> None:
        """Take a projection: weight (R, K), bias (K,).

        Raises:
            ValueError: if it does not fit.
        """
        if weight.ndim != 2 or weight.shape[0] != self.raw_size or bias.shape != weight.shape[1:] or not np.isfinite(weight).all():
            raise ValueError(f"a projection of shape {weight.shape} does not fit {self.raw_size} features")
        self.project = Dense(*weight.shape, rng=np.random.default_rng(0))
        self.project.weight.value[:], self.project.bias.value[:] = weight, bias


def _group_means(size: int, groups: int) -> np.ndarray:
    """Return the matrix (size, groups) that takes the mean of neighbouring values."""
    groups = min(groups, size)
    matrix = np.zeros((size, groups))
    for group, members in enumerate(np.array_split(np.arange(size), groups)):
        matrix[members, group] = 1 / len(members)
    return matrix
