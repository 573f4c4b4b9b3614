"""The exercises of lesson 6b: folding undone, and how many components are enough."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 2, 1), (2, 2, 3), (4, 6, 2))  # chunks, frames, bands


def _folded(chunks):
    half = chunks.shape[1] // 2
    a = (np.pi / 4 + (2 * np.arange(half) + 1) * np.pi / (8 * half))[:, None]
    before, after = chunks[:-1, : half - 1 : -1], chunks[1:, :half]
    result = chunks.copy()
    result[:-1, : half - 1 : -1] = np.sin(a) * before - np.cos(a) * after
    result[1:, :half] = np.cos(a) * before + np.sin(a) * after
    return result


def unfolded(theirs, rng):
    """Check that folded chunks come out as they were."""
    for size in SIZES:
        chunks = rng.standard_normal(size)
        (found,) = answer(theirs.unfolded, "chunks", _folded(chunks))
        same("chunks", found, chunks)


def fold_backward(theirs, rng):
    """Check the gradient with respect to the chunks."""
    for size in SIZES:
        chunks, dfolded = rng.standard_normal((2, *size))
        (dchunks,) = answer(theirs.fold_backward, "dchunks", dfolded)
        differences(lambda: (dfolded * _folded(chunks)).sum(), dchunks=(dchunks, chunks))


def needed(theirs, rng):
    """Check several shares of variances in order and in disorder."""
    for size, share in ((1, 0.5), (5, 0.3), (8, 0.9), (8, 0.999)):
        variances = rng.uniform(0.1, 1, size) ** 3
        for given in (np.sort(variances)[::-1].copy(), np.sort(variances)):
            (found,) = answer(theirs.needed, "count", given, share)
            sums = np.cumsum(np.sort(variances)[::-1]) / variances.sum()
            same(f"the count for a share of {share}", found, 1 + (sums < share).sum())
