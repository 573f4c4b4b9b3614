"""The gradient of a mini-batch, from fixed pieces of it that are added in a fixed order.

    gradient = sum over the pieces of  share of the piece * its mean gradient

By default there are two pieces. The second goes to a twin of the model, on a second thread where
that pays: one thread and two give the same bytes. A mini-batch that is too large for one process
has more pieces, and several processes share them: each adds up its own, then they add up their
sums. A piece draws the same random numbers wherever it is computed.
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
from neural_networks.training.batches import Noise, Piece
from neural_networks.training.streams import StepStream

# Handing work to a thread costs some 50 us: where the first share of a step takes less time than
# this, in seconds, the second runs after it on the same thread.
_WORTH_A_THREAD = 2e-4

Pieces = list[tuple[int, np.ndarray]]  # the number of each, and its examples


@kernel
def _combine(grads: np.ndarray, others: np.ndarray, share: float, other_share: float) -> None:
    share, other_share = grads.dtype.type(share), grads.dtype.type(other_share)
    for i in range(grads.size):
        grads[i] = share * grads[i] + other_share * others[i]


class GradientPieces:
    """Compute gradients of mini-batches of a packed module.

    Args:
        parameters: of the module, whose gradients are filled.
        loss: (module, piece) -> mean loss over the piece's examples, whose gradient it adds; it
            runs on two threads at once.
        seed: of each piece's rng.
        stream: makes the random numbers of trainers with one seed differ.
        threads: 1 or 2; None takes what the process may use.
        pieces: number of pieces in a mini-batch.
        communicator: the processes that share them.
    """

    def __init__(
        self,
        parameters: FlatParameters,
        loss: Callable[[Any, Piece], float],
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
        # The pieces of this process: no two processes' counts differ by more than one.
        mine = _cut(pieces, communicator.size, communicator.rank)
        self._noise = {
            number: Noise(seed, StepStream.PIECES, stream, number)
            for number in range(mine.start, mine.stop)
        }
        self._message = (
            np.empty(parameters.grads.size + 1, parameters.grads.dtype)
            if communicator.size > 1
            else None
        )
        self._seconds = 0.0  # that the first share of a step takes
        self._executor: ThreadPoolExecutor | None = None

    def gradient(self, indices: np.ndarray, step: int) -> float:
        """Fill parameters.grads with the mean gradient over the examples; return their mean loss.

        Args:
            indices: (b,) the examples of the mini-batch.
            step: counted from 0.
        """
        pieces = [
            (number, examples)
            for number in self._noise
            if (examples := indices[_cut(indices.size, self.pieces, number)]).size
        ]
        loss = self._on_two_threads(pieces, indices.size, step)
        return loss if self._message is None else self._add_up(self._message, loss)

    def _on_two_threads(self, pieces: Pieces, count: int, step: int) -> float:
        middle = (len(pieces) + 1) // 2
        first, second = pieces[:middle], pieces[middle:]
        if self.threads > 1 and second and self._seconds > _WORTH_A_THREAD:
            self._executor = self._executor or ThreadPoolExecutor(1, thread_name_prefix="trainer")
            future: Future[tuple[float, float]] = self._executor.submit(
                self._quiet_sum, self.twin, second, count, step
            )
            try:
                loss, share = self._timed_sum(first, count, step)
            finally:
                # also after an error: the twin must be at rest before anyone uses it again
                wait([future])
            other, other_share = future.result()
        else:
            loss, share = self._timed_sum(first, count, step)
            other, other_share = self._sum(self.twin, second, count, step) if second else (0.0, 0.0)
        if second:
            _combine(self.parameters.grads, self.twin.grads, share, other_share)
        elif share != 1:
            self.parameters.grads *= self.parameters.grads.dtype.type(share)
        return loss + other

    def _timed_sum(self, pieces: Pieces, count: int, step: int) -> tuple[float, float]:
        start = perf_counter()
        result = self._sum(self.parameters, pieces, count, step)
        seconds = perf_counter() - start
        # The least time counts, or a short disturbance would send tiny pieces to a thread; a tenth
        # of slack lets it follow changes.
        self._seconds = min(seconds, 1.1 * self._seconds) if self._seconds else seconds
        return result

    def _quiet_sum(
        self, parameters: FlatParameters, pieces: Pieces, count: int, step: int
    ) -> tuple[float, float]:
        with np.errstate(all="ignore"):  # each thread has its own; see Trainer
            return self._sum(parameters, pieces, count, step)

    def _sum(
        self, parameters: FlatParameters, pieces: Pieces, count: int, step: int
    ) -> tuple[float, float]:
        """Fill the gradients from some pieces.

        Returns:
            Their part of the mean loss, and the factor that the gradients are still to be
            multiplied by.
        """
        grads = parameters.grads
        grads.fill(0)
        loss, share = 0.0, 0.0
        for number, indices in pieces:
            before, share = share, indices.size / count
            if before not in (0.0, share):
                grads *= grads.dtype.type(before / share)
            piece = Piece(indices, step, self._noise[number].at(step), number)
            loss += share * float(self.loss(parameters.module, piece))
        return loss, share

    def _add_up(self, message: np.ndarray, loss: float) -> float:
        """Add up the gradients and the losses of all processes in one call."""
        message[:-1] = self.parameters.grads
        message[-1] = loss
        self.communicator.add(message)
        self.parameters.grads[:] = message[:-1]
        return float(message[-1])


def _cut(count: int, parts: int, number: int) -> slice:
    """Return part `number` of `count` things; the first parts are longer by one if need be."""
    size, longer = divmod(count, parts)
    start = number * size + min(number, longer)
    return slice(start, start + size + (number < longer))


def available_cores() -> int:
    """Return how many cores the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
