"""Calibration: correct the decoder's output where songs were measured to differ from real ones.

    u_t = sum over k of  taps_k x_(t + k)         joins rows over the borders of steps, at each of
                                                  which the decoder errs independently
    c_t = level + between (m - level) + within (u_t - m)      m: mean of u over the song. Contrast:
                                                  how far a song moves, from hits to the silence
                                                  between them, and how far songs are apart
    v_t = curve(c_t)                              the range of levels; a least-squares mean of the
                                                  possible has a smaller one
    y_t = v_t (1 + gain (blend n_t))  if v_t > 0  flutter, as noise has; n: normal numbers, always
                                                  the same

Each value of a row has its own taps, contrasts, curve and gain. They are measured
(calibration_fit.py) and are no Parameters: a network that learned them by its squared error would
learn to leave them out. Gradients pass through exactly. As n does not change, a coordinate always
gives the same song. `blend` correlates the flutter of bands as it is in real songs: of neighbours
of a tone, of the bands of a drum. Letters: S steps, B batch, R rows of a step, W values of a row,
F = R W, K taps, C knots.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.module import Module

Array = np.ndarray

KNOT = 0.025  # of a value, from one knot of a curve to the next; the first is at 0
TABLE = 1 << 18  # normal numbers, read from step to step and over again
SEED = 20


@kernel
def _join(y: Array, x: Array, taps: Array) -> None:
    """Fill y (S, B, R, W) with x (S, B, R, W) under taps (K, R, W); beyond its ends x is 0."""
    steps, batch, rows, _ = x.shape
    half = len(taps) // 2
    y[:] = 0
    for s in range(steps):
        for b in range(batch):
            for r in range(rows):
                out = y[s, b, r]
                for k in range(len(taps)):
                    place = r + k - half
                    source = s + place // rows
                    if 0 <= source < steps:
                        weight, value = taps[k, r], x[source, b, place % rows]
                        for i in range(out.size):
                            out[i] += weight[i] * value[i]


def _transposed(taps: Array) -> Array:
    """Return the taps (K, R, W) of the transpose of `_join`, for a gradient."""
    count, rows, _ = taps.shape
    back = np.empty_like(taps)
    for k in range(count):
        for row in range(rows):
            back[k, row] = taps[count - 1 - k, (row + k - count // 2) % rows]
    return back


@kernel
def _spread(x: Array, level: Array, between: Array, within: Array) -> None:
    """Scale x (S, B, R, W) about its mean over S and R by `within`, that mean by `between`."""
    steps, batch, rows, width = x.shape
    offset = np.empty(width, x.dtype)
    for b in range(batch):
        offset[:] = 0
        for s in range(steps):
            for r in range(rows):
                line = x[s, b, r]
                for i in range(width):
                    offset[i] += line[i]
        for i in range(width):
            mean = offset[i] / x.dtype.type(steps * rows)
            offset[i] = level[i] + between[i] * (mean - level[i]) - within[i] * mean
        for s in range(steps):
            for r in range(rows):
                line = x[s, b, r]
                for i in range(width):
                    line[i] = offset[i] + within[i] * line[i]


@kernel
def _shape(y: Array, slope: Array, x: Array, curve: Array, flutter: Array, knot: float) -> None:
    """Fill y and dy/dx (S, B, F) from x, a curve (F, C) for each value, and 1 + gain n (S, F)."""
    one, zero = x.dtype.type(1), x.dtype.type(0)
    last = curve.shape[1] - 2
    for s in range(x.shape[0]):
        for b in range(x.shape[1]):
            for f in range(x.shape[2]):
                value, rise = x[s, b, f], one
                if value <= zero:
                    value += curve[f, 0]
                else:
                    place = value / knot
                    i = min(int(place), last)
                    rise = curve[f, i + 1] - curve[f, i]
                    value = curve[f, i] + rise * (place - x.dtype.type(i))
                    rise /= knot
                factor = flutter[s, f] if value > zero else one
                y[s, b, f] = value * factor
                slope[s, b, f] = rise * factor


class Calibration(Module):
    """A layer behind the decoder with the equations above, and without Parameters.

    Args:
        taps: (K, R, W), K odd.
        curve: (F, C) for each value at 0, KNOT, 2 KNOT, ...; linear beyond the last, with slope 1
            below 0.
        gain: (F,) standard deviation of the flutter as a share of the value.
        contrast: (3, W), [level; between; within]; None changes nothing.
        blend: (W, W) with rows of length 1; with None, values flutter independently.

    Raises:
        ValueError: if they don't fit together, or are not finite.
    """

    def __init__(
        self,
        taps: np.ndarray,
        curve: np.ndarray,
        gain: np.ndarray,
        contrast: np.ndarray | None = None,
        blend: np.ndarray | None = None,
    ) -> None:
        if taps.ndim != 3 or len(taps) % 2 == 0 or curve.ndim != 2 or curve.shape[1] < 2:
            raise ValueError(
                "a calibration has an odd number of taps (K, R, W) and curves (F, C), "
                f"not {taps.shape} and {curve.shape}"
            )
        size = taps.shape[1] * taps.shape[2]
        if curve.shape[0] != size or gain.shape != (size,):
            raise ValueError(
                f"taps of {size} values, curves of {curve.shape[0]} "
                f"and gains of {gain.shape} don't fit together"
            )
        width = taps.shape[2]
        for array, shape in ((contrast, (3, width)), (blend, (width, width))):
            if array is not None and array.shape != shape:
                raise ValueError(
                    f"taps of {width} values in a row don't fit together with an array of shape "
                    f"{array.shape} instead of {shape}"
                )
        if not all(
            np.isfinite(array).all()
            for array in (taps, curve, gain, contrast, blend)
            if array is not None
        ):
            raise ValueError("a calibration has numbers that are not finite")
        self.taps, self.curve, self.gain = (
            np.ascontiguousarray(array, np.float32) for array in (taps, curve, gain)
        )
        self.contrast, self.blend = (
            None if a is None else np.ascontiguousarray(a, np.float32) for a in (contrast, blend)
        )
        self._table = np.random.default_rng(SEED).standard_normal(TABLE, dtype=np.float32)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y (S, B, F) and the cache, the slope of each value's curve."""
        dtype = x.dtype
        rows = (*x.shape[:2], *self.taps.shape[1:])
        joined = np.empty_like(x)
        _join(joined.reshape(rows), np.ascontiguousarray(x).reshape(rows), self.taps.astype(dtype))
        if self.contrast is not None:
            _spread(joined.reshape(rows), *self.contrast.astype(dtype))
        noise = np.resize(self._table, (len(x) * rows[2], rows[3]))
        if self.blend is not None:
            noise = noise @ self.blend.T
        flutter = (1 + self.gain * noise.reshape(len(x), -1)).astype(dtype)
        y, slope = np.empty(x.shape, dtype), np.empty(x.shape, dtype)
        _shape(y, slope, joined, self.curve.astype(dtype), flutter, dtype.type(KNOT))
        return y, slope

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx."""
        rows = (*dy.shape[:2], *self.taps.shape[1:])
        dx, djoined = np.empty(dy.shape, dy.dtype), dy * cache
        if self.contrast is not None:
            _, between, within = self.contrast.astype(dy.dtype)
            _spread(djoined.reshape(rows), np.zeros_like(between), between, within)
        _join(dx.reshape(rows), djoined.reshape(rows), _transposed(self.taps).astype(dy.dtype))
        return dx

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was measured, for a file."""
        arrays = {
            "taps": self.taps,
            "curve": self.curve,
            "gain": self.gain,
            "contrast": self.contrast,
            "blend": self.blend,
        }
        return {name: array for name, array in arrays.items() if array is not None}
