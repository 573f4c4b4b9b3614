"""A rating as the taste network learns it, and a list of them as arrays for a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Names of arrays in a saved taste: K features of a song, n ratings, m segments.
NAMES = ("features", "ratings", "weights", "moments", "told", "of")


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


def to_arrays(observations: Sequence[Observation], size: int) -> dict[str, np.ndarray]:
    """Return ratings of songs with K = `size` features as the arrays of NAMES."""
    arrays = (
        np.array([one.features for one in observations]).reshape(-1, size),
        np.array([one.rating for one in observations]),
        np.array([one.weight for one in observations]),
        *curves(observations, size),
    )
    return dict(zip(NAMES, arrays, strict=True))


def from_arrays(arrays: dict[str, np.ndarray]) -> list[Observation]:
    """Return the ratings in the arrays of NAMES, oldest first."""
    rows = zip(arrays["features"], arrays["ratings"], arrays["weights"], strict=True)
    found = []
    for number, (features, rating, weight) in enumerate(rows):
        own = arrays["of"] == number
        found.append(
            Observation(
                features,
                float(rating),
                float(weight),
                arrays["moments"][own],
                arrays["told"][own],
            )
        )
    return found
