"""Training: shuffled mini-batches, two threads, clipping, schedules, averaging, exact resume.

Contract:

    loss(module, piece) -> float     adds the gradient of the mean loss over piece.indices
    Trainer(...).run(count_of_examples, steps) -> losses (steps made,)

One thread and two give the same bytes (see pieces.py). A step of a tiny network takes microseconds,
so there is little code in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite, sqrt
from typing import Any

import numpy as np

from neural_networks.components.parameters import FlatParameters
from neural_networks.optimizers.optimizers import Average, Optimizer
from neural_networks.optimizers.schedules import Schedule
from neural_networks.parallel.communicator import ALONE, Communicator
from neural_networks.training.batches import Order, Piece
from neural_networks.training.checkpoint import part
from neural_networks.training.interrupts import interrupt_between_steps
from neural_networks.training.one_thread import one_blas_thread
from neural_networks.training.pieces import GradientPieces
from neural_networks.training.trainer_state import checked_state

__all__ = ["Piece", "Trainer", "TrainingDiverged"]


class TrainingDiverged(ArithmeticError):
    """The loss or a gradient is not finite; the values are those of the last finite loss."""


class Trainer:
    """Train a packed module on mini-batches of numbered examples.

    Args:
        parameters: of the module, from `pack`.
        loss: see the contract above; it runs on two threads at once, on two modules that share
            their values.
        optimizer: changes the values.
        schedule: step -> learning rate; if it has a method `observe`, that gets every loss.
        batch_size: examples of a step; at most all there are.
        clip: largest Euclidean norm of the gradient, or None.
        averaging: decay of a moving average of the values (`average`), or None.
        seed: of the order of the examples and of each piece's rng.
        stream: makes the pieces' random numbers of trainers with one seed differ; the order of the
            examples stays the same.
        threads: 1 or 2; None takes what the process may use.
        pieces: number of pieces in a mini-batch, each with random numbers of its own.
        communicator: processes that share the pieces. With the same batch size and pieces their
            number changes rounding only.

    Examples:
        >>> from neural_networks.components.dense import Dense
        >>> from neural_networks.components.losses import mean_squared_error
        >>> from neural_networks.components.parameters import pack
        >>> from neural_networks.optimizers.optimizers import Adam
        >>> from neural_networks.optimizers.schedules import constant
        >>> x = np.random.default_rng(0).standard_normal((100, 2)).astype(np.float32)
        >>> target = x[:, :1] - 2 * x[:, 1:]
        >>> def loss(layer, piece):
        ...     y, cache = layer.forward(x[piece.indices])
        ...     value, dy = mean_squared_error(y, target[piece.indices])
        ...     layer.add_gradients(dy, cache)
        ...     return value
        >>> layer = Dense(2, 1, rng=np.random.default_rng(1))
        >>> trainer = Trainer(pack(layer), loss, Adam(), constant(0.05), batch_size=20)
        >>> losses = trainer.run(len(x), steps=300)
        >>> layer.weight.value.round(2).tolist()
        [[1.0], [-2.0]]
    """

    def __init__(
        self,
        parameters: FlatParameters,
        loss: Callable[[Any, Piece], float],
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        batch_size: int,
        clip: float | None = None,
        averaging: float | None = None,
        seed: int = 0,
        stream: int = 0,
        threads: int | None = None,
        pieces: int = 2,
        communicator: Communicator = ALONE,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"a mini-batch needs at least one example, not {batch_size}")
        if pieces < 1:
            raise ValueError(f"a mini-batch has at least one piece, not {pieces}")
        if clip is not None and not clip > 0:
            raise ValueError(
                f"clip is the largest norm of the gradient, a positive number, not {clip}"
            )
        if averaging is not None and not 0 <= averaging < 1:
            raise ValueError(f"averaging is a decay from 0 to less than 1, not {averaging}")
        self.parameters = parameters
        self.optimizer = optimizer
        self.schedule = schedule
        self.batch_size = batch_size
        self.clip = clip
        self.seed = seed
        self.average = None if averaging is None else Average(parameters.values, decay=averaging)
        self.steps = 0
        self.norm = 0.0  # of the last gradient, before clipping
        self.rate = 0.0  # learning rate of the last step
        self._pieces = GradientPieces(
            parameters,
            loss,
            seed=seed,
            stream=stream,
            threads=threads,
            pieces=pieces,
            communicator=communicator,
        )
        self._good = parameters.values.copy()
        self._count = 0
        self._order = Order(seed)
        self._limited = False

    def run(
        self,
        count_of_examples: int,
        steps: int,
        *,
        progress: Callable[[int, int, float], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> np.ndarray:
        """Train until `steps` steps have been made in all, those before a `restore` included.

        Ctrl-C raises KeyboardInterrupt between two steps. NOTE: a second Ctrl-C raises it at once,
        maybe in the middle of a step, and a `state` saved after that may hold half a step. Where
        the state is to be saved, stop by `should_stop`.

        Args:
            count_of_examples: batches are drawn from range(count_of_examples), each once per epoch.
            steps: in all.
            progress: called after every step with (steps made, steps, loss).
            should_stop: asked before every step.

        Returns:
            The losses of the steps made here, float64.

        Raises:
            TrainingDiverged: at a loss or gradient that is not finite; the module has the last good
                values.
        """
        losses = []
        self._set_count(count_of_examples)
        with self._quietly(), interrupt_between_steps() as check:
            while self.steps < steps and not (should_stop and should_stop()):
                losses.append(self._step())
                check()
                if progress:
                    progress(self.steps, steps, losses[-1])
        return np.array(losses, np.float64)

    def step(self, count_of_examples: int | None = None) -> float:
        """Make one step and return its loss, the mean over the mini-batch.

        Args:
            count_of_examples: as in `run`; None takes the last count given.
        """
        self._set_count(count_of_examples or self._count)
        with self._quietly():
            return self._step()

    def _set_count(self, count_of_examples: int) -> None:
        if count_of_examples < 1:
            raise ValueError("there are no examples to train on")
        self._count = count_of_examples

    def _step(self) -> float:
        values, grads = self.parameters.values, self.parameters.grads
        loss = self._gradient()
        # A NaN or an infinity anywhere in the gradient makes its norm not finite.
        self.norm = sqrt(grads.dot(grads))
        self.rate = float(self.schedule(self.steps))
        if not (isfinite(loss) and isfinite(self.norm)):
            values[:] = self._good
            raise TrainingDiverged(
                self._advice(
                    f"the loss is {loss}" if not isfinite(loss) else "the gradient is not finite"
                )
            )
        if self.clip is not None and self.norm > self.clip:
            grads *= grads.dtype.type(self.clip / self.norm)
        self._good[:] = values
        self.optimizer.step(values, grads, self.rate, loss=loss)
        if self.average is not None:
            self.average.update(values)
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(loss)
        self.steps += 1
        return loss

    def _gradient(self) -> float:
        """Fill parameters.grads with the mean gradient of the next mini-batch; return its loss."""
        indices = self._order.indices(self.steps, min(self.batch_size, self._count), self._count)
        return self._pieces.gradient(indices, self.steps)

    def require_finite(self) -> None:
        """Check that the weights are finite after the last step, as the next loss would show.

        Raises:
            TrainingDiverged: if not; the module has the weights before that step.
        """
        if not np.isfinite(self.parameters.values).all():
            self.parameters.values[:] = self._good
            raise TrainingDiverged(self._advice("the weights are not finite"))

    def _advice(self, what: str) -> str:
        clip = (
            "clip the gradient" if self.clip is None else f"clip the gradient below {self.clip:g}"
        )
        todo = f"lower the learning rate, now {self.rate:g}, or {clip}"
        if not self.steps:
            todo = f"look for numbers in the data that are huge or not finite, or {todo}"
        where = f"training diverged at step {self.steps + 1}: {what}"
        return f"{where}; the last good weights are kept; {todo}"

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Give the module the average of its weights, if there is one, within this block."""
        if self.average is None:
            yield
            return
        kept = self.parameters.values.copy()
        self.parameters.values[:] = self.average.values
        try:
            yield
        finally:
            self.parameters.values[:] = kept

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all that the next steps depend on, as arrays for a checkpoint."""
        state = {
            "seed": np.array(self.seed),
            "steps": np.array(self.steps),
            "values": self.parameters.values.copy(),
        }
        state |= {f"optimizer.{name}": array for name, array in self.optimizer.state().items()}
        if hasattr(self.schedule, "state"):
            state |= {f"schedule.{name}": array for name, array in self.schedule.state().items()}
        if self.average is not None:
            state |= {f"average.{name}": array for name, array in self.average.state().items()}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`, bit for bit, given the same examples, batch size and schedule.

        Raises:
            ValueError: if it belongs to another model, seed or optimizer, or is not whole.
        """
        checked = checked_state(
            state,
            size=self.parameters.values.size,
            seed=self.seed,
            averaging=self.average is not None,
        )
        self.optimizer.restore(checked.moments)
        if hasattr(self.schedule, "restore"):
            self.schedule.restore(part(state, "schedule."))
        if self.average is not None:
            self.average.restore(checked.average)
        self.parameters.values[:] = checked.values
        self._good[:] = checked.values
        self.steps = checked.steps

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Run matrix products on the calling thread, without warnings of overflow.

        The two threads share the cores, and the bytes stay the same. TrainingDiverged reports what
        NumPy would warn of.
        """
        if self._limited:
            yield
            return
        self._limited = True
        try:
            with one_blas_thread(), np.errstate(all="ignore"):
                yield
        finally:
            self._limited = False
