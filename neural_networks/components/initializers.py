"""Initial values of weights: float64 arrays drawn from a generator; `pack` sets the final dtype.

The last two axes of a weight are (inputs, outputs); axes before them, as in a convolution, multiply
the inputs.
"""

from __future__ import annotations

from math import prod, sqrt

import numpy as np


def fan_in_uniform(shape: tuple[int, ...], fan_in: int, *, rng: np.random.Generator) -> np.ndarray:
    """Draw from +-1 / sqrt(fan_in), as PyTorch does for linear, conv and recurrent layers.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> float(np.abs(fan_in_uniform((100, 50), 100, rng=rng)).max().round(2))
        0.1
    """
    bound = 1 / sqrt(max(fan_in, 1))
    return rng.uniform(-bound, bound, shape)


def glorot_uniform(shape: tuple[int, ...], *, rng: np.random.Generator) -> np.ndarray:
    """Draw from +-sqrt(6 / (fan_in + fan_out)), for tanh (Glorot and Bengio 2010, equation 16).

    Examples:
        >>> float(np.abs(glorot_uniform((100, 50), rng=np.random.default_rng(0))).max().round(2))
        0.2
    """
    fan_in, fan_out = _fans(shape)
    bound = sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape)


def he_normal(
    shape: tuple[int, ...], *, slope: float = 0.0, rng: np.random.Generator
) -> np.ndarray:
    """Draw normals of variance 2 / ((1 + slope^2) fan_in), for a leaky ReLU (He et al. 2015).

    Examples:
        >>> weights = he_normal((200, 100), rng=np.random.default_rng(0))
        >>> float(weights.std().round(2))  # sqrt(2 / 200)
        0.1
    """
    fan_in, _ = _fans(shape)
    return rng.standard_normal(shape) * sqrt(2 / ((1 + slope * slope) * fan_in))


def orthogonal(
    shape: tuple[int, int], *, gain: float = 1.0, rng: np.random.Generator
) -> np.ndarray:
    """Draw a matrix with orthonormal rows or columns, which keeps lengths (Saxe et al. 2014).

    Examples:
        >>> matrix = orthogonal((4, 2), rng=np.random.default_rng(0))
        >>> bool(np.allclose(matrix.T @ matrix, np.eye(2)))
        True
    """
    rows, columns = shape
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # QR alone is not uniform: the signs of r's diagonal belong to q (Mezzadri 2007).
    q *= np.sign(np.diagonal(r))
    return gain * np.ascontiguousarray(q if rows >= columns else q.T)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    taps = prod(shape[:-2])
    return taps * shape[-2], taps * shape[-1]
