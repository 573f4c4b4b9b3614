"""The processes that `mpiexec` started, by MPI through mpi4py: `pip install 'ai-radio[mpi]'`.

    mpiexec -n 4 ai-radio train ~/Music --station mine

Nothing is pickled: processes exchange numbers and bytes only. See docs/many_machines.md.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from neural_networks.parallel.communicator import ALONE, Communicator

# The variables in which the launchers of MPICH, Intel MPI, Open MPI and Slurm give the number of
# processes.
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
SIGNS = (*SIZES, "PMIX_RANK", "PMI_RANK")
PATIENCE = 1.0  # seconds that the others wait, so that the first process reports a common error


class CommunicatorError(ValueError):
    """The processes can't work together; the message is one line."""


def processes() -> Communicator:
    """Return the processes that were started together by mpiexec, or ALONE.

    Raises:
        CommunicatorError: if there are some, but mpi4py is missing, finds no MPI, or belongs to
            another one.
    """
    if not any(sign in os.environ for sign in SIGNS):
        return ALONE
    started = max(
        (int(os.environ[name]) for name in SIZES if os.environ.get(name, "").isdigit()), default=1
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # about what is refused below
            from mpi4py import MPI
    except ImportError as error:
        if started == 1:
            return ALONE
        raise CommunicatorError(
            "started by mpiexec, but mpi4py is not installed; pip install 'ai-radio[mpi]'"
        ) from error
    except RuntimeError as error:
        raise CommunicatorError(
            f"started by mpiexec, but mpi4py finds no MPI library ({error}); pip install mpich"
        ) from error
    world = MPI.COMM_WORLD
    if started > 1 and world.size == 1:
        # Each would train the whole station and write it over the others'.
        raise CommunicatorError(
            f"mpiexec started {started} processes that don't see each other; "
            "it is not of the MPI that mpi4py uses"
        )
    return MPIProcesses(world) if world.size > 1 else ALONE


class MPIProcesses:
    """The processes of an MPI communicator.

    Args:
        world: of mpi4py.
    """

    def __init__(self, world: Any) -> None:
        from mpi4py import MPI

        self._world, self._in_place, self._bytes = world, MPI.IN_PLACE, MPI.BYTE
        self.rank, self.size = int(world.rank), int(world.size)
        machine = world.Split_type(MPI.COMM_TYPE_SHARED)
        self.local = int(machine.size)
        machine.Free()

    def add(self, vector: np.ndarray) -> None:
        """Make the vector (n,) the sum of all processes' vectors."""
        self._world.Allreduce(self._in_place, vector)

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows (k, ...) of all processes, in the order of their ranks."""
        rows = np.ascontiguousarray(rows)
        counts = np.empty(self.size, np.int64)
        self._world.Allgather(np.array([len(rows)], np.int64), counts)
        everything = np.empty((int(counts.sum()), *rows.shape[1:]), rows.dtype)
        # Counted in rows, not in bytes: older MPIs count up to 2^31.
        row = self._bytes.Create_contiguous(
            max(1, rows.itemsize * math.prod(rows.shape[1:]))
        ).Commit()
        try:
            self._world.Allgatherv([rows, len(rows), row], [everything, counts.tolist(), None, row])
        finally:
            row.Free()
        return everything

    def broadcast(self, data: bytes) -> bytes:
        """Return the bytes that the first process passes."""
        count = np.array([len(data)], np.int64)
        self._world.Bcast(count)
        buffer = (
            np.frombuffer(data, np.uint8).copy()
            if self.rank == 0
            else np.empty(int(count[0]), np.uint8)
        )
        self._world.Bcast(buffer)
        return buffer.tobytes()

    @contextmanager
    def together(self) -> Iterator[None]:
        """End all processes at an error in this one, for which the others would otherwise wait.

        NOTE: the error is raised again and reported as usual; the others end when this process
        ends.
        """
        try:
            yield
        except BaseException as error:
            if self.rank:
                time.sleep(PATIENCE)
                print(
                    f"in process {self.rank} of {self.size}, on {socket.gethostname()}:",
                    file=sys.stderr,
                )
            _abort_at_exit(self._world, 130 if isinstance(error, KeyboardInterrupt) else 2)
            raise


def _abort_at_exit(world: Any, code: int) -> None:
    import atexit

    def abort() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        world.Abort(code)

    atexit.register(
        abort
    )  # runs before the function that mpi4py registered, which would wait for the others
