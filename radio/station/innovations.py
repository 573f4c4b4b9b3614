"""The innovations of a song, drawn from a seed that is part of its coordinate P.

    innovations(seeds (B,), steps, size) -> eps (S, B, D), standard normal

The same seed gives the same numbers on every machine and in every version, and a longer song begins
with those of a shorter one. NumPy promises that of a bit generator's raw integers, but not of its
normal numbers (NEP 19); so the integers of Philox (Salmon et al. 2011) go through the quantile
function of the normal distribution.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

SEEDS = 1 << 24  # whole numbers below this are exact in float32, like all of P


def innovations(seeds: np.ndarray, steps: int, size: int) -> np.ndarray:
    """Return innovations (S, B, D) float32.

    Args:
        seeds: (B,) whole numbers from 0 to SEEDS - 1; others are rounded and wrapped into them.
        steps: S.
        size: D.
    """
    drawn = np.empty((steps, len(seeds), size), np.float32)
    for song, seed in enumerate(seeds):
        raw = np.random.Philox(key=round(float(seed)) % SEEDS).random_raw(steps * size)
        uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        drawn[:, song] = ndtri(uniform).reshape(steps, size)
    return drawn
