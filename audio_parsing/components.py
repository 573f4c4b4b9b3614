"""Frames as steps of a few numbers: chunks that lap over each other, on principal components.

    components = LappedComponents.fit(excerpts, 128)            excerpts: frames (T, F) each
    components.transform(frames (..., T, F)) -> (..., S, K)     S = ceil(T / H)
    components.inverse(steps (..., S, K)) -> (..., S H, F)
    components.inverse_backward(dframes) -> dsteps              gradient of the inverse
    components.restoring(taps, wide) -> components              whose inverse restores the rest
    LappedComponents(**components.arrays())                     the same again, from a file

A step is a chunk of H frames, folded into its neighbours (folding.py), so that it sees H / 2 frames
on both sides too. Without that each step errs by itself, and frames jump at the borders.
    c = V (fold(x) - m)             x = unfold(m + V^T c)
m is the mean of the folded chunks of the music that was learned from; the rows of V (K, H F) are
the directions of their largest variance (Pearson 1901; Hotelling 1933). All of it is orthogonal: an
error of components is one of frames, of the same size, and H F components give frames back exactly.

Where a network made the steps, components that it lacks can be restored from three steps at once
(restoration.py). The inverse is then
    x = unfold(m + sum over k = -1, 0, 1 of U_k^T c_(t+k))          U (3, K, H F), the synthesis
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from audio_parsing.folding import fold
from audio_parsing.restoration import TAPS, neighbours, neighbours_backward

FRAMES_PER_STEP = 6
SMALLEST = 1e-4  # of the largest deviation: what a component that never moved counts as


class LappedComponents:
    """Principal components of folded chunks of frames.

    Args:
        basis: V, (K, H, F), orthonormal rows of float32 or float64, in whose precision steps and
            frames are computed. H is even.
        mean: m, (H, F), of folded chunks.
        deviations: (K,) the standard deviation of each component in the music that was learned
            from, the largest first.
        variance: () of all H F values of the chunks together.
        synthesis: U, (3, K, H, F); the inverse is by the basis alone if not given.

    Raises:
        ValueError: if the shapes don't fit together.
    """

    def __init__(
        self,
        basis: np.ndarray,
        mean: np.ndarray,
        deviations: np.ndarray,
        variance: np.ndarray,
        synthesis: np.ndarray | None = None,
    ) -> None:
        basis = np.ascontiguousarray(basis)
        if basis.ndim != 3 or basis.shape[1] % 2 or not basis.size:
            raise ValueError(f"a basis has the shape (K, H, F), H even, not {basis.shape}")
        if basis.dtype not in (np.float32, np.float64):
            raise ValueError(f"a basis is of float32 or float64, not of {basis.dtype}")
        for name, array, shape in (
            ("mean", mean, basis.shape[1:]),
            ("deviations", deviations, basis.shape[:1]),
            ("variance", variance, ()),
            ("synthesis", synthesis, (TAPS, *basis.shape)),
        ):
            if array is not None and np.shape(array) != shape:
                raise ValueError(f"{name} has the shape {np.shape(array)}, not {shape}")
        self.basis, self.dtype = basis, basis.dtype
        self.mean = np.asarray(mean, self.dtype)
        self.deviations = np.asarray(deviations, self.dtype)
        self.variance = np.asarray(variance, self.dtype)
        self._flat = basis.reshape(len(basis), -1)  # (K, H F)
        self._origin = self._flat @ self.mean.reshape(-1)
        self.synthesis = None if synthesis is None else np.asarray(synthesis, self.dtype)
        # (K, H F), or (3 K, H F) for three steps side by side
        self._inverse = self._flat
        if self.synthesis is not None:
            self._inverse = self.synthesis.reshape(-1, self._flat.shape[1])

    @property
    def count(self) -> int:
        """K, numbers of a step."""
        return len(self.basis)

    @property
    def frames_per_step(self) -> int:
        """H, frames from one step to the next."""
        return self.basis.shape[1]

    @property
    def frame_size(self) -> int:
        """F, values of a frame."""
        return self.basis.shape[2]

    @property
    def scales(self) -> np.ndarray:
        """What components are divided by for a network: g_k = s_0 (s_k / s_0)^(1/2), (K,).

        Between components as they are, of which it would learn the first alone, and components of
        equal spread, of which most are noise.
        """
        largest = float(self.deviations[0]) or 1.0
        shares = np.maximum(self.deviations / largest, SMALLEST)
        scales: np.ndarray = (largest * np.sqrt(shares)).astype(self.dtype)
        return scales

    @property
    def variance_held(self) -> float:
        """The share of the chunks' variance that lies in the components."""
        held = float(np.square(self.deviations, dtype=np.float64).sum())
        return held / float(self.variance) if self.variance > 0 else 1.0

    @classmethod
    def fit(
        cls,
        excerpts: Iterable[np.ndarray],
        count: int,
        *,
        frames_per_step: int = FRAMES_PER_STEP,
        dtype: type[np.floating] = np.float32,
    ) -> LappedComponents:
        """Measure the components of music.

        What is in memory is one excerpt and two matrices of (H F)^2 numbers, however many excerpts
        there are. The result is the same for any number of BLAS threads.

        Args:
            excerpts: frames (T, F) of each. Their ends are not a song's: chunks are taken from half
                a chunk within. What is shorter than two chunks is filled up with silence.
            count: K. With fewer chunks than that the last components are directions in which
                nothing moves.
            frames_per_step: H, even.
            dtype: of the components.

        Raises:
            ValueError: if there is no excerpt, excerpts are not alike, or K is none of 1 to H F.

        Examples:
            >>> music = np.random.default_rng(0).random((60, 5), np.float32)
            >>> components = LappedComponents.fit([music], 30, frames_per_step=6)  # all there are
            >>> steps = components.transform(music)
            >>> steps.shape, np.allclose(components.inverse(steps), music, atol=1e-5)
            ((10, 30), True)
        """
        if frames_per_step < 2 or frames_per_step % 2:
            raise ValueError(f"frames_per_step must be even, not {frames_per_step}")
        with threadpool_limits(1, user_api="blas"):
            chunks, mean, covariance = _covariance(excerpts, frames_per_step)
            size = len(mean)
            if chunks == 0:
                raise ValueError("components need at least one excerpt")
            if not 1 <= count <= size:
                raise ValueError(f"count must lie between 1 and {size}, not at {count}")
            values, vectors = eigh(covariance, subset_by_index=(size - count, size - 1))
        basis = vectors.T[::-1]
        # A direction and its opposite are equally good: the larger values shall be positive.
        largest = np.abs(basis).argmax(axis=1)
        basis = basis * np.sign(basis[np.arange(count), largest])[:, None]
        return cls(
            basis.reshape(count, frames_per_step, -1).astype(dtype),
            mean.reshape(frames_per_step, -1).astype(dtype),
            np.sqrt(np.maximum(values[::-1], 0)).astype(dtype),
            np.array(np.trace(covariance), dtype),
        )

    def first(self, count: int) -> LappedComponents:
        """Return the first K components alone."""
        if not 1 <= count <= self.count:
            raise ValueError(f"there are {self.count} components, not {count}")
        return LappedComponents(
            self.basis[:count], self.mean, self.deviations[:count], self.variance
        )

    def restoring(self, taps: np.ndarray, wide: LappedComponents) -> LappedComponents:
        """Return these components with an inverse that restores what a network's steps lack.

        Args:
            taps: (3, K, M) of restoration.py.
            wide: M components of the same music, of which these are the first K.
        """
        synthesis = (taps @ wide._flat).reshape(TAPS, *self.basis.shape)
        return LappedComponents(
            self.basis, self.mean, self.deviations, self.variance, synthesis.astype(self.dtype)
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what the constructor takes, to be kept in a file."""
        arrays = {
            "basis": self.basis,
            "mean": self.mean,
            "deviations": self.deviations,
            "variance": self.variance,
        }
        return arrays if self.synthesis is None else arrays | {"synthesis": self.synthesis}

    def transform(self, frames: np.ndarray, *, whole: bool = True) -> np.ndarray:
        """Return steps (..., S, K) of frames (..., T, F).

        Args:
            frames: what is missing of a last step is filled up with silence.
            whole: the frames are a song from its beginning to its end. Otherwise they are cut out
                of one, and half a chunk at both ends is only there to be folded in: S = T / H - 1.

        Raises:
            ValueError: for frames of another size, or cut out and not a multiple of H from 2 H on.
        """
        frames = self._checked(frames, "frames", self.frame_size)
        length, step = frames.shape[-2], self.frames_per_step
        if not whole and (length % step or length < 2 * step):
            raise ValueError(f"{length} frames are not two or more steps of {step}")
        rows = _folded(_padded(frames, 0, -length % step), step) if whole else _within(frames, step)
        return rows @ self._flat.T - self._origin

    def inverse(self, steps: np.ndarray) -> np.ndarray:
        """Return frames (..., S H, F) of steps (..., S, K).

        Raises:
            ValueError: for steps of another size.
        """
        steps = self._checked(steps, "steps", self.count)
        given = steps if self.synthesis is None else neighbours(steps, axis=-2)
        chunks = (given @ self._inverse).reshape(*steps.shape[:-1], *self.mean.shape) + self.mean
        fold(chunks, -1)
        return chunks.reshape(*steps.shape[:-2], -1, self.frame_size)

    def inverse_backward(self, dframes: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to `inverse`'s steps (..., S, K), of one for its frames.

        The transpose of the basis is its inverse: this is then the transform without the mean.

        Raises:
            ValueError: for a gradient that no frames of `inverse` have.
        """
        dframes = self._checked(dframes, "dframes", self.frame_size)
        if dframes.shape[-2] % self.frames_per_step:
            raise ValueError(f"{dframes.shape[-2]} frames are no steps of {self.frames_per_step}")
        dgiven: np.ndarray = _folded(dframes.copy(), self.frames_per_step) @ self._inverse.T
        return dgiven if self.synthesis is None else neighbours_backward(dgiven)

    def _checked(self, array: np.ndarray, name: str, size: int) -> np.ndarray:
        array = np.asarray(array).astype(self.dtype, "C", casting="same_kind", copy=False)
        if array.ndim < 2 or array.shape[-1] != size or array.shape[-2] == 0:
            raise ValueError(
                f"{name} must have the shape (..., n, {size}), n > 0, not {array.shape}"
            )
        return array


def _padded(frames: np.ndarray, before: int, after: int) -> np.ndarray:
    """Return a copy of frames (..., T, F) with some of silence before and after."""
    return np.pad(frames, [(0, 0)] * (frames.ndim - 2) + [(before, after), (0, 0)])


def _folded(frames: np.ndarray, step: int) -> np.ndarray:
    """Fold frames (..., S H, F) in place and return them as rows (..., S, H F)."""
    chunks = frames.reshape(*frames.shape[:-2], -1, step, frames.shape[-1])
    fold(chunks, 1)
    return chunks.reshape(*chunks.shape[:-2], -1)


def _within(frames: np.ndarray, step: int) -> np.ndarray:
    """Return the folded chunks (..., S, H F) that are whole in frames (..., (S + 1) H, F)."""
    return _folded(_padded(frames, step // 2, step // 2), step)[..., 1:-1, :]


def _covariance(
    excerpts: Iterable[np.ndarray], frames_per_step: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the number of folded chunks, their mean (D,) and covariance (D, D) float64."""
    width: int | None = None
    count, total, squares = 0, np.zeros(0), np.zeros((0, 0))
    for frames in excerpts:
        frames = np.asarray(frames)
        if frames.ndim != 2 or not frames.size or width not in (None, frames.shape[1]):
            shape = f"(T, {'F' if width is None else width})"
            raise ValueError(f"an excerpt must have the shape {shape}, not {frames.shape}")
        if not np.isfinite(frames).all():
            raise ValueError("an excerpt must hold finite numbers")
        if width is None:
            width = frames.shape[1]
            size = frames_per_step * width
            total, squares = np.zeros(size), np.zeros((size, size))
        steps = max(2, len(frames) // frames_per_step)
        # In single precision where the frames are: it takes half the time, and is enough.
        frames = frames[: steps * frames_per_step].astype(np.result_type(frames, np.float32))
        frames = _padded(frames, 0, steps * frames_per_step - len(frames))
        rows = _within(frames, frames_per_step)
        count += len(rows)
        total += rows.sum(axis=0, dtype=np.float64)
        squares += rows.T @ rows
    if not count:
        return 0, total, squares
    mean = total / count
    return count, mean, squares / count - np.outer(mean, mean)
