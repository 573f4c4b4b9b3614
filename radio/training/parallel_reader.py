"""Reads many files on all cores and in all processes of a training; a bad file costs only itself.

    with Readers(read, shape, workers=, communicator=) as readers:
        readers.read(paths, share) -> [Result, ...]   in the order of the paths, in every process

If a damaged file crashes its decoder and the worker process, a new one starts and the file is
skipped.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from audio_parsing.opening import AudioError, shown
from neural_networks.parallel.communicator import ALONE, Communicator
from radio.station import FrameGrid

FILES_AHEAD = 4  # files that each worker reads before the results are looked at


class Place(NamedTuple):
    """The beginning of an excerpt: a piece of a file, a frame of it, and where its frames lie."""

    piece: int
    start: int
    grid: FrameGrid = FrameGrid()


class Result(NamedTuple):
    """The result of reading a file.

    Attributes:
        excerpts: steps (S, F) float16 by place; empty for a file that is too short.
        error: why it can't be read, in one line; empty if it can.
        problem: why its excerpts can't be cached, in one line; empty if they can.
        note: what is worth knowing of it, in one line; mostly empty.
    """

    excerpts: dict[Place, np.ndarray]
    error: str = ""
    problem: str = ""
    note: str = ""


class Readers:
    """Worker processes that read files.

    Args:
        read: (path, share) -> Result; raises AudioError for a file that can't be read. Workers get
            a copy of it.
        shape: (S, F) of an excerpt.
        workers: number of processes; with 1 this process reads.
        communicator: the processes that share the files.
    """

    def __init__(
        self,
        read: Callable[[Path, int], Result],
        shape: tuple[int, int],
        *,
        workers: int,
        communicator: Communicator = ALONE,
    ) -> None:
        self.workers, self.communicator = workers, communicator
        self._read, self._shape = read, shape
        self._pool: ProcessPoolExecutor | None = None
        self._cancelled = False

    def __enter__(self) -> Readers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)

    @property
    def at_once(self) -> int:
        """Number of files to read before the results are looked at."""
        together = self.workers * self.communicator.size
        return 1 if together == 1 else FILES_AHEAD * together

    def cancel(self) -> None:
        """Read nothing more; a `read` in another thread ends with an error."""
        self._cancelled = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def read(self, paths: list[Path], share: int) -> list[Result]:
        """Return the result of each file, at most `share` excerpts each.

        Raises:
            CancelledError: after `cancel`.
        """
        mine = paths[self.communicator.rank :: self.communicator.size]
        if self.workers == 1:
            own = [self._attempt(path, share) for path in mine]
        else:
            own = self._on_workers(mine, share)
        return own if self.communicator.size == 1 else self._exchanged(own, len(paths))

    def _attempt(self, path: Path, share: int) -> Result:
        if self._cancelled:
            raise CancelledError
        return attempt(self._read, path, share)

    def _on_workers(self, paths: list[Path], share: int) -> list[Result]:
        self._pool = self._pool or _pool(self.workers)
        if self._cancelled:
            raise CancelledError
        waiting: list[Future[Result]] = []
        results: list[Result] = []
        try:
            waiting += [self._pool.submit(attempt, self._read, path, share) for path in paths]
            results += [future.result() for future in waiting]
        except BrokenProcessPool:
            if self._cancelled:
                raise CancelledError from None
            self._pool.shutdown(wait=False)
            self._pool = None
            # It is not known which file it was, so each is read in a separate process.
            results += [self._by_itself(path, share) for path in paths[len(results) :]]
        return results

    def _by_itself(self, path: Path, share: int) -> Result:
        try:
            with _pool(1) as pool:
                return pool.submit(attempt, self._read, path, share).result()
        except BrokenProcessPool:
            return Result({}, f"{shown(path)}: its decoder crashed; the file is damaged")

    def _exchanged(self, own: list[Result], count: int) -> list[Result]:
        """Return the results of all processes, in the order of the paths."""
        size, gather = self.communicator.size, self.communicator.gather
        places = [
            (self.communicator.rank + size * i, place.piece, place.start, *place.grid)
            for i, result in enumerate(own)
            for place in result.excerpts
        ]
        steps = [steps for result in own for steps in result.excerpts.values()]
        text = (
            json.dumps(
                [
                    [self.communicator.rank + size * i, one.error, one.problem, one.note]
                    for i, one in enumerate(own)
                ]
            )
            + "\n"
        )
        all_places = gather(np.array(places, np.float64).reshape(-1, 6))
        all_steps = gather(np.array(steps, np.float16).reshape(-1, *self._shape))
        lines = gather(np.frombuffer(text.encode(), np.uint8)).tobytes().decode().splitlines()
        results = [Result({}) for _ in range(count)]
        for index, *texts in (one for line in lines for one in json.loads(line)):
            results[index] = Result({}, *texts)
        for (index, piece, start, *grid), excerpt in zip(
            all_places.tolist(), all_steps, strict=True
        ):
            place = Place(int(piece), int(start), FrameGrid(*grid))
            results[int(index)].excerpts[place] = excerpt
        return results


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: forking a process that has threads (BLAS, Numba) can lock up.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Prepare a worker: Ctrl-C is its parent's affair, and it ends with a parent that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def attempt(read: Callable[[Path, int], Any], path: Path, share: int) -> Result:
    """Return the result of reading a file, errors included."""
    try:
        result: Result = read(path, share)
        return result
    except AudioError as error:
        return Result({}, str(error))
