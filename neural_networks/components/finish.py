"""The finish: what a network's songs were measured to lack of real ones, put right behind its last layer.

    u_t = sum over k of  taps_k x_(t + k)         rows are joined over the borders of steps, on which each step errs by itself
    v_t = curve(u_t)                              levels go as far up and down as they do in songs; a mean of what may be does not
    y_t = v_t (1 + gain n_t)  where v_t > 0       they flutter as noise does; n: normal numbers, always the same

Row by row, each value has its own taps, curve and gain, which are measured (finish_fit.py) and held: they are no Parameters, for a
network that learned them by its squared error would learn to leave them out. Gradients go through, exactly. As n does not change, a
coordinate makes the same song each time. Letters: S steps, B batch, R rows of a step, W values of a row, F = R W, K taps, C knots.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.module import Module

Array = np.ndarray

KNOT = 0.025  # of a value, from one knot of a curve to the next; the first is at 0
TABLE = 1 << 18  # normal numbers, read from step to step, and from the beginning again
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
    """Return the taps (K, R, W) by which a gradient goes the way of `_join` back: each from the row that it came to."""
    count, rows, _ = taps.shape
    back = np.empty_like(taps)
    for k in range(count):
        for row in range(rows):
            back[k, row] = taps[count - 1 - k, (row + k - count // 2) % rows]
    return back


@kernel
def _shape(y: Array, slope: Array, x: Array, curve: Array, flutter: Array, knot: float) -> None:
    """Fill y and dy/dx (S, B, F) for x (S, B, F), a curve (F, C) of each value, and 1 + gain n (S, F)."""
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


class Finish(Module):
    """See the module's equations. No Parameters.

    Args:
        taps: (K, R, W), K odd.
        curve: (F, C) of each value at 0, KNOT, 2 KNOT, ...; straight on beyond the last, and with a slope of 1 below 0.
        gain: (F,) standard deviation of the flutter, of the value itself.
    """

    def __init__(self, taps: np.ndarray, curve: np.ndarray, gain: np.ndarray) -> None:
        if taps.ndim != 3 or len(taps) % 2 == 0 or curve.ndim != 2 or curve.shape[1] < 2:
            raise ValueError(f"a finish has an odd number of taps (K, R, W) and curves (F, C), not {taps.shape} and {curve.shape}")
        size = taps.shape[1] * taps.shape[2]
        if curve.shape[0] != size or gain.shape != (size,):
            raise ValueError(f"taps of {size} values, curves of {curve.shape[0]} and gains of {gain.shape} don't fit together")
        if not all(np.isfinite(array).all() for array in (taps, curve, gain)):
            raise ValueError("a finish holds numbers that are not finite")
        self.taps, self.curve, self.gain = (np.ascontiguousarray(array, np.float32) for array in (taps, curve, gain))
        self._table = np.random.default_rng(SEED).standard_normal(TABLE, dtype=np.float32)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return y (S, B, F) and the cache, how steep each value's curve was."""
        dtype = x.dtype
        rows = (*x.shape[:2], *self.taps.shape[1:])
        joined = np.empty_like(x)
        _join(joined.reshape(rows), np.ascontiguousarray(x).reshape(rows), self.taps.astype(dtype))
        flutter = (1 + self.gain * np.resize(self._table, (len(x), x.shape[2]))).astype(dtype)
        y, slope = np.empty(x.shape, dtype), np.empty(x.shape, dtype)
        _shape(y, slope, joined, self.curve.astype(dtype), flutter, dtype.type(KNOT))
        return y, slope

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dx."""
        rows = (*dy.shape[:2], *self.taps.shape[1:])
        dx = np.empty(dy.shape, dy.dtype)
        _join(dx.reshape(rows), (dy * cache).reshape(rows), _transposed(self.taps).astype(dy.dtype))
        return dx

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was measured, for a file."""
        return {"taps": self.taps, "curve": self.curve, "gain": self.gain}
