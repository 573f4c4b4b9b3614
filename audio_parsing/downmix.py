"""Mix channels down to one, also those of which one is wired the wrong way round.

The mean of two channels that differ in sign alone is silence, or what they don't share: noise.
Where the mean would lose nearly all, channels are turned round first: those that have the other
sign in the first principal component of the covariance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

CANCELS = 0.1  # of the energy that the channels could have together; less in the mean is a defect
FADE = 0.02  # seconds from one way of mixing to the other
SILENT = 1e-4  # a block that never passes this (-80 dB of full scale) tells nothing
WORTH_A_NOTE = 1.0  # seconds


def mixed_down(
    blocks: Iterator[np.ndarray], rate: int, note: Callable[[str], None]
) -> Iterator[np.ndarray]:
    """Yield blocks (n,) float32 of blocks (n, channels).

    Args:
        blocks: of a file.
        rate: Hz.
        note: called at the end with a sentence if channels cancelled each other.
    """
    signs: np.ndarray | None = None  # those of the last block; None for the mean
    turned = seconds = 0.0
    for block in blocks:
        before, signs = signs, _signs(block, signs)
        mixed = _mixed(block, signs)
        if not _same(before, signs) and seconds:
            count = min(len(block), round(FADE * rate))
            share = np.linspace(0, 1, count, dtype=np.float32)
            mixed[:count] = share * mixed[:count] + (1 - share) * _mixed(block[:count], before)
        seconds += len(block) / rate
        turned += len(block) / rate if signs is not None else 0
        yield mixed
    if turned >= WORTH_A_NOTE:
        note(
            f"channels cancel each other in {turned:.0f} of {seconds:.0f} s; their difference is"
            " used there instead of their mean"
        )


def _mixed(block: np.ndarray, signs: np.ndarray | None) -> np.ndarray:
    mean: np.ndarray = (block if signs is None else block * signs).mean(axis=1, dtype=np.float32)
    return mean


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def _signs(block: np.ndarray, before: np.ndarray | None) -> np.ndarray | None:
    """Return 1 or -1 (channels,) float32 for each channel, None for the mean."""
    if block.shape[1] == 1:
        return None
    peak = float(np.abs(block).max(initial=0))
    if not SILENT < peak < np.inf:
        return before
    scaled = block.astype(np.float64) / peak  # huge floats would overflow when they are squared
    covariance = scaled.T @ scaled
    principal = np.linalg.eigh(covariance)[1][:, -1]
    signs = np.where(principal < 0, -1.0, 1.0)
    if signs.sum() < 0 or (signs.sum() == 0 and signs[0] < 0):
        signs = -signs
    in_phase, best = covariance.sum(), signs @ covariance @ signs
    return signs.astype(np.float32) if in_phase < CANCELS * best else None
