"""Training: shuffled mini-batches, two threads, clipping, schedules, resume bit for bit.

Contract:

    loss(module, batch) -> float     adds the gradient of the mean loss over batch.indices into the module's Parameters
    Trainer(...).run(count_of_examples, steps) -> losses (steps made,)

Every mini-batch is cut into two fixed halves, and their gradients are added in a fixed order. The twin of the model takes the
second half, on a second thread where that pays: the bytes that come out are the same for one thread and for two.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from neural_networks.components.kernels import kernel
from neural_networks.components.optimizers import Optimizer
from neural_networks.components.parameters import FlatParameters
from neural_networks.components.schedules import Schedule

# Handing work to a thread costs some 50 us: below this time of a half, in seconds, the halves run one after the other.
_WORTH_A_THREAD = 2e-4


class TrainingDiverged(ArithmeticError):
    """The loss or a gradient is not a finite number; the values are those of the last finite loss."""


@dataclass(frozen=True)
class Batch:
    """One half of a mini-batch, as a loss gets it.

    Attributes:
        indices: (b,) which examples.
        step: counted from 0.
        rng: draws the same numbers for the same seed, step and half, on any thread and after a resume.
    """

    indices: np.ndarray
    step: int
    rng: np.random.Generator


@kernel
def _combine(grads: np.ndarray, others: np.ndarray, share: float, other_share: float) -> None:
    for i in range(grads.size):
        grads[i] = share * grads[i] + other_share * others[i]


class Trainer:
    """Train a packed module on mini-batches of numbered examples.

    Args:
        parameters: of the module, from `pack`.
        loss: see the contract above; it runs on two threads at once, on two modules that share their values.
        optimizer: changes the values.
        schedule: step -> learning rate; one with a method `observe` is told every loss.
        batch_size: examples of a step; at most all there are.
        clip: largest Euclidean norm of the gradient, or None.
        seed: of the order of the examples and of each batch's rng.
        threads: 1 or 2; None takes what the process may use.
    """

    def __init__(
        self,
        parameters: FlatParameters,
        loss: Callable[[Any, Batch], float],
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        batch_size: int,
        clip: float | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"a mini-batch needs at least one example, not {batch_size}")
        self.parameters = parameters
        self.loss = loss
        self.optimizer = optimizer
        self.schedule = schedule
        self.batch_size = batch_size
        self.clip = clip
        self.seed = seed
        self.threads = min(threads or _available_cores(), 2)
        self.steps = 0
        self.norm = 0.0  # of the last gradient, before clipping
        self._twin = parameters.twin()
        self._good = parameters.values.copy()
        self._count = 0
        self._order: tuple[int, int, np.ndarray] | None = None
        self._half_seconds = 0.0
        self._executor: ThreadPoolExecutor | None = None
        self._limited = False
        self._controller: ThreadpoolController | None = None

    def run(
        self,
        count_of_examples: int,
        steps: int,
        *,
        progress: Callable[[int, int, float], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> np.ndarray:
        """Train until `steps` steps have been made in all: after a `restore`, the steps made before count.

        Ctrl-C raises KeyboardInterrupt between two steps. NOTE: a second Ctrl-C raises it at once, maybe in the middle of a step: a
        `state` saved after an interrupt may hold half a step. Stop by `should_stop` where it is to be saved.

        Args:
            count_of_examples: batches are drawn from range(count_of_examples), each once per epoch.
            steps: in all.
            progress: called after every step with (steps made, steps, loss).
            should_stop: asked before every step.

        Returns:
            The losses of the steps made here, float64.

        Raises:
            TrainingDiverged: at a loss or gradient that is not finite; the last good values are kept.
        """
        losses = []
        with self._one_blas_thread(), interrupt_between_steps() as check:
            while self.steps < steps and not (should_stop and should_stop()):
                losses.append(self.step(count_of_examples))
                check()
                if progress:
                    progress(self.steps, steps, losses[-1])
        return np.array(losses, np.float64)

    def step(self, count_of_examples: int | None = None) -> float:
        """Make one step and return its loss, the mean over the mini-batch.

        Args:
            count_of_examples: as in `run`; None takes the last count given.
        """
        self._count = count_of_examples or self._count
        if self._count < 1:
            raise ValueError("there are no examples to train on")
        with self._one_blas_thread():
            loss = self._gradient()
        # A NaN or an infinity anywhere in the gradient makes its norm not finite.
        self.norm = float(np.sqrt(np.dot(self.parameters.grads, self.parameters.grads)))
        if not (isfinite(loss) and isfinite(self.norm)):
            self.parameters.values[:] = self._good
            what = f"the loss is {loss}" if not isfinite(loss) else "the gradient is not finite"
            raise TrainingDiverged(f"training diverged at step {self.steps + 1}: {what}; the last good weights are kept")
        if self.clip is not None and self.norm > self.clip:
            self.parameters.grads *= self.parameters.grads.dtype.type(self.clip / self.norm)
        self._good[:] = self.parameters.values
        self.optimizer.step(self.parameters.values, self.parameters.grads, self.schedule(self.steps), loss=loss)
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(loss)
        self.steps += 1
        return loss

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all that the next steps depend on, as arrays for a checkpoint."""
        state = {"seed": np.array(self.seed), "steps": np.array(self.steps), "values": self.parameters.values.copy()}
        state |= {f"optimizer.{name}": array for name, array in self.optimizer.state().items()}
        if hasattr(self.schedule, "state"):
            state |= {f"schedule.{name}": array for name, array in self.schedule.state().items()}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`, bit for bit, given the same examples, batch size and schedule.

        Raises:
            ValueError: if it belongs to another model, seed or optimizer, or is not whole.
        """
        values = state.get("values")
        if values is None or values.shape != self.parameters.values.shape:
            size = "no" if values is None else values.size
            raise ValueError(f"the state has {size} values, this model has {self.parameters.values.size}")
        missing = [name for name in ("seed", "steps") if name not in state]
        if missing:
            raise ValueError(f"the state has no {' and no '.join(missing)}")
        steps = int(state["steps"])
        if steps < 0:
            raise ValueError(f"the state has made {steps} steps")
        if not np.isfinite(values).all():
            raise ValueError("the state's values are not finite")
        if int(state["seed"]) != self.seed:
            raise ValueError(f"the state was made with seed {int(state['seed'])}, this trainer has {self.seed}")
        moments = _part(state, "optimizer.")
        for name, vector in moments.items():
            if name != "steps" and vector.shape != values.shape:
                raise ValueError(f"the state's optimizer has {vector.size} numbers in {name}, this model has {values.size} values")
        self.optimizer.restore(moments)
        if hasattr(self.schedule, "restore"):
            self.schedule.restore(_part(state, "schedule."))
        self.parameters.values[:] = values
        self._good[:] = values
        self.steps = steps

    def _gradient(self) -> float:
        """Fill parameters.grads with the mini-batch's mean gradient and return its mean loss."""
        indices = self._indices()
        middle = (indices.size + 1) // 2
        first, second = indices[:middle], indices[middle:]
        if not second.size:
            return self._half(self.parameters, first, 0)
        if self.threads > 1 and self._half_seconds > _WORTH_A_THREAD:
            self._executor = self._executor or ThreadPoolExecutor(1, thread_name_prefix="trainer")
            future: Future[float] = self._executor.submit(self._half, self._twin, second, 1)
            try:
                loss = self._half(self.parameters, first, 0)
            finally:
                wait([future])  # also when this half failed: the twin must be at rest before anyone goes on
            other = future.result()
        else:
            loss = self._half(self.parameters, first, 0)
            other = self._half(self._twin, second, 1)
        share = middle / indices.size
        cast = self.parameters.grads.dtype.type
        _combine(self.parameters.grads, self._twin.grads, cast(share), cast(1 - share))
        return share * loss + (1 - share) * other

    def _half(self, parameters: FlatParameters, indices: np.ndarray, half: int) -> float:
        start = perf_counter()
        parameters.zero_grads()
        loss = float(self.loss(parameters.module, Batch(indices, self.steps, np.random.default_rng((self.seed, self.steps, half)))))
        if half == 0:
            seconds = perf_counter() - start
            # The fastest counts, lest a moment's disturbance send a tiny half to a thread; a tenth of slack lets it follow changes.
            self._half_seconds = min(seconds, 1.1 * self._half_seconds) if self._half_seconds else seconds
        return loss

    def _indices(self) -> np.ndarray:
        """Return the step's piece of an endless row of permutations, one per epoch: all batches are full, none repeats one."""
        count = self._count
        size = min(self.batch_size, count)
        epoch, start = divmod(self.steps * size, count)
        indices = self._permutation(epoch)[start : start + size]
        if indices.size < size:
            indices = np.concatenate([indices, self._permutation(epoch + 1)[: size - indices.size]])
        return indices

    def _permutation(self, epoch: int) -> np.ndarray:
        if self._order is None or self._order[:2] != (epoch, self._count):
            self._order = (epoch, self._count, np.random.default_rng((self.seed, epoch)).permutation(self._count))
        return self._order[2]

    @contextmanager
    def _one_blas_thread(self) -> Iterator[None]:
        """Keep matrix products on the thread that calls them: our two threads share the cores, and the bytes stay the same."""
        if self._limited:
            yield
            return
        self._limited = True
        try:
            self._controller = self._controller or ThreadpoolController()  # a millisecond: it looks through all loaded libraries
            with self._controller.limit(limits=1, user_api="blas"):
                yield
        finally:
            self._limited = False


def _part(state: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def _available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def interrupt_between_steps() -> Iterator[Callable[[], None]]:
    """Hold a Ctrl-C back until `check` is called, so that no step is left half made."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: None
        return
    pressed = False

    def hold(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hold)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_interrupt_between_steps = interrupt_between_steps  # its name before it was public
