"""Compare a reader's gradients with finite differences; say where they differ, never why.

A module of this folder belongs to one file of exercises. Each of its public functions checks the
reader's function of the same name, and raises Wrong:

    def double(theirs, rng):
        x = rng.standard_normal((2, 3))
        (dx,) = answer(theirs.double, "dx", x)
        differences(lambda: (2 * x).sum(), dx=(dx, x))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEP, LIMIT = 1e-5, 1e-6


class Wrong(Exception):
    """An answer is wrong; the message says where."""


def answer(function: Callable[..., Any], names: str, *arguments: Any) -> tuple[Any, ...]:
    """Call a reader's function and return its results, one for each of the names.

    Raises:
        Wrong: if there are more or fewer results, or if an argument was changed.
    """
    before = [np.copy(each) for each in arguments]
    results = function(*arguments)
    if results is None:
        raise Wrong("returns nothing yet")
    expected = names.split()
    if isinstance(results, np.ndarray) and results.ndim and len(expected) > 1:
        results = tuple(results)  # np.array([dw1, dw2, db]) is three results, too
    results = tuple(results) if isinstance(results, (tuple, list)) else (results,)
    if len(results) != len(expected):
        many = "1 result" if len(results) == 1 else f"{len(results)} results"
        raise Wrong(f"returns {many} instead of {len(expected)}: {names}")
    for number, (old, new) in enumerate(zip(before, arguments, strict=True), start=1):
        if not np.array_equal(old, new):
            raise Wrong(f"changes its argument {number}, which others may still need")
    return results


def same(name: str, given: Any, expected: Any, told: str = "expected") -> None:
    """Compare a result with what it should be.

    Raises:
        Wrong: for another shape, or where they differ by more than LIMIT of the largest value.
    """
    given, expected = np.asarray(given, np.float64), np.asarray(expected, np.float64)
    if given.shape != expected.shape:
        raise Wrong(f"{name} has shape {given.shape} instead of {expected.shape}")
    off = np.abs(given - expected)
    # written so that a NaN is wrong too
    wrong = ~(off <= LIMIT * max(1.0, float(np.abs(expected).max(initial=0))))
    if wrong.any():
        worst = np.unravel_index(
            np.where(wrong, np.nan_to_num(off, nan=np.inf), -1).argmax(), off.shape
        )
        place = f" at {[int(i) for i in worst]}" if worst else ""
        many = f"; {wrong.sum()} of {wrong.size} values differ" if worst else ""
        raise Wrong(f"{name}{place} is {given[worst]:.6g}, {told} {expected[worst]:.6g}{many}")


def differences(loss: Callable[[], float], **gradients: tuple[Any, np.ndarray]) -> None:
    """Compare each (gradient, array) with central differences of the loss at the array.

    Raises:
        Wrong: for the first gradient that does not agree.
    """
    for name, (given, array) in gradients.items():
        measured = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + STEP
            above = loss()
            array[index] = kept - STEP
            measured[index] = (above - loss()) / (2 * STEP)
            array[index] = kept
        same(name, given, measured, "finite differences give")
