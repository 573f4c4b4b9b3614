"""A rating as the taste network learns it, and the curves of a list of them as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Observation(NamedTuple):
    """A rating.

    Attributes:
        features: (K,) of the song.
        rating: in [-1, 1].
        weight: how much it counts.
        differences: (m, K) between segments of the song and the song.
        targets: (m,) differences of the slider in those segments from its mean.
    """

    features: np.ndarray
    rating: float
    weight: float
    differences: np.ndarray
    targets: np.ndarray


def curves(
    observations: Sequence[Observation], size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all differences (m, K), targets (m,), and the index of each one's rating (m,)."""
    counts = [len(one.targets) for one in observations]
    return (
        np.concatenate([np.zeros((0, size)), *(one.differences for one in observations)]),
        np.concatenate([np.zeros(0), *(one.targets for one in observations)]),
        np.repeat(np.arange(len(observations)), counts),
    )
