"""The lapped transform: samples to coefficients and back, without block edges.

Contract:

    Folding(+1).push(chunks) -> chunks   (C, T, N); the last chunk waits for the next push
    Folding(-1)                          the inverse; .finish() gives the chunk that waits
    frequencies(chunks), samples(coefficients)

With the DCT-IV behind it, folding is the modified discrete cosine transform
(audio_parsing/folding.py). Every step is orthogonal: an error of the coefficients is an equal error
of the samples, and a song's ends cost nothing. For long chunks the DCT is the limit of principal
components (Gray 1972), for any music and not only for the training set.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from audio_parsing.folding import fold

CHUNK = 512  # samples of one channel


class Folding:
    """Fold successive chunks into each other.

    Args:
        direction: +1 folds, -1 unfolds.

    Examples:
        >>> folding = Folding(1)
        >>> folding.push(np.ones((1, 3, 4))).shape, folding.finish().shape  # one waits
        ((1, 2, 4), (1, 1, 4))
    """

    def __init__(self, direction: int) -> None:
        self._direction = direction
        self._waiting: np.ndarray | None = None

    def push(self, chunks: np.ndarray) -> np.ndarray:
        """Take chunks (C, T, N), T at least 1; return those that are complete."""
        together = (
            chunks.copy()
            if self._waiting is None
            else np.concatenate([self._waiting, chunks], axis=1)
        )
        fold(together[..., None], self._direction)
        self._waiting = together[:, -1:]
        return together[:, :-1]

    def finish(self) -> np.ndarray | None:
        """Return the last chunk (C, 1, N), or None if there was none."""
        waiting, self._waiting = self._waiting, None
        return waiting


def frequencies(chunks: np.ndarray) -> np.ndarray:
    """Return coefficients (C, T, N) of folded chunks, low frequencies first.

    Examples:
        >>> chunks = np.random.default_rng(0).standard_normal((1, 3, 8))
        >>> bool(np.allclose(samples(frequencies(chunks)), chunks))
        True
    """
    return fft.dct(chunks, type=4, norm="ortho", axis=-1)


def samples(coefficients: np.ndarray) -> np.ndarray:
    """Return folded chunks (C, T, N) of coefficients."""
    return fft.dct(coefficients, type=4, norm="ortho", axis=-1)  # it is its own inverse
