"""Folding is orthogonal, and its inverse is unfolding."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.folding import fold


def folded_slowly(chunks: np.ndarray, direction: int) -> np.ndarray:
    """The same of one signal (n, N, F), number by number."""
    result = chunks.copy()
    count, size, _ = chunks.shape
    for n in range(1, count):
        for i in range(size // 2):
            angle = np.pi / 4 + np.pi / (4 * size) * (2 * i + 1)
            sine, cosine = np.sin(angle), direction * np.cos(angle)
            before, after = chunks[n - 1, size - 1 - i], chunks[n, i]
            result[n - 1, size - 1 - i] = sine * before - cosine * after
            result[n, i] = cosine * before + sine * after
    return result


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 1e-6)])
@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (1, 2, 2, 1), (3, 1, 4, 2), (7, 6, 202)])
def test_fold_and_back(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: type, tolerance: float
) -> None:
    chunks = rng.standard_normal(shape).astype(dtype)
    folded = chunks.copy()
    fold(folded, 1)
    signals = zip(chunks.reshape(-1, *shape[-3:]), folded.reshape(-1, *shape[-3:]), strict=True)
    for signal, ours in signals:
        np.testing.assert_allclose(ours, folded_slowly(signal, 1), atol=4 * tolerance)
    assert np.square(folded).sum() == pytest.approx(np.square(chunks).sum(), rel=1e-5)
    fold(folded, -1)
    np.testing.assert_allclose(folded, chunks, atol=4 * tolerance)


def test_unfolding_is_the_transpose_of_folding(rng: np.random.Generator) -> None:
    there, back = rng.standard_normal((2, 4, 6, 5))
    first, second = there.copy(), back.copy()
    fold(first, 1)
    fold(second, -1)
    assert np.vdot(first, back) == pytest.approx(np.vdot(there, second), rel=1e-12)


def test_what_can_not_be_folded_in_place_is_refused(rng: np.random.Generator) -> None:
    frozen = np.zeros((2, 4, 6))
    frozen.flags.writeable = False
    for shape in ((2, 3, 4), (2, 0, 4), (4, 6), (6,)):
        with pytest.raises(ValueError, match="N even"):
            fold(np.zeros(shape), 1)
    with pytest.raises(ValueError, match="can be written to"):
        fold(frozen, 1)
    for kind in (np.int64, np.float16, np.complex128):  # whose numbers would be rounded, or lost
        with pytest.raises(TypeError, match="float32 or float64"):
            fold(np.zeros((2, 4, 6), kind), 1)
    with pytest.raises(ValueError, match="in one piece"):
        fold(np.zeros((4, 2, 6)).T, 1)
