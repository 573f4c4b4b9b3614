"""The slider, from -1 to 1: its curve over a song, and the rating of that curve.

The rating of a song is the mean of the slider over time, from the moment it was first touched.
Listeners need about 3 seconds to form an opinion, so the first 3 seconds of a song don't count. An
untouched slider gives no rating.
"""

from __future__ import annotations

import numpy as np

REACTION_SECONDS = 3.0  # chosen, not measured


class Slider:
    """The slider of one song: untouched until the listener moves it."""

    def __init__(self) -> None:
        self.value: float | None = None
        self._points: list[tuple[float, float]] = []

    def set(self, value: float) -> None:
        """Put it at a value, clipped to -1 to 1, in steps of 0.01."""
        self.value = round(min(1.0, max(-1.0, value)), 2) + 0.0  # + 0.0: no minus zero

    def release(self) -> None:
        """Put it back to untouched, and delete the curve."""
        self.value = None
        self._points.clear()

    def restore(self, curve: np.ndarray) -> None:
        """Continue a curve (k, 2): seconds and slider."""
        self._points = [(float(seconds), float(value)) for seconds, value in curve]
        self.value = self._points[-1][1] if self._points else None

    def record(self, seconds: float) -> None:
        """Draw the curve up to this moment of the song."""
        if self.value is None:
            return
        # While nothing changes the last point moves, so that a curve has two points a level, not
        # ten a second.
        if (
            len(self._points) > 1
            and self._points[-1][1] == self._points[-2][1] == self.value
            and seconds >= self._points[-1][0]
        ):
            self._points.pop()
        self._points.append((seconds, self.value))

    def curve(self) -> np.ndarray:
        """Return the curve, (k, 2): seconds into the song and slider."""
        return np.array(self._points, float).reshape(-1, 2)


def rating_of(curve: np.ndarray, *, delay: float = 0.0, seconds: float = np.inf) -> float | None:
    """Return the rating of a curve (k, 2), from -1 to 1; None for an empty curve.

    Each value counts for the time until the next point. A pause adds no time, nor does a jump back.
    If the slider was touched within the first seconds only, its last value counts: a listener who
    skips so early has an opinion already.

    Args:
        curve: seconds and slider.
        delay: seconds by which the hand follows the ear; the first seconds and the song end so much
            later.
        seconds: how long the song lasts; points after its end do not count.
    """
    if not len(curve):
        return None
    time = np.clip(
        curve[:, 0], REACTION_SECONDS + delay, max(seconds, REACTION_SECONDS + delay) + delay
    )
    held = np.maximum(np.diff(time), 0)
    if held.sum() <= 0:
        return float(curve[-1, 1])
    return float(np.clip(held @ curve[:-1, 1] / held.sum(), -1, 1))


def checked_curve(curve: np.ndarray | list | float) -> np.ndarray:
    """Return a slider's curve (k, 2), or one number as a curve of one point, without NaN.

    Raises:
        ValueError: if the shape is another, or a slider's value is outside -1 to 1.
    """
    values = np.asarray(curve, float)
    if values.ndim == 0:
        values = np.array([[REACTION_SECONDS, float(values)]])
    if values.size == 0:
        values = values.reshape(-1, 2)
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(
            "a rating is a number or a curve of (seconds, slider), "
            f"not an array of shape {values.shape}"
        )
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) and np.abs(values[:, 1]).max() > 1:
        raise ValueError(
            "a slider's value is between -1 and 1, "
            f"not {values[np.abs(values[:, 1]).argmax(), 1]:g}"
        )
    return values
