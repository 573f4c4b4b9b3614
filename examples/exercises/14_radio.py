"""Exercises of lesson 14: from the slider to the final song.

Edit this file, and check it: python examples/check.py 14
"""

from __future__ import annotations

import numpy as np


def rating(curve, end) -> float:
    """Return the rating of a song, the mean of the slider over time: there is a mistake in it.

    curve (k, 2): seconds, and the slider from then on until the next point; the last value counts
    until the song's end in seconds. The time before the first point does not count.
    """
    return float(np.mean(curve[:, 1]))


def valid(journal) -> dict[str, float]:
    """Return the ratings that count, by song.

    journal is a list of what a listener did: ("rate", song, rating) or ("undo",). An undo takes the
    latest rating back that has not been taken back yet; a song that was rated before then has its
    earlier rating again. An undo with nothing before it does nothing.
    """


def cautious(f, mean, covariance, caution) -> tuple[float, np.ndarray]:
    """Return r, a cautious prediction for a song with features f (D,), and its gradient df (D,).

    r = f . mean - caution sqrt(f . covariance f). The final song is the one of highest r: without
    caution the search would go where nothing is known.
    """
