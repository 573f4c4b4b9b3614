"""Axes to draw in: given by the caller, shown where there is a display, or saved to a file."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = (".png", ".svg", ".pdf")


@dataclass
class Canvas:
    """Axes to draw in, and the file that they were saved to."""

    axes: Axes
    path: Path | None = None


@contextlib.contextmanager
def canvas(
    ax: Axes | None,
    path: str | os.PathLike[str] | None,
    name: str,
    size: tuple[float, float] = (10, 4),
) -> Iterator[Canvas]:
    """Give axes to draw in; afterwards show or save the figure, unless the axes were given.

    Args:
        ax: the axes to use, if not None.
        path: file to save to; None shows the figure where that is possible.
        name: of the file otherwise, in the current folder, or in a temporary one if that can't be
            written to.
        size: inches.

    Raises:
        ValueError: for a path that does not end in .png, .svg or .pdf.
    """
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    if ax is not None:
        yield Canvas(ax)
        return
    if path is not None and Path(path).suffix.lower() not in KINDS:
        raise ValueError(f"the name of a plot ends in {', '.join(KINDS)}, not {os.fspath(path)}")
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    try:
        given = Canvas(axes)
        yield given
        interactive = {
            each.lower() for each in backend_registry.list_builtin(BackendFilter.INTERACTIVE)
        }
        if path is None and plt.get_backend().lower() in interactive:
            plt.show()
            return
        given.path = Path(name if path is None else path).absolute()
        with warnings.catch_warnings():
            # song names may hold letters that the fonts lack
            warnings.filterwarnings("ignore", "Glyph ", UserWarning)
            try:
                figure.savefig(given.path, dpi=120)
            except OSError:
                if path is not None:
                    raise
                given.path = Path(tempfile.mkdtemp()) / name
                figure.savefig(given.path, dpi=120)
    finally:
        plt.close(figure)


def as_text(name: str) -> str:
    """Escape a name for Matplotlib: dollars would begin a formula, and line ends a line."""
    return "".join(c if c.isprintable() else "?" for c in name).replace("$", r"\$")
