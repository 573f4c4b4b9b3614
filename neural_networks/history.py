"""History: what the losses were while a network trained, the lines that tell it, and the picture of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from neural_networks.training import Trainer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class History:
    """The losses of a training.

    Attributes:
        losses: one per step.
        test_losses: (step, loss) on examples that were kept apart.
    """

    losses: list[float] = field(default_factory=list)
    test_losses: list[tuple[int, float]] = field(default_factory=list)

    def figure(self) -> Figure:
        """Draw the losses on a logarithmic axis."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        axes.plot(range(1, len(self.losses) + 1), self.losses, color="purple", linewidth=0.8, label="training")
        if self.test_losses:
            axes.plot(*zip(*self.test_losses, strict=True), color="black", marker=".", label="test")
        if min(self.losses, default=0.0) > 0:
            axes.set_yscale("log")
        axes.set(xlabel="step", ylabel="loss", title="Loss over time")
        axes.grid(alpha=0.3)
        axes.legend()
        return figure


def train_epochs(
    trainer: Trainer,
    count_of_examples: int,
    max_epochs: int,
    *,
    print_epochs: bool = True,
    test_loss: Callable[[], float] | None = None,
    patience: int | None = None,
    lines: int = 20,
) -> History:
    """Train for a number of epochs and tell about it now and then.

    Args:
        trainer: knows the model, the loss and the batch size.
        count_of_examples: of an epoch.
        max_epochs: times that every example is seen.
        print_epochs: print about `lines` lines, with the time left.
        test_loss: measured whenever a line is due.
        patience: stop early after so many epochs in which the mean loss of an epoch has not fallen by a thousandth.
        lines: see print_epochs.
    """
    batch = min(trainer.batch_size, count_of_examples)
    steps = -(-max_epochs * count_of_examples // batch)
    history, first = History(), trainer.steps + 1
    start = monotonic()
    due = max(steps // lines, 1)

    def progress(step: int, steps: int, loss: float) -> None:
        nonlocal start
        history.losses.append(loss)
        if step == first:
            start = monotonic()  # the first step may have compiled kernels: it says nothing about the time left
        if step % due and step != steps:
            return
        text = ""
        if test_loss:
            history.test_losses.append((step, test_loss()))
            text = f", test loss {history.test_losses[-1][1]:.4g}"
        if print_epochs:
            left = (monotonic() - start) / max(step - first, 1) * (steps - step)
            epoch = step * batch // count_of_examples
            print(f"epoch {epoch:,} of {max_epochs:,}: loss {loss:.4g}{text}, {left:.0f} s left")

    plateau = _Plateau(history.losses, -(-count_of_examples // batch), patience)
    trainer.run(count_of_examples, steps, progress=progress, should_stop=plateau.reached)
    if print_epochs and trainer.steps < steps:
        print(f"the loss has stopped falling: training ends after {trainer.steps * batch // count_of_examples:,} epochs")
    return history


class _Plateau:
    """Whether the mean loss of an epoch has stopped falling."""

    def __init__(self, losses: list[float], steps_of_an_epoch: int, patience: int | None) -> None:
        self.losses = losses
        self.steps = steps_of_an_epoch
        self.patience = patience
        self.best = inf
        self.waited = 0

    def reached(self) -> bool:
        if self.patience is None or not self.losses or len(self.losses) % self.steps:
            return False
        mean = sum(self.losses[-self.steps :]) / self.steps
        if mean < self.best * 0.999:
            self.best, self.waited = mean, 0
        else:
            self.waited += 1
        return self.waited >= self.patience


def show_or_save(figure: Figure, path: Path | str) -> Path | None:
    """Show a figure where there is a display; elsewhere save it, print where, and go on at once.

    Args:
        figure: is closed afterwards.
        path: where to save; the folder for temporary files is taken if that cannot be written.

    Returns:
        The file, or None if the figure was shown.
    """
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    try:
        interactive = {name.lower() for name in backend_registry.list_builtin(BackendFilter.INTERACTIVE)}
        if plt.get_backend().lower() in interactive:
            plt.show()
            return None
        path = Path(path).absolute()
        try:
            figure.savefig(path, dpi=120)
        except OSError:
            path = Path(tempfile.mkdtemp()) / path.name
            figure.savefig(path, dpi=120)
        print(f"the graph is in {path}")
        return path
    finally:
        plt.close(figure)
