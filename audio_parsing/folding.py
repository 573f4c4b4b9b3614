"""Fold chunks of a signal into each other at their borders, and unfold them; nothing is lost.

    fold(chunks (..., n, N, F), direction)      in place: +1 folds, -1 unfolds

A rotation mixes what lies on both sides of a border, mirrored at it, within half a chunk:
    before' = sin(a) before - cos(a) after      a = pi / 4 + (2 i + 1) pi / 4 N
    after'  = cos(a) before + sin(a) after      i = 0, 1, ... N / 2 - 1 rows from the border
A chunk that is then changed as a whole fades into its neighbours under a sine window of 2 N rows,
though there are as many numbers as before: behind a cosine transform this is the modified discrete
cosine transform (Princen and Bradley 1987; Malvar 1990 for this order of steps), and principal
components do as well. It is orthogonal: errors keep their size. The two ends are left as they are.
"""

from __future__ import annotations

import numpy as np

from audio_parsing.kernels import kernel


def fold(chunks: np.ndarray, direction: int) -> None:
    """Rotate the borders of neighbouring chunks in place.

    Args:
        chunks: (..., n, N, F) float32 or float64, in one piece; N rows of F values each, N even.
        direction: +1 folds, -1 unfolds.

    Raises:
        ValueError: for chunks that don't lie in one piece, or of an odd number of rows.

    Examples:
        >>> chunks = np.random.default_rng(0).standard_normal((5, 6, 2))  # 5 chunks of 6 rows
        >>> folded = chunks.copy()
        >>> fold(folded, 1)
        >>> fold(folded, -1)
        >>> bool(np.allclose(folded, chunks))
        True
    """
    size = chunks.shape[-2]
    if size % 2 or not chunks.flags.c_contiguous:
        raise ValueError(f"chunks to be folded lie in one piece, with even rows, not {size}")
    angle = np.pi / 4 + np.pi / (4 * size) * (2 * np.arange(size // 2) + 1)
    sine, cosine = np.sin(angle), direction * np.cos(angle)
    _rotate(
        chunks.reshape(-1, *chunks.shape[-3:]),
        sine.astype(chunks.dtype),
        cosine.astype(chunks.dtype),
    )


@kernel
def _rotate(chunks, sine, cosine):
    """Rotate chunks (B, n, N, F) by angles of which sine and cosine (N / 2,) are given."""
    batch, count, size, width = chunks.shape
    for b in range(batch):
        for n in range(count - 1):
            for i in range(size // 2):
                before, after = chunks[b, n, size - 1 - i], chunks[b, n + 1, i]
                for j in range(width):
                    x, y = before[j], after[j]
                    before[j] = sine[i] * x - cosine[i] * y
                    after[j] = cosine[i] * x + sine[i] * y
