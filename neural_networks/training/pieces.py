"""The gradient of a mini-batch, from fixed pieces of it that are added in a fixed order.

    gradient = sum over the pieces of  share of the piece * its mean gradient

Mostly there are two, the halves. One goes to a twin of the model, on a second thread where that
pays: the bytes that come out are the same for one thread and for two. A mini-batch that is too
large for one process has more pieces, and several processes share them out: each adds its own, then
all add up what they have. A piece draws the same random numbers wherever it is worked on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import perf_counter
from typing import Any

import numpy as np

from neural_networks.components.kernels import kernel
from neural_networks.components.parameters import FlatParameters
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.batches import Batch, Noise

# Handing work to a thread costs some 50 us: below this time of a half, in seconds, the halves run
# one after the other.
_WORTH_A_THREAD = 2e-4

Piece = tuple[int, np.ndarray]  # its number, and which examples


@kernel
def _combine(grads: np.ndarray, others: np.ndarray, share: float, other_share: float) -> None:
    share, other_share = grads.dtype.type(share), grads.dtype.type(other_share)
    for i in range(grads.size):
        grads[i] = share * grads[i] + other_share * others[i]


class Halves:
    """Compute gradients of mini-batches of a packed module.

    Args:
        parameters: of the module, whose gradients are filled.
        loss: (module, batch) -> mean loss over the batch's examples, whose gradient it adds; it
            runs on two threads at once.
        seed: of each piece's rng.
        stream: another number, another rng.
        threads: 1 or 2; None takes what the process may use.
        pieces: that a mini-batch is cut into.
        communicator: the processes that share them out.
    """

    def __init__(
        self,
        parameters: FlatParameters,
        loss: Callable[[Any, Batch], float],
        *,
        seed: int,
        stream: int,
        threads: int | None,
        pieces: int = 2,
        communicator: Communicator = ALONE,
    ) -> None:
        self.parameters = parameters
        self.twin = parameters.twin()
        self.loss = loss
        self.threads = min(threads or available_cores() // communicator.local or 1, 2)
        self.pieces = pieces
        self.communicator = communicator
        # Which of them are this process's: no two processes' numbers differ by more than one.
        self._mine = _cut(pieces, communicator.size, communicator.rank)
        self._noise = {
            number: Noise(seed, 3, stream, number)
            for number in range(self._mine.start, self._mine.stop)
        }
        self._message = (
            np.empty(parameters.grads.size + 1, parameters.grads.dtype)
            if communicator.size > 1
            else None
        )
        self._seconds = 0.0  # that a half takes
        self._executor: ThreadPoolExecutor | None = None

    def gradient(self, indices: np.ndarray, step: int) -> float:
        """Fill parameters.grads with the mean gradient over the examples `indices` (b,) and return their mean loss."""
        numbers = range(self._mine.start, self._mine.stop)
        pieces = [
            (number, piece)
            for number in numbers
            if (piece := indices[_cut(indices.size, self.pieces, number)]).size
        ]
        loss = self._two_halves(pieces, indices.size, step)
        return loss if self._message is None else self._add_up(self._message, loss)

    def _two_halves(self, pieces: list[Piece], count: int, step: int) -> float:
        middle = (len(pieces) + 1) // 2
        first, second = pieces[:middle], pieces[middle:]
        if self.threads > 1 and second and self._seconds > _WORTH_A_THREAD:
            self._executor = self._executor or ThreadPoolExecutor(1, thread_name_prefix="trainer")
            future: Future[tuple[float, float]] = self._executor.submit(
                self._quiet_half, self.twin, second, count, step
            )
            try:
                loss, share = self._timed_half(first, count, step)
            finally:
                # also when this half failed: the twin must be at rest before anyone goes on
                wait([future])
            other, other_share = future.result()
        else:
            loss, share = self._timed_half(first, count, step)
            other, other_share = (
                self._half(self.twin, second, count, step) if second else (0.0, 0.0)
            )
        if second:
            _combine(self.parameters.grads, self.twin.grads, share, other_share)
        elif share != 1:
            self.parameters.grads *= self.parameters.grads.dtype.type(share)
        return loss + other

    def _timed_half(self, pieces: list[Piece], count: int, step: int) -> tuple[float, float]:
        start = perf_counter()
        result = self._half(self.parameters, pieces, count, step)
        seconds = perf_counter() - start
        # The fastest counts, lest a moment's disturbance send a tiny half to a thread; a tenth of
        # slack lets it follow changes.
        self._seconds = min(seconds, 1.1 * self._seconds) if self._seconds else seconds
        return result

    def _quiet_half(
        self, parameters: FlatParameters, pieces: list[Piece], count: int, step: int
    ) -> tuple[float, float]:
        with np.errstate(all="ignore"):  # each thread has its own; see Trainer
            return self._half(parameters, pieces, count, step)

    def _half(
        self, parameters: FlatParameters, pieces: list[Piece], count: int, step: int
    ) -> tuple[float, float]:
        """Fill the gradients from some pieces; return their part of the mean loss, and what the gradients are to be multiplied by."""
        grads = parameters.grads
        grads.fill(0)
        loss, share = 0.0, 0.0
        for number, indices in pieces:
            before, share = share, indices.size / count
            if before not in (0.0, share):
                grads *= grads.dtype.type(before / share)
            loss += share * float(
                self.loss(parameters.module, Batch(indices, step, self._noise[number].at(step)))
            )
        return loss, share

    def _add_up(self, message: np.ndarray, loss: float) -> float:
        """Add the gradients of all processes, and their losses with them, in one call."""
        message[:-1] = self.parameters.grads
        message[-1] = loss
        self.communicator.add(message)
        self.parameters.grads[:] = message[:-1]
        return float(message[-1])


def _cut(count: int, parts: int, number: int) -> slice:
    """Return part `number` of a row of things cut into parts, the first of them longer by one where it doesn't come out even."""
    size, longer = divmod(count, parts)
    start = number * size + min(number, longer)
    return slice(start, start + size + (number < longer))


def available_cores() -> int:
    """Return how many cores the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
