"""Train for a number of epochs: progress, test losses, early stopping, checkpoints, Ctrl-C.

    train_epochs(module, count, loss, ...) -> History

The `train` methods of the networks share it. With the same data and seed, a training that was
stopped or killed and resumes from its checkpoint gives the same weights and the same history, byte
for byte, as one without interruption.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from neural_networks.components.kernels.announce import compilation_announced
from neural_networks.components.module import Module
from neural_networks.components.parameters import pack
from neural_networks.optimizers.optimizers import Optimizer
from neural_networks.optimizers.schedules import Schedule, constant
from neural_networks.training.batches import Piece
from neural_networks.training.checkpoint import LARGEST, CheckpointError, join, part
from neural_networks.training.early_stop import EarlyStop
from neural_networks.training.history import History, show_or_save
from neural_networks.training.interrupts import held_interrupts
from neural_networks.training.progress import Progress
from neural_networks.training.trainer import Trainer
from neural_networks.training.trainer_file import TrainingFile, identity
from neural_networks.training.training_options import TrainingOptions

LINES = 20  # of progress, each with a test loss


def train_epochs(
    module: Module,
    count: int,
    loss: Callable[[Any, Piece], float],
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
    **options: Unpack[TrainingOptions],
) -> History:
    """Train a module for a number of epochs and report on it now and then.

    Args:
        module: to be packed and trained.
        count: number of examples to train on.
        loss: as the Trainer takes it.
        batch_size: examples of a step; at most all there are.
        max_epochs: times that every example is seen.
        learning_rate: constant, or a schedule of the step.
        optimizer: changes the weights.
        seed: of order and noise.
        data: the arrays that `loss` and `test_loss` read, all finite; a checkpoint is of these.
        test_count: number of test examples, 0 for none.
        test_loss: mean loss of a slice of them.
        print_epochs: print about 20 lines of progress, and at least one a minute.
        graph: draw the history at the end, unless Ctrl-C was pressed: on the screen, or without one
            into ./loss_over_time.png.
        **options: see TrainingOptions.

    Raises:
        TypeError: for an unknown option.
        ValueError: if an option is out of range, or the data holds numbers that are not finite.
        CheckpointError: if the checkpoint is damaged or newer than this program, or of another
            training.
        TrainingDiverged: at a loss or gradient that is not finite; the module has the last good
            weights, and the checkpoint is unchanged.
        KeyboardInterrupt: at Ctrl-C, without a checkpoint.

    Examples:
        >>> from neural_networks.components.dense import Dense
        >>> from neural_networks.components.losses import mean_squared_error
        >>> from neural_networks.optimizers.optimizers import Adam
        >>> x = np.random.default_rng(0).standard_normal((100, 2)).astype(np.float32)
        >>> def loss(layer, piece):
        ...     y, cache = layer.forward(x[piece.indices])
        ...     value, dy = mean_squared_error(y, x[piece.indices, :1])
        ...     layer.add_gradients(dy, cache)
        ...     return value
        >>> layer = Dense(2, 1, rng=np.random.default_rng(1))
        >>> rules = dict(batch_size=20, max_epochs=60, learning_rate=0.05, optimizer=Adam(), seed=0)
        >>> history = train_epochs(layer, len(x), loss, print_epochs=False, **rules)
        >>> len(history.losses), layer.weight.value.round(2).tolist()
        (300, [[1.0], [0.0]])
    """
    if unknown := options.keys() - TrainingOptions.__annotations__.keys():
        raise TypeError(f"unknown options of a training: {', '.join(sorted(unknown))}")
    if max_epochs < 0 or max_epochs != int(max_epochs):
        raise ValueError(f"max_epochs is a whole number from 0 on, not {max_epochs}")
    if not callable(learning_rate) and not learning_rate >= 0:
        raise ValueError(f"the learning rate is 0 or more, not {learning_rate}")
    if not all(np.isfinite(array).all() for array in data):
        raise ValueError("the data holds numbers that are not finite")
    schedule = learning_rate if callable(learning_rate) else constant(learning_rate)
    clip, averaging = options.get("clip"), options.get("averaging")
    trainer = Trainer(
        pack(module),
        loss,
        optimizer,
        schedule,
        batch_size=batch_size,
        clip=clip,
        averaging=averaging,
        seed=seed,
        threads=options.get("threads"),
    )
    checkpoint, file = options.get("checkpoint"), None
    if checkpoint is not None:
        settings = {"seed": seed, "batch_size": batch_size, "clip": clip, "averaging": averaging}
        same = identity(
            module, optimizer, data, **settings, examples=count, test_examples=test_count
        )
        # the values, their average, the best of them, two vectors of an optimizer; and the history
        largest = LARGEST + 5 * trainer.parameters.values.nbytes
        minutes = options.get("checkpoint_minutes", 5.0)
        file = TrainingFile(checkpoint, minutes, same, largest=largest)
    patience, keep_best = options.get("patience"), options.get("keep_best")
    plan = _Plan(
        count=count,
        max_epochs=max_epochs,
        test_count=test_count,
        test_loss=test_loss if test_count else None,
        patience=patience,
        keep_best=patience is not None and test_count > 0 if keep_best is None else keep_best,
        print_epochs=print_epochs,
    )
    history = _Epochs(trainer, plan, file).run()
    if graph and not history.stopped:
        show_or_save(history.figure(), "loss_over_time.png")
    return history


@dataclass(frozen=True)
class _Plan:
    """The arguments of `train_epochs` that are no part of a step."""

    count: int
    max_epochs: int
    test_count: int
    test_loss: Callable[[slice], float] | None
    patience: int | None
    keep_best: bool
    print_epochs: bool


class _Epochs:
    """One training from its first step, or from its checkpoint, to its last."""

    def __init__(self, trainer: Trainer, plan: _Plan, file: TrainingFile | None) -> None:
        self.trainer, self.plan, self.file = trainer, plan, file
        self.test_loss = plan.test_loss
        self.batch = min(trainer.batch_size, plan.count)
        self.steps = -(-plan.max_epochs * plan.count // self.batch)
        self.epoch_steps = -(-plan.count // self.batch)
        self.history = History()
        self.stop = EarlyStop(
            None if plan.patience is None else plan.patience * self.epoch_steps,
            trainer.parameters.values if plan.keep_best else None,
        )
        self.line_steps = max(self.steps // LINES, 1)
        self.observed_steps = self._observed_steps(plan.patience)
        # due for the checkpoint, once the next loss has shown the weights to be good
        self.unsaved: dict[str, np.ndarray] | None = None
        self.progress: Progress | None = None
        if plan.print_epochs:
            self.progress = Progress(self.steps, self.line_steps, self.batch, plan.count)

    def _observed_steps(self, patience: int | None) -> int:
        """Return the steps between two looks at the loss that may stop the training, 0 for none."""
        if not self.test_loss:
            observed = self.stop.patience is not None or self.stop.best_values is not None
            return self.epoch_steps if observed else 0
        if patience is None:
            return self.line_steps
        return min(self.line_steps, max(patience // 10, 1) * self.epoch_steps)

    def run(self) -> History:
        """Make the steps that are left and return the history."""
        trainer, history = self.trainer, self.history
        self._resume()
        with held_interrupts() if self.file else nullcontext(lambda: False) as pressed:
            with compilation_announced() if self.plan.print_epochs else nullcontext():
                trainer.run(
                    self.plan.count,
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
                f"stopped after {trainer.steps:,} of {self.steps:,} steps; "
                f"the same call continues from {self.file.path}"
            )
        elif self.stop.reached and self.plan.print_epochs:
            what = "the test loss" if self.test_loss else "the loss"
            epochs = self._epoch(trainer.steps)
            print(f"{what} has stopped falling: training ends after {epochs:,} epochs")
        if self.stop.best_values is not None and self.stop.best_step:
            trainer.parameters.values[:] = self.stop.best_values
        elif trainer.average is not None:
            trainer.parameters.values[:] = trainer.average.values
        return history

    def _progress(self, step: int, steps: int, loss: float) -> None:
        """Record one step, and do what is due after it.

        With a tiny network this is a good part of the step's time, so it has few lines.
        """
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
        """Return the mean test loss, measured in slices of batch_size, which fit into memory."""
        total, size = 0.0, self.trainer.batch_size
        for start in range(0, self.plan.test_count, size):
            piece = slice(start, min(start + size, self.plan.test_count))
            total += test_loss(piece) * (piece.stop - piece.start)
        return total / self.plan.test_count

    def _epoch(self, step: int) -> int:
        return step * self.batch // self.plan.count

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
        if self.plan.print_epochs:
            done = f"after {self.trainer.steps:,} of {self.steps:,} steps"
            print(f"continuing from {self.file.path}, {done}")
