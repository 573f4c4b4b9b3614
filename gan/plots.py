"""A picture of an adversarial training in progress: losses, gradients, scores, generated songs.

plot_training(trainer, path)    written whole, then renamed, so the file is never half a picture
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gan.trainer import GANTrainer

REAL, GENERATED = "#2a6f97", "#e07a1f"
CURVE_POINTS = 400  # fewest points of a long curve; at most twice as many
SONGS_SHOWN = 6


def plot_training(
    trainer: GANTrainer, path: Path, *, frames: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Draw the progress of a training.

    Args:
        trainer: after at least one step.
        path: of the picture, .png, .svg or .pdf.
        frames: of a song (S, F), to be shown (T, bands).

    Raises:
        ValueError: before the first step.
    """
    if not trainer.log:
        raise ValueError("there is nothing to draw before the first step of a training")
    figure = _figure((12, 8))
    grid = figure.add_gridspec(3, SONGS_SHOWN, height_ratios=[1, 1, 1])
    steps = np.array([log.step for log in trainer.log])
    values = {
        name: np.array([getattr(log, name) for log in trainer.log])
        for name in trainer.log[-1]._fields[1:]
    }

    losses = figure.add_subplot(grid[0, :3])
    _curve(losses, steps, values["critic_loss"], "critic", REAL)
    losses.set_title("critic's loss, and the error of reconstructions")
    errors = losses.twinx()
    if values["reconstruction"].any():  # else the generator stands still
        _curve(errors, steps, values["reconstruction"], "reconstruction error", GENERATED)
        errors.set_yscale("log")
    _legend(losses, errors)

    norms = figure.add_subplot(grid[0, 3:])
    _curve(norms, steps, values["critic_norm"], "critic", REAL)
    _curve(norms, steps, values["generator_norm"], "generator", GENERATED)
    norms.set_yscale("log")
    norms.set_title("norms of the gradients")
    _legend(norms)

    over_time = figure.add_subplot(grid[1, :3])
    _curve(over_time, steps, values["real_score"], "real songs", REAL)
    _curve(over_time, steps, values["fake_score"], "generated songs", GENERATED)
    over_time.set_title("mean scores")
    over_time.set_xlabel("step")
    _legend(over_time)

    spread = figure.add_subplot(grid[1, 3:])
    if trainer.scores:
        real, fake = (np.concatenate([pair[side] for pair in trainer.scores]) for side in (0, 1))
        edges = np.linspace(
            min(real.min(), fake.min()), max(real.max(), fake.max()) + 1e-6, 40
        ).tolist()
        spread.hist(real, edges, alpha=0.6, color=REAL, label="real songs")
        spread.hist(fake, edges, alpha=0.6, color=GENERATED, label="generated songs")
        _legend(spread)
    spread.set_title(f"scores of the last {len(trainer.scores)} steps")

    for place in range(min(SONGS_SHOWN, trainer.shown.shape[1])):
        axes = figure.add_subplot(grid[2, place])
        shown = frames(np.ascontiguousarray(trainer.shown[:, place]))
        axes.imshow(shown.T, origin="lower", aspect="auto", cmap="magma", vmin=0)
        axes.set_axis_off()
    figure.suptitle(f"step {int(steps[-1])}")
    _save(figure, path)


def _curve(axes: Axes, steps: np.ndarray, values: np.ndarray, label: str, color: str) -> None:
    """Draw a curve as means over pieces of equal length."""
    piece = max(1, len(values) // CURVE_POINTS)
    count = len(values) // piece
    means = values[: count * piece].reshape(count, piece).mean(axis=1)
    axes.plot(steps[: count * piece : piece], means, color=color, label=label)


def _legend(*each: Axes) -> None:
    lines = [line for axes in each for line in axes.get_legend_handles_labels()[0]]
    each[-1].legend(lines, [str(line.get_label()) for line in lines])


def _figure(size: tuple[float, float]) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ValueError(
            f"a picture is a file that ends in .png, .svg or .pdf, not {os.fspath(path)}"
        )
    unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
    try:
        figure.savefig(unfinished, dpi=110)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
