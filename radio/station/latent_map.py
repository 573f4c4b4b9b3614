"""A map of a station: learned, generated and rated songs along two principal directions.

directions, share = principal_directions(songs)     of (N, Z), by singular value decomposition
plot_latent_map(songs, generated=, rated=, ratings=)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio_parsing.canvas import as_text, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEARNED, GENERATED = "#8d99ae", "#e07a1f"
LIKING = "RdYlBu"  # from -1 to 1; readable without red-green vision
NAMED = 24  # most songs that a map names


def principal_directions(songs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two principal directions (Z, 2) of songs (N, Z), and their shares (2,).

    The shares are of the variance; each direction has length 1.

    A direction's sign is arbitrary: here its largest part is positive, so that the same songs give
    the same map.
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
    """Draw songs by their latent coordinates, projected from Z dimensions to two.

    Args:
        songs: (N, Z) of the training songs, which determine the directions.
        generated: (M, Z) of new songs.
        rated: (K, Z) of rated songs.
        ratings: (K,) from -1 to 1.
        names: of the training songs, shown if there are at most NAMED.
        title: above the picture.
        ax: axes to draw on, without showing or saving.
        path: file to save, .png, .svg or .pdf; if None the map is shown, or saved as
            latent_map.png without a display.

    Returns:
        The file, or None if there is none.

    Raises:
        ValueError: for songs that are not (N, Z) numbers, or coordinates and ratings that do not
            fit them.
    """
    songs, new, judged, likings = _checked(songs, generated, rated, ratings)
    directions, shares = principal_directions(songs)
    places = [(group - songs.mean(axis=0)) @ directions for group in (songs, new, judged)]
    with canvas(ax, path, "latent_map.png", (8.5, 7)) as given:
        axes = given.axes
        _draw_songs(axes, places, likings)
        axes.set(
            title=as_text(title),
            xlabel=f"first direction, {shares[0]:.0%} of the spread",
            ylabel=f"second, {shares[1]:.0%}",
        )
        # An explicit square: Matplotlib would only find its limits after placing the labels.
        everything = np.concatenate(places)
        low, high = everything.min(axis=0), everything.max(axis=0)
        middle, half = (low + high) / 2, 0.55 * max(float((high - low).max()), 1e-6)
        axes.set(
            xlim=(middle[0] - half, middle[0] + half),
            ylim=(middle[1] - half, middle[1] + half),
            aspect="equal",
        )
        if len(songs) <= NAMED:
            _write_names(axes, names or [], places[0], middle[0])
        axes.grid(alpha=0.25)
        axes.legend(loc="best", framealpha=0.9)
    return given.path


def _checked(
    songs: np.ndarray,
    generated: np.ndarray | None,
    rated: np.ndarray | None,
    ratings: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (N, Z), (M, Z), (K, Z) and (K,), none of which is None."""
    songs = np.asarray(songs, float)
    made, judged = (
        np.zeros((0, songs.shape[-1])) if group is None else np.asarray(group, float)
        for group in (generated, rated)
    )
    likings = np.zeros(0) if ratings is None else np.asarray(ratings, float)
    for group in (songs, made, judged):
        if group.ndim != 2 or group.shape[1] != songs.shape[-1] or not np.isfinite(group).all():
            raise ValueError(
                "a map needs finite coordinates (N, Z), the same Z for all, "
                f"not {group.shape} beside {songs.shape}"
            )
    if not len(songs):
        raise ValueError("a map needs at least one song that was learned")
    if likings.shape != (len(judged),) or not (np.abs(likings) <= 1).all():
        raise ValueError(
            f"ratings are numbers from -1 to 1, one for each of the {len(judged)} rated songs, "
            f"not {likings}"
        )
    return songs, made, judged, likings


def _draw_songs(axes: Axes, places: list[np.ndarray], likings: np.ndarray) -> None:
    """Draw places (n, 2) of learned, new and rated songs, each with its own mark."""
    learned, made, judged = places
    named = f"learned ({len(learned)})"
    axes.scatter(learned[:, 0], learned[:, 1], s=28, color=LEARNED, label=named, linewidths=0)
    if len(made):
        axes.scatter(
            made[:, 0],
            made[:, 1],
            s=26,
            marker="^",
            facecolors="none",
            edgecolors=GENERATED,
            linewidths=1,
            label=f"made ({len(made)})",
        )
    if len(judged):
        order = np.argsort(np.abs(likings))  # strong opinions on top
        dots = axes.scatter(
            judged[order, 0],
            judged[order, 1],
            c=likings[order],
            s=75,
            cmap=LIKING,
            vmin=-1,
            vmax=1,
            edgecolors="black",
            linewidths=0.8,
            label=f"rated ({len(judged)})",
        )
        axes.figure.colorbar(dots, ax=axes, label="rating", pad=0.01, shrink=0.8)


def _write_names(axes: Axes, names: list[str], places: np.ndarray, middle: float) -> None:
    """Write each song's name beside its place (n, 2), on the side of the map's middle."""
    for name, place in zip(names, places, strict=False):
        side = -1 if place[0] > middle else 1
        axes.annotate(
            as_text(name),
            place,
            xytext=(5 * side, 3),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            fontsize=7,
        )
