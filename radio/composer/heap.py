"""Returns memory to the system that glibc's heap would keep; other systems have no such functions.

See mallopt(3) and malloc_trim(3).
"""

from __future__ import annotations

import contextlib
import ctypes

MMAP_THRESHOLD, ARENA_MAX = -3, -8  # parameters of mallopt
LARGE_BLOCK = 1 << 17  # bytes


def release_large_blocks() -> None:
    """Return large blocks as soon as they are freed, for a process in which few come and go.

    Once a song was freed, glibc serves blocks of its size from its own heap, and songs that come
    and go for days fragment that.
    """
    _mallopt(MMAP_THRESHOLD, LARGE_BLOCK)


def share_one_heap() -> None:
    """Let all threads share one heap: each would keep what it once needed for a song."""
    _mallopt(ARENA_MAX, 1)


def trim() -> None:
    """Return the free pages of the heap."""
    with contextlib.suppress(AttributeError, TypeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _mallopt(parameter: int, value: int) -> None:
    with contextlib.suppress(AttributeError, TypeError, OSError):
        ctypes.CDLL(None).mallopt(parameter, value)
