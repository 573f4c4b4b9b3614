"""The gradient of a mini-batch, from two fixed halves of it that are added in a fixed order.

    gradient = share of the first half * its mean gradient + share of the second * its

The twin of the model takes the second half, on a second thread where that pays: the bytes that come out are the same for one thread
and for two.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import perf_counter
from typing import Any

import numpy as np

from neural_networks.batches import Batch, Noise
from neural_networks.components.kernels import kernel
from neural_networks.components.parameters import FlatParameters

# Handing work to a thread costs some 50 us: below this time of a half, in seconds, the halves run one after the other.
_WORTH_A_THREAD = 2e-4


@kernel
def _combine(grads: np.ndarray, others: np.ndarray, share: float) -> None:
    other_share, share = grads.dtype.type(1 - share), grads.dtype.type(share)
    for i in range(grads.size):
        grads[i] = share * grads[i] + other_share * others[i]


class Halves:
    """Compute gradients of mini-batches of a packed module.

    Args:
        parameters: of the module, whose gradients are filled.
        loss: (module, batch) -> mean loss over the batch's examples, whose gradient it adds; it runs on two threads at once.
        seed: of each half's rng.
        stream: another number, another rng.
        threads: 1 or 2; None takes what the process may use.
    """

    def __init__(
        self, parameters: FlatParameters, loss: Callable[[Any, Batch], float], *, seed: int, stream: int, threads: int | None
    ) -> None:
        self.parameters = parameters
        self.twin = parameters.twin()
        self.loss = loss
        self.threads = min(threads or _available_cores(), 2)
        self._noise = [Noise(seed, 3, stream, half) for half in (0, 1)]
        self._seconds = 0.0  # that a half takes
        self._executor: ThreadPoolExecutor | None = None

    def gradient(self, indices: np.ndarray, step: int) -> float:
        """Fill parameters.grads with the mean gradient over the examples `indices` (b,) and return their mean loss."""
        middle = (indices.size + 1) // 2
        first, second = indices[:middle], indices[middle:]
        if not second.size:
            return self._half(self.parameters, first, step, 0)
        if self.threads > 1 and self._seconds > _WORTH_A_THREAD:
            self._executor = self._executor or ThreadPoolExecutor(1, thread_name_prefix="trainer")
            future: Future[float] = self._executor.submit(self._half, self.twin, second, step, 1)
            try:
                loss = self._half(self.parameters, first, step, 0)
            finally:
                wait([future])  # also when this half failed: the twin must be at rest before anyone goes on
            other = future.result()
        else:
            loss = self._half(self.parameters, first, step, 0)
            other = self._half(self.twin, second, step, 1)
        share = middle / indices.size
        _combine(self.parameters.grads, self.twin.grads, share)
        return share * loss + (1 - share) * other

    def _half(self, parameters: FlatParameters, indices: np.ndarray, step: int, half: int) -> float:
        start = perf_counter()
        parameters.grads.fill(0)
        loss = float(self.loss(parameters.module, Batch(indices, step, self._noise[half].at(step))))
        if half == 0:
            seconds = perf_counter() - start
            # The fastest counts, lest a moment's disturbance send a tiny half to a thread; a tenth of slack lets it follow changes.
            self._seconds = min(seconds, 1.1 * self._seconds) if self._seconds else seconds
        return loss


def _available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
