"""The one decorator of all kernels: functions over arrays that Numba compiles once and keeps on disk.

Contract: a kernel takes arrays and scalars, outputs first; it keeps nothing and releases the GIL,
so threads can run side by side. Scalars have the dtype of the arrays (a float64 literal would halve
the speed of float32 loops).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

# NOTE: the C library of Linux gives large blocks back to the system at once when they are freed,
# and each new one is then mapped page by page: a quarter of a training step. From the largest block
# freed so far, up to 32 MB, it learns to keep such blocks.
np.empty(2**25 - 2**16, np.uint8)


def _stamp() -> bytes:
    """Return a hash of all kernel files of this folder and below it."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest()


_STAMP = _stamp()


def inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function for kernels to call that makes no arrays: it takes them from a workspace, see simd/workspace.py.

    Numba then counts no references to arrays, which takes a tiny network a third of its time.
    """
    return numba.njit(_nrt=False, nogil=True, error_model="numpy")(function)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with Numba at its first call, and keep the result for the next start of the program."""
    # Python's division tests would stop vectorisation
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder that can be written: compile at each start
        return numba.njit(**options)(function)
    # NOTE: Numba's cache watches the file of the function only, not the kernels that it calls: let
    # it watch all of them.
    watched = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if watched is not None:
        watched._source_stamp = (watched._source_stamp, _STAMP)
    return compiled
