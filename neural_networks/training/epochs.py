"""Train for a number of epochs: progress, test losses, an early stop, checkpoints, Ctrl-C.

    train_epochs(module, count, loss, ...) -> History

It is what the `train` methods of the networks have in common. With the same data and seed a
training that was stopped or killed and goes on from its checkpoint gives the same weights and the
same history, byte for byte, as one that was left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, TypedDict

import numpy as np

from neural_networks.components.kernels.announce import compilation_announced
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Optimizer
from neural_networks.optimizers.schedules import Schedule, constant
from neural_networks.training.checkpoint import LARGEST, CheckpointError, join, part
from neural_networks.training.early_stop import EarlyStop
from neural_networks.training.history import History, show_or_save
from neural_networks.training.interrupts import held_interrupts
from neural_networks.training.progress import Progress
from neural_networks.training.trainer import Batch, Trainer
from neural_networks.training.trainer_file import TrainingFile, identity

LINES = 20  # of progress, and as many test losses


class TrainingOptions(TypedDict, total=False):
    """What may be asked of every training, beside its data; each may be left out.

    Attributes:
        checkpoint: a file that everything is saved to, in order to go on there: at Ctrl-C, every so
            often, and at the end. The same call goes on from it; the learning rate, max_epochs and
            patience may have changed. One Ctrl-C ends the training after its step and returns; a
            second one interrupts at once, and the last checkpoint stays.
        checkpoint_minutes: how often; 5 if left out.
        patience: stop early after so many epochs without progress, which is a thousandth, of the
            test loss, or where nothing is tested of an epoch's mean training loss.
        keep_best: end with the weights of the lowest such loss, not the last ones. If left out:
            where there are patience and a test set.
        averaging: decay of a moving average of the weights, such as 0.999; the average is what is
            tested, and what remains at the end.
        clip: largest Euclidean norm of the gradient.
        threads: 1 or 2, all there are if left out; the result is the same.
    """

    checkpoint: str | os.PathLike[str] | None
    checkpoint_minutes: float
    patience: int | None
    keep_best: bool | None
    averaging: float | None
    clip: float | None
    threads: int | None


def train_epochs(
    module: Module,
    count: int,
    loss: Callable[[Any, Batch], float],
    *,
    batch_size: int,
    max_epochs: int,
    learning_rate: float | Schedule,
    optimizer: Optimizer,
    seed: int,
    data: Sequence[np.ndarray] = (),
    test_count: int = 0,
    test_loss: Callable[[slice], float] | None = None,
    print_epochs: bool = True,
    graph: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_minutes: float = 5.0,
    patience: int | None = None,
    keep_best: bool | None = None,
    averaging: float | None = None,
    clip: float | None = None,
    threads: int | None = None,
) -> History:
    """Train a module for a number of epochs and tell about it now and then.

    Args:
        module: to be packed and trained.
        count: of examples to train on.
        loss: as the Trainer takes it.
        batch_size: examples of a step; at most all there are.
        max_epochs: times that every example is seen.
        learning_rate: constant, or a schedule of the step.
        optimizer: changes the weights.
        seed: of order and noise.
        data: the arrays that `loss` and `test_loss` look at: checked for numbers that are not
            finite, and against a checkpoint's.
        test_count: of examples that are kept apart, 0 for none.
        test_loss: mean loss of a slice of them.
        print_epochs: print about 20 lines on the way, and one a minute, with the rate and the time
            left.
        graph: draw the history at the end, unless Ctrl-C was pressed: on the screen, or without one
            into ./loss_over_time.png.
        checkpoint: this and all below: see TrainingOptions.
        checkpoint_minutes: see there.
        patience: see there.
        keep_best: see there.
        averaging: see there.
        clip: see there.
        threads: see there.

    Raises:
        ValueError: if an option is out of range, or the data holds numbers that are not finite.
        CheckpointError: if the checkpoint is damaged or newer than this program, or of another
            training.
        TrainingDiverged: at a loss or gradient that is not finite; the last good weights are kept,
            and the checkpoint is left as it was.
        KeyboardInterrupt: at Ctrl-C, without a checkpoint.
    """
    if max_epochs < 0:
        raise ValueError(f"max_epochs is 0 or more, not {max_epochs}")
    if not all(np.isfinite(array).all() for array in data):
        raise ValueError("the data holds numbers that are not finite")
    schedule = learning_rate if callable(learning_rate) else constant(learning_rate)
    trainer = Trainer(
        pack(module),
        loss,
        optimizer,
        schedule,
        batch_size=batch_size,
        clip=clip,
        averaging=averaging,
        seed=seed,
        threads=threads,
    )
    file = None
    if checkpoint is not None:
        settings = {"seed": seed, "batch_size": batch_size, "clip": clip, "averaging": averaging}
        same = identity(
            module, optimizer, data, **settings, examples=count, test_examples=test_count
        )
        # Values, their average, the best of them, and two vectors of an optimizer; beside them the
        # history.
        file = TrainingFile(
            checkpoint,
            checkpoint_minutes,
            same,
            largest=LARGEST + 5 * trainer.parameters.values.nbytes,
        )
    if keep_best is None:
        keep_best = patience is not None and test_count > 0
    training = _Epochs(
        trainer, count, max_epochs, test_count, test_loss, patience, keep_best, file, print_epochs
    )
    history = training.run()
    if graph and not history.stopped:
        show_or_save(history.figure(), "loss_over_time.png")
    return history


class _Epochs:
    """One training from its first step, or from its checkpoint, to its last."""

    def __init__(
        self,
        trainer: Trainer,
        count: int,
        max_epochs: int,
        test_count: int,
        test_loss: Callable[[slice], float] | None,
        patience: int | None,
        keep_best: bool,
        file: TrainingFile | None,
        print_epochs: bool,
    ) -> None:
        self.trainer, self.count, self.max_epochs, self.file, self.print_epochs = (
            trainer,
            count,
            max_epochs,
            file,
            print_epochs,
        )
        self.test_count, self.test_loss = test_count, test_loss if test_count else None
        self.batch = min(trainer.batch_size, count)
        self.steps = -(-max_epochs * count // self.batch)
        self.epoch_steps = -(-count // self.batch)
        self.history = History()
        self.stop = EarlyStop(
            None if patience is None else patience * self.epoch_steps,
            trainer.parameters.values if keep_best else None,
        )
        self.line_steps = max(self.steps // LINES, 1)
        self.observed_steps = self._observed_steps(patience)
        # due for the checkpoint, once the next loss has shown the weights to be good
        self.unsaved: dict[str, np.ndarray] | None = None
        self.progress = (
            Progress(self.steps, self.line_steps, self.batch, count) if print_epochs else None
        )

    def _observed_steps(self, patience: int | None) -> int:
        """Return how often the loss that may stop the training is looked at: in time for the patience, at the end of an epoch."""
        if not self.test_loss:
            return (
                self.epoch_steps
                if self.stop.patience is not None or self.stop.best_values is not None
                else 0
            )
        if patience is None:
            return self.line_steps
        return min(self.line_steps, max(patience // 10, 1) * self.epoch_steps)

    def run(self) -> History:
        """Make the steps that are left and return the history."""
        trainer, history = self.trainer, self.history
        self._resume()
        with held_interrupts() if self.file else nullcontext(lambda: False) as pressed:
            with compilation_announced() if self.print_epochs else nullcontext():
                trainer.run(
                    self.count,
                    self.steps,
                    progress=self._progress,
                    should_stop=lambda: self.stop.reached or pressed(),
                )
            trainer.require_finite()
            if self.file:
                self.file.save(self._state())
            history.stopped = pressed() and trainer.steps < self.steps and not self.stop.reached
        history.best_step, history.best_loss = self.stop.best_step, self.stop.best_loss
        if history.stopped and self.file:
            print(
                f"stopped after {trainer.steps:,} of {self.steps:,} steps; the same call goes on from {self.file.path}"
            )
        elif self.stop.reached and self.print_epochs:
            what = "the test loss" if self.test_loss else "the loss"
            print(
                f"{what} has stopped falling: training ends after {self._epoch(trainer.steps):,} epochs"
            )
        if self.stop.best_values is not None and self.stop.best_step:
            trainer.parameters.values[:] = self.stop.best_values
        elif trainer.average is not None:
            trainer.parameters.values[:] = trainer.average.values
        return history

    def _progress(self, step: int, steps: int, loss: float) -> None:
        """Note one step, and do what is due after it. Of a tiny network this is a good part of the step, so it comes in few lines."""
        history = self.history
        history.losses.append(loss)
        history.norms.append(self.trainer.norm)
        history.rates.append(self.trainer.rate)
        if self.observed_steps and (
            step % self.observed_steps == 0 or step == steps and self.test_loss
        ):
            self._observe(step)
        if self.progress:
            self.progress.step(
                step, loss, history.test_losses[-1][1] if history.test_losses else None
            )
        if self.file:
            if self.unsaved:
                self.file.try_to_save(self.unsaved)
            self.unsaved = self._state() if self.file.due() else None

    def _observe(self, step: int) -> None:
        with self.trainer.averaged():
            if self.test_loss:
                loss = self._tested(self.test_loss)
                self.history.test_losses.append((step, loss))
            else:
                loss = sum(self.history.losses[-self.epoch_steps :]) / self.epoch_steps
            self.stop.observe(step, loss, self.trainer.parameters.values)

    def _tested(self, test_loss: Callable[[slice], float]) -> float:
        """Return the mean test loss, measured in pieces as large as a mini-batch: all at once might not fit into memory."""
        total, size = 0.0, self.trainer.batch_size
        for start in range(0, self.test_count, size):
            piece = slice(start, min(start + size, self.test_count))
            total += test_loss(piece) * (piece.stop - piece.start)
        return total / self.test_count

    def _epoch(self, step: int) -> int:
        return step * self.batch // self.count

    def _state(self) -> dict[str, np.ndarray]:
        return join(
            {
                "trainer/": self.trainer.state(),
                "history/": self.history.state(),
                "stop/": self.stop.state(),
            }
        )

    def _resume(self) -> None:
        arrays = self.file.load() if self.file else None
        if not self.file or arrays is None:
            return
        try:
            state = part(arrays, "trainer/")
            steps = int(state.get("steps", 0))
            self.history.restore(part(arrays, "history/"), steps)
            self.stop.restore(part(arrays, "stop/"))
            self.trainer.restore(state)
        except CheckpointError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
            raise self.file.unreadable(error) from error
        if self.print_epochs:
            print(
                f"going on from {self.file.path}, after {self.trainer.steps:,} of {self.steps:,} steps"
            )
