"""Checks of arrays before a kernel reads them: a kernel itself looks at no bounds.

floats(x)                   x is of float32 or float64
real(x)                     x holds real numbers, which are computed with as floats
same_shape(dy, y)           a gradient, or a target, belongs to its array
of_shape(x, (T, B, F))      x holds real numbers, as many as it should
"""

from __future__ import annotations

import numpy as np


def floats(x: np.ndarray, name: str = "x") -> np.ndarray:
    """Return an array of float32 or float64 as it is.

    Raises:
        TypeError: for integers and the like, whose results would be rounded without a word.
    """
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"{name} is of {x.dtype}; networks compute with float32 or float64: {name}.astype(...)"
        )
    return x


def real(x: np.ndarray, name: str = "x") -> np.ndarray:
    """Return an array of real numbers as it is.

    Raises:
        TypeError: for complex numbers, whose imaginary parts would be lost, and the like.
    """
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{name} is of {x.dtype}; networks compute with real numbers")
    return x


def of_shape(x: np.ndarray, shape: tuple[int, ...], name: str = "x") -> np.ndarray:
    """Return an array of real numbers as it is.

    Raises:
        ValueError: if its shape is another, even if NumPy would broadcast it.
        TypeError: if it holds no real numbers.
    """
    if x.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {x.shape}")
    return real(x, name)


def same_shape(
    dy: np.ndarray, y: np.ndarray, names: tuple[str, str] = ("the gradient", "the output")
) -> None:
    """Check that two arrays belong together.

    Raises:
        ValueError: if their shapes differ, even if NumPy would broadcast one to the other.
        TypeError: if the first is not of float32 or float64.
    """
    if dy.shape != y.shape:
        raise ValueError(f"{names[0]} has the shape {dy.shape}, {names[1]} {y.shape}")
    floats(dy, names[0])
