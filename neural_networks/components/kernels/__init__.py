"""The decorator of all kernels: functions over arrays that Numba compiles once and caches on disk.

Contract: a kernel takes arrays and scalars, outputs first; it stores nothing and releases the GIL,
so threads can run side by side. Scalars have the dtype of the arrays, since a float64 literal would
halve the speed of float32 loops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

# NOTE: the C library of Linux returns large blocks to the system as soon as they are freed, and
# each new one is then mapped page by page, which takes a quarter of a training step. It reuses
# blocks up to the size of the largest one freed so far, at most 32 MB: so free one of that size.
np.empty(2**25 - 2**16, np.uint8)


def _stamp() -> bytes:
    """Return a hash of all kernel files of this folder and below it."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest()


_STAMP = _stamp()


def inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function for kernels to call that takes its arrays from a workspace.

    Numba then counts no references to arrays, which would take a tiny network a third of its time.
    See simd/workspace.py.
    """
    return numba.njit(_nrt=False, nogil=True, error_model="numpy")(function)


def body(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function part of each kernel that calls it, and so compile it only there.

    Other functions that kernels call are compiled for themselves, and again within each caller.
    """
    return numba.njit(inline="always")(function)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with Numba at its first call, and cache the result on disk."""
    return _cached(function)


def kernel_in_workspace(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel that Python gives a workspace, so that no references are counted in it.

    As a kernel around an `inner` function it would be compiled twice, once within the other.
    """
    return _cached(function, _nrt=False)


def _cached(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    # Python's tests for division by zero would prevent vectorisation
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder is writable: compile at each start
        return numba.njit(**options)(function)
    # NOTE: Numba's cache depends on the file of the function only, and not on the kernels that it
    # calls: make it depend on all of them.
    watched = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if watched is not None:
        watched._source_stamp = (watched._source_stamp, _STAMP)
    return compiled
