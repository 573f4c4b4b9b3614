"""A map of a station: songs it learned, songs it makes, and what a listener said, in the two directions that tell them apart best.

directions, share = principal_directions(songs)     of (N, Z), by singular value decomposition
plot_latent_map(songs, generated=, rated=, ratings=)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio_parsing.plots import as_text, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEARNED, MADE = "#8d99ae", "#e07a1f"
LIKING = "RdYlBu"  # from -1 to 1; told apart by those who don't see red and green
NAMED = 24  # songs that a map has room to name


def principal_directions(songs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two directions (Z, 2) in which songs (N, Z) are spread most, each of length 1, and their shares (2,) of the spread.

    A direction's sign is free: here its largest part is positive, so that the same songs give the
    same map.
    """
    centred = songs - songs.mean(axis=0)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((songs.shape[1], 2))
    found[:, : min(2, len(directions))] = directions[:2].T
    found *= np.where(found[np.abs(found).argmax(axis=0), [0, 1]] < 0, -1, 1)
    shares = np.zeros(2)
    shares[: min(2, len(spread))] = spread[:2] ** 2 / max(float(np.sum(spread**2)), 1e-30)
    return found, shares


def plot_latent_map(
    songs: np.ndarray,
    *,
    generated: np.ndarray | None = None,
    rated: np.ndarray | None = None,
    ratings: np.ndarray | None = None,
    names: list[str] | None = None,
    title: str = "",
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Path | None:
    """Draw songs by their latent coordinates, from all Z dimensions straight down to two.

    Args:
        songs: (N, Z) that were learned; they decide the directions.
        generated: (M, Z) that were made.
        rated: (K, Z) that a listener rated.
        ratings: (K,) from -1 to 1.
        names: of the learned songs; told where there are at most NAMED.
        title: above the picture.
        ax: draw here, and neither show nor save.
        path: save here, as .png, .svg or .pdf; without one it is shown, or saved as latent_map.png
            where there is no display.

    Returns:
        The file, or None if there is none.

    Raises:
        ValueError: for songs that are not (N, Z) numbers, or coordinates and ratings that do not
            fit them.
    """
    songs = np.asarray(songs, float)
    groups = [
        np.zeros((0, songs.shape[-1])) if group is None else np.asarray(group, float)
        for group in (generated, rated)
    ]
    likings = np.zeros(0) if ratings is None else np.asarray(ratings, float)
    for group in (songs, *groups):
        if group.ndim != 2 or group.shape[1] != songs.shape[-1] or not np.isfinite(group).all():
            raise ValueError(
                f"a map is of finite coordinates (N, Z), the same Z for all, not {group.shape} beside {songs.shape}"
            )
    if not len(songs):
        raise ValueError("a map needs at least one song that was learned")
    if likings.shape != (len(groups[1]),) or not (np.abs(likings) <= 1).all():
        raise ValueError(
            f"ratings are numbers from -1 to 1, one for each of the {len(groups[1])} rated songs, not {likings}"
        )
    directions, shares = principal_directions(songs)
    learned, made, heard = ((group - songs.mean(axis=0)) @ directions for group in (songs, *groups))
    with canvas(ax, path, "latent_map.png", (8.5, 7)) as given:
        axes = given.axes
        axes.scatter(
            learned[:, 0],
            learned[:, 1],
            s=28,
            color=LEARNED,
            label=f"learned ({len(learned)})",
            linewidths=0,
        )
        if len(made):
            axes.scatter(
                made[:, 0],
                made[:, 1],
                s=26,
                marker="^",
                facecolors="none",
                edgecolors=MADE,
                linewidths=1,
                label=f"made ({len(made)})",
            )
        if len(heard):
            order = np.argsort(np.abs(likings))  # strong opinions on top
            dots = axes.scatter(
                heard[order, 0],
                heard[order, 1],
                c=likings[order],
                s=75,
                cmap=LIKING,
                vmin=-1,
                vmax=1,
                edgecolors="black",
                linewidths=0.8,
                label=f"rated ({len(heard)})",
            )
            axes.figure.colorbar(dots, ax=axes, label="rating", pad=0.01, shrink=0.8)
        axes.set(
            title=as_text(title),
            xlabel=f"first direction, {shares[0]:.0%} of the spread",
            ylabel=f"second, {shares[1]:.0%}",
        )
        # A square of our own: Matplotlib's would be found after the labels have got their room.
        everything = np.concatenate([learned, made, heard])
        low, high = everything.min(axis=0), everything.max(axis=0)
        middle, half = (low + high) / 2, 0.55 * max(float((high - low).max()), 1e-6)
        axes.set(
            xlim=(middle[0] - half, middle[0] + half),
            ylim=(middle[1] - half, middle[1] + half),
            aspect="equal",
        )
        for name, place in zip(names or [], learned, strict=False) if len(learned) <= NAMED else ():
            side = -1 if place[0] > middle[0] else 1  # to the inside of the map
            where = "left" if side > 0 else "right"
            axes.annotate(
                as_text(name),
                place,
                xytext=(5 * side, 3),
                textcoords="offset points",
                ha=where,
                fontsize=7,
            )
        axes.grid(alpha=0.25)
        axes.legend(loc="best", framealpha=0.9)
    return given.path
