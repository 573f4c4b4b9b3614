"""Words for what raises or lowers a predicted rating at a moment: fast notes, bright, strong bass.

    share_ij = sum over statistics k of quality j: dr/dx_k (x_ik - mean_i x_ik)

x_i are the sound statistics of moment i and r is the song's predicted rating, so a share compares
with the moment's effect. What the critic's layers add to the effect has no name.
"""

from __future__ import annotations

import numpy as np

from radio.taste.sound_statistics import SoundStatistics

# what a moment has more of, or less, than the rest of its song
QUALITIES = (
    ("fast notes", "slow notes"),
    ("bright", "dark"),
    ("high notes", "low notes"),
    ("high melody", "low melody"),
    ("strong bass", "little bass"),
)
BASS = 48.0  # MIDI pitch below which bands are bass
NAMED = 2  # qualities of a moment at most
SMALLEST = 0.1  # share of the effect from which a quality is named; chosen, not measured


def causes_of(statistics: SoundStatistics, moments: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the share of each quality, and how far it is from the song's mean: (S, B, Q, 2).

    Args:
        statistics: that measured the moments.
        moments: (S, B, M).
        slope: (B, M) gradient of the predicted rating.
    """
    levels = statistics.levels
    bass = np.flatnonzero(statistics.centres < BASS)
    simple = 2 * levels
    # the statistics of each quality, and those that tell more of it from less
    groups = (
        (np.arange(simple + 3, statistics.size - 1), [simple + 3]),
        ([simple], [simple]),
        ([simple + 1, simple + 2], [simple + 1, simple + 2]),
        ([statistics.size - 1], [statistics.size - 1]),
        ([*bass, *(bass + levels)], bass),
    )
    away = moments - moments.mean(axis=0)
    shares = away * slope
    return np.stack(
        [
            np.stack([shares[..., all_].sum(axis=2), away[..., telling].sum(axis=2)], axis=2)
            for all_, telling in groups
        ],
        axis=2,
    )


def in_words(causes: np.ndarray, effect: float) -> str:
    """Return the largest causes (Q, 2) of a moment's effect; nothing where none has a name."""
    shares = causes[:, 0] * np.sign(effect)
    largest = np.argsort(-shares, kind="stable")[:NAMED]
    return ", ".join(
        QUALITIES[one][0 if causes[one, 1] > 0 else 1]
        for one in largest
        if shares[one] > SMALLEST * abs(effect)
    )
