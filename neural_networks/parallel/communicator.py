"""Communication between processes that train one model together.

Contract:

    rank, size                  the number of this process, and of all
    local                       the number of processes on this machine
    add(vector)                 the vector becomes the sum of all processes' vectors, in place
    gather(rows) -> rows        (k, ...) of every process, in the order of their ranks
    broadcast(data) -> data     the bytes that the first process passes
    together()                  a block in which an error of one process ends all of them

All processes make the same calls in the same order. `ALONE` is a single process; `mpi.processes`
finds several.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import numpy as np

Arrays = dict[str, np.ndarray]


class Communicator(Protocol):
    """See the module's contract."""

    rank: int
    size: int
    local: int

    def add(self, vector: np.ndarray) -> None:
        """Make the vector (n,) the sum of all processes' vectors."""

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows (k, ...) of all processes, in the order of their ranks."""

    def broadcast(self, data: bytes) -> bytes:
        """Return the data that the first process passes."""

    def together(self) -> AbstractContextManager[None]:
        """Return a block in which an error of one process ends all of them."""


class Alone:
    """One process."""

    rank, size, local = 0, 1, 1

    def add(self, vector: np.ndarray) -> None:
        """Leave the vector as it is."""

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows."""
        return rows

    def broadcast(self, data: bytes) -> bytes:
        """Return the data."""
        return data

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do nothing."""
        yield


ALONE = Alone()


def any_of(communicator: Communicator, flag: bool) -> bool:
    """Return whether the flag is set in any process."""
    if communicator.size == 1:
        return flag
    count = np.array([float(flag)])
    communicator.add(count)
    return bool(count[0] > 0)


def same_everywhere(communicator: Communicator, values: np.ndarray) -> bool:
    """Return whether every process has the same bytes."""
    if communicator.size == 1:
        return True
    own = np.ascontiguousarray(values).tobytes()
    return not any_of(communicator, communicator.broadcast(own) != own)


def share_arrays(communicator: Communicator, arrays: Arrays) -> Arrays:
    """Return the arrays that the first process passes; those of the others are ignored."""
    if communicator.size == 1:
        return arrays
    layout = json.dumps([[name, array.dtype.str, array.shape] for name, array in arrays.items()])
    shared = {}
    for name, dtype, shape in json.loads(communicator.broadcast(layout.encode())):
        data = communicator.broadcast(arrays[name].tobytes() if communicator.rank == 0 else b"")
        shared[name] = np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()
    return shared
