"""The history of a training, as numbers for a checkpoint and as a picture."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 4000  # of a curve; more are not visible, and make a large SVG


@dataclass
class History:
    """The losses of a training, with test losses, gradient norms and learning rates.

    Attributes:
        losses: one per step.
        test_losses: (step, loss) on the test set.
        norms: of the gradient before clipping, one per step.
        rates: learning rates, one per step.
        best_step: after which the loss that `patience` observes was lowest; 0 if it was not
            observed.
        best_loss: that loss.
        stopped: whether Ctrl-C ended the training.
    """

    losses: list[float] = field(default_factory=list)
    test_losses: list[tuple[int, float]] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    best_step: int = 0
    best_loss: float = np.inf
    stopped: bool = False

    def state(self) -> dict[str, np.ndarray]:
        """Return the numbers as arrays for a checkpoint, without the best step, see EarlyStop."""
        return {
            "losses": np.array(self.losses, np.float64),
            "norms": np.array(self.norms, np.float64),
            "rates": np.array(self.rates, np.float64),
            "test_steps": np.array([step for step, _ in self.test_losses], np.int64),
            "test_losses": np.array([loss for _, loss in self.test_losses], np.float64),
        }

    def restore(self, state: dict[str, np.ndarray], steps: int) -> None:
        """Continue from the `state` of a training that had made `steps` steps.

        Raises:
            ValueError: if it is not whole.
        """
        series = [state.get(name, np.empty(0)) for name in ("losses", "norms", "rates")]
        test_steps, test_losses = state.get("test_steps"), state.get("test_losses")
        if any(one.shape != (steps,) for one in series):
            raise ValueError(f"its history is not one of {steps} steps")
        if (
            test_steps is None
            or test_losses is None
            or test_steps.ndim != 1
            or test_steps.shape != test_losses.shape
        ):
            raise ValueError("its history of test losses is not whole")
        self.losses[:], self.norms[:], self.rates[:] = (
            one.astype(np.float64).tolist() for one in series
        )
        self.test_losses[:] = zip(
            test_steps.astype(np.int64).tolist(),
            test_losses.astype(np.float64).tolist(),
            strict=True,
        )

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Draw the losses into `ax` or a new figure, on a logarithmic axis if they are positive."""
        ax = ax or _new_axes()
        ax.plot(*_curve(self.losses), color="purple", linewidth=0.8, label="training")
        if self.test_losses:
            ax.plot(
                *zip(*self.test_losses, strict=True),
                color="black",
                marker=".",
                markersize=3,
                linewidth=0.8,
                label="test",
            )
        if self.best_step:
            ax.axvline(self.best_step, color="gray", linewidth=0.8, linestyle="--", label="lowest")
        if min(self.losses, default=0.0) > 0:
            ax.set_yscale("log")
        ax.set(xlabel="step", ylabel="loss", title="Loss over time")
        ax.grid(alpha=0.3)
        ax.legend()
        return ax

    def plot_steps(self, ax: Axes | None = None) -> Axes:
        """Draw the gradient's norm and (right axis) the learning rate into `ax` or a new figure."""
        ax = ax or _new_axes()
        rates = ax.twinx()
        ax.plot(*_curve(self.norms), color="teal", linewidth=0.8)
        rates.plot(*_curve(self.rates), color="orange", linewidth=1.2)
        if min(self.norms, default=0.0) > 0:
            ax.set_yscale("log")
        ax.set_xlabel("step")
        ax.set_ylabel("norm of the gradient", color="teal")
        rates.set_ylabel("learning rate", color="orange")
        rates.set_ylim(bottom=0)
        ax.grid(alpha=0.3)
        return ax

    def figure(self) -> Figure:
        """Draw the losses, and below them the gradient's norm and the learning rate if known."""
        import matplotlib.pyplot as plt

        rows = 2 if self.norms else 1
        figure, axes = plt.subplots(
            rows,
            figsize=(8, 4.5 + 2 * (rows - 1)),
            layout="constrained",
            sharex=True,
            squeeze=False,
        )
        self.plot_losses(axes[0, 0])
        if rows == 2:
            axes[0, 0].set_xlabel("")
            self.plot_steps(axes[1, 0])
        return figure

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figure as PNG or SVG, depending on the suffix, and return the path.

        Raises:
            ValueError: for another suffix.
            OSError: if it can't be written.
        """
        import matplotlib.pyplot as plt

        path = Path(path)
        if path.suffix.lower() not in (".png", ".svg"):
            raise ValueError(f"the figure's file ends in .png or .svg, not {path.suffix!r}")
        figure = self.figure()
        try:
            figure.savefig(path, dpi=120)
        finally:
            plt.close(figure)
        return path


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(8, 4.5), layout="constrained")[1]


def _curve(values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return steps from 1 and values, or for a long training means over equal intervals."""
    piece = -(-len(values) // _POINTS) or 1
    count = len(values) // piece
    steps, numbers = np.arange(1, len(values) + 1), np.array(values, np.float64)
    if piece == 1:
        return steps, numbers
    return steps[: count * piece : piece] + (piece - 1) / 2, numbers[: count * piece].reshape(
        count, piece
    ).mean(axis=1)


def show_or_save(figure: Figure, path: Path | str) -> Path | None:
    """Show a figure where there is a display; elsewhere save it and print where.

    Args:
        figure: is closed afterwards.
        path: where to save; if that is not writable, the folder for temporary files.

    Returns:
        The file, or None if the figure was shown.
    """
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    try:
        interactive = {
            name.lower() for name in backend_registry.list_builtin(BackendFilter.INTERACTIVE)
        }
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
