"""Frames as steps of a few numbers: windows that lap over each other, on principal components.

    components = LappedComponents.fit(excerpts, 128)           of frames (T, F), one after the other
    components.transform(frames (..., T, F)) -> (..., S, K)     S = ceil(T / H) + 1
    components.inverse(steps (..., S, K)) -> (..., (S - 1) H, F)
    components.inverse_backward(dframes) -> dsteps              gradient of the inverse
    LappedComponents(**components.arrays())                     the same again, from a file

Step s sees the 2 H frames of a segment x_s under a sine window, and the next begins H frames later.
The window stands before the components and again behind them. Where two segments lap, its squares
add up to one: with all components the frames come back exactly, and with some an error of one step
fades into its neighbours, where steps of their own would let frames jump. Half a window of silence
stands at both ends of a song, so that its first frames have two segments too.
    c_s = V (w x_s - m)      x = sum over s of  w (m + V^T c_s)      w_i = sin(pi (i + 1/2) / 2 H)
m is the mean of the windowed segments of the music that was learned from; the rows of V (K, 2 H F)
are the directions of their largest variance (Pearson 1901; Hotelling 1933). They are orthonormal: a
squared error of components is one of segments.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

FRAMES_PER_STEP = 6
SMALLEST = 1e-4  # of the largest deviation: what a component that never moved counts as
SEGMENTS = 1024  # that are looked at together while components are measured


class LappedComponents:
    """Principal components of lapped segments.

    Args:
        basis: V, (K, 2 H, F), orthonormal rows of float32 or float64, in whose precision steps and
            frames are computed.
        mean: m, (2 H, F), of windowed segments.
        deviations: (K,) the standard deviation of each component in the music that was learned
            from, the largest first.
        variance: () of all 2 H F values of the segments together.

    Raises:
        ValueError: if the shapes don't fit together.
    """

    def __init__(
        self, basis: np.ndarray, mean: np.ndarray, deviations: np.ndarray, variance: np.ndarray
    ) -> None:
        basis = np.ascontiguousarray(basis)
        if basis.ndim != 3 or basis.shape[1] % 2 or not basis.size:
            raise ValueError(f"a basis has the shape (K, 2 H, F), not {basis.shape}")
        if basis.dtype not in (np.float32, np.float64):
            raise ValueError(f"a basis is of float32 or float64, not of {basis.dtype}")
        for name, array, shape in (
            ("mean", mean, basis.shape[1:]),
            ("deviations", deviations, basis.shape[:1]),
            ("variance", variance, ()),
        ):
            if np.shape(array) != shape:
                raise ValueError(f"{name} has the shape {np.shape(array)}, not {shape}")
        self.basis, self.dtype = basis, basis.dtype
        self.mean = np.asarray(mean, self.dtype)
        self.deviations = np.asarray(deviations, self.dtype)
        self.variance = np.asarray(variance, self.dtype)
        # A segment is two rows of H F values, and each row belongs to two segments: with the window
        # inside the basis both ways are two products, and no segment is ever copied.
        window = sine_window(basis.shape[1])[:, None]
        rows = (basis * window).reshape(len(basis), 2, -1).astype(self.dtype)
        self._first, self._second = rows[:, 0], rows[:, 1]  # (K, H F)
        means = (self.mean * window).reshape(2, -1).astype(self.dtype)
        self._row = means[0] + means[1]
        self._origin = basis.reshape(len(basis), -1) @ self.mean.reshape(-1)

    @property
    def count(self) -> int:
        """K, numbers of a step."""
        return len(self.basis)

    @property
    def frames_per_step(self) -> int:
        """H, frames from one step to the next."""
        return self.basis.shape[1] // 2

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
        """The share of the segments' variance that lies in the components."""
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

        What is in memory is one excerpt and two matrices of (2 H F)^2 numbers, however many
        excerpts there are. The result is the same for any number of BLAS threads.

        Args:
            excerpts: frames (T, F) of each; from T = 2 H on only whole segments within it count, as
                an excerpt's end is not a song's, a shorter one is filled up with silence.
            count: K. With fewer segments than that the last components are directions in which
                nothing moves.
            frames_per_step: H.
            dtype: of the components.

        Raises:
            ValueError: if there is no excerpt, excerpts are not alike, or K is none of 1 to 2 H F.
        """
        if frames_per_step < 1:
            raise ValueError(f"frames_per_step must be at least 1, not {frames_per_step}")
        with threadpool_limits(1, user_api="blas"):
            segments, mean, covariance = _covariance(excerpts, frames_per_step)
            size = len(mean)
            if segments == 0:
                raise ValueError("components need at least one excerpt")
            if not 1 <= count <= size:
                raise ValueError(f"count must lie between 1 and {size}, not at {count}")
            values, vectors = eigh(covariance, subset_by_index=(size - count, size - 1))
        basis = vectors.T[::-1]
        # A direction and its opposite are equally good: the larger values shall be positive.
        largest = np.abs(basis).argmax(axis=1)
        basis = basis * np.sign(basis[np.arange(count), largest])[:, None]
        shape = 2 * frames_per_step, -1
        return cls(
            basis.reshape(count, *shape).astype(dtype),
            mean.reshape(shape).astype(dtype),
            np.sqrt(np.maximum(values[::-1], 0)).astype(dtype),
            np.array(np.trace(covariance), dtype),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what the constructor takes, to be kept in a file."""
        return {
            "basis": self.basis,
            "mean": self.mean,
            "deviations": self.deviations,
            "variance": self.variance,
        }

    def transform(self, frames: np.ndarray, *, whole: bool = True) -> np.ndarray:
        """Return steps (..., S, K) of frames (..., T, F).

        Args:
            frames: what is missing of a last step of H is filled up with silence.
            whole: silence comes before and after, and S = ceil(T / H) + 1. Otherwise the frames are
                cut out of a song, and there are only the segments within: S = T / H - 1.

        Raises:
            ValueError: for frames of another size, or cut out and not a multiple of H from 2 H on.
        """
        frames = self._checked(frames, "frames", self.frame_size)
        length, step = frames.shape[-2], self.frames_per_step
        if whole:
            around = [(0, 0)] * (frames.ndim - 2) + [(step, step + -length % step), (0, 0)]
            frames = np.pad(frames, around)
        elif length % step or length < 2 * step:
            raise ValueError(f"{length} frames are not two or more steps of {step}")
        return self._analysed(self._rows(frames)) - self._origin

    def inverse(self, steps: np.ndarray) -> np.ndarray:
        """Return frames (..., (S - 1) H, F) of steps (..., S, K): all that two segments hold.

        Raises:
            ValueError: for steps of another size.
        """
        steps = self._checked(steps, "steps", self.count)
        rows = steps[..., :-1, :] @ self._second + steps[..., 1:, :] @ self._first + self._row
        return rows.reshape(*rows.shape[:-2], -1, self.frame_size)

    def inverse_backward(self, dframes: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to `inverse`'s steps (..., S, K), of one for its frames.

        The window is symmetric and the basis orthonormal: this is the transform without the mean.

        Raises:
            ValueError: for a gradient that no frames of `inverse` have.
        """
        dframes = self._checked(dframes, "dframes", self.frame_size)
        step = self.frames_per_step
        if dframes.shape[-2] % step:
            raise ValueError(f"{dframes.shape[-2]} frames are not whole steps of {step}")
        around = [(0, 0)] * (dframes.ndim - 2) + [(step, step), (0, 0)]
        return self._analysed(self._rows(np.pad(dframes, around)))

    def _analysed(self, rows: np.ndarray) -> np.ndarray:
        steps: np.ndarray = rows[..., :-1, :] @ self._first.T + rows[..., 1:, :] @ self._second.T
        return steps

    def _rows(self, frames: np.ndarray) -> np.ndarray:
        """Return frames (..., T, F) as rows of H frames, (..., T / H, H F)."""
        return frames.reshape(*frames.shape[:-2], -1, self.frames_per_step * self.frame_size)

    def _checked(self, array: np.ndarray, name: str, size: int) -> np.ndarray:
        array = np.asarray(array, self.dtype)
        if array.ndim < 2 or array.shape[-1] != size or array.shape[-2] == 0:
            raise ValueError(
                f"{name} must have the shape (..., n, {size}), n > 0, not {array.shape}"
            )
        return array


def sine_window(size: int) -> np.ndarray:
    """Return w_i = sin(pi (i + 1/2) / size), (size,): w_i^2 + w_(i + size / 2)^2 = 1."""
    return np.sin(np.pi * (np.arange(size) + 0.5) / size)


def _covariance(
    excerpts: Iterable[np.ndarray], frames_per_step: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the number of windowed segments, their mean (D,) and covariance (D, D) float64."""
    window = sine_window(2 * frames_per_step)[:, None]
    shape: tuple[int, ...] = ()
    count, total, squares = 0, np.zeros(0), np.zeros((0, 0))
    for frames in excerpts:
        frames = np.asarray(frames)
        if frames.ndim != 2 or not frames.size or shape not in ((), frames.shape[1:]):
            wanted = shape[0] if shape else "F"
            raise ValueError(f"an excerpt must have the shape (T, {wanted}), not {frames.shape}")
        if not shape:
            shape = frames.shape[1:]
            size = 2 * frames_per_step * shape[0]
            total, squares = np.zeros(size), np.zeros((size, size))
        if not np.isfinite(frames).all():
            raise ValueError("an excerpt must hold finite numbers")
        frames = np.pad(frames, [(0, max(0, 2 * frames_per_step - len(frames))), (0, 0)])
        kept = len(frames) // frames_per_step
        rows = frames[: kept * frames_per_step].reshape(kept, frames_per_step, -1)
        for start in range(0, kept - 1, SEGMENTS):
            block = rows[start : start + SEGMENTS + 1]
            segments = np.concatenate([block[:-1], block[1:]], axis=1) * window
            # In single precision where the frames are: it takes half the time, and is enough.
            precision = np.result_type(frames, np.float32)
            flat = segments.reshape(len(segments), -1).astype(precision, copy=False)
            count += len(flat)
            total += flat.sum(axis=0, dtype=np.float64)
            squares += flat.T @ flat
    if not count:
        return 0, total, squares
    mean = total / count
    return count, mean, squares / count - np.outer(mean, mean)
