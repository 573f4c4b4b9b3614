"""Draws how a final song was found: the descent on the map, its predicted rating, its distance.

    picture(songs, found, rated=, ratings=, title=) -> the bytes of a PNG

The map is that of radio/station/latent_map.py. The rating is the one that the descent raises,
mean - caution standard deviations.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from audio_parsing.canvas import as_text
from radio.station import GENERATED, LEARNED, LIKING, principal_directions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES, DOTS_PER_INCH = (12, 5.5), 110
TASTE, DISTANCE = "#2a6f97", "#8d99ae"


def picture(
    songs: np.ndarray,
    found: dict[str, Any],
    *,
    rated: np.ndarray,
    ratings: np.ndarray,
    title: str = "",
) -> bytes:
    """Draw the descent to a final song; return the bytes of a PNG.

    Args:
        songs: (N, M) what moves of the station's coordinates, whose principal directions are
            drawn.
        found: of `find_final`.
        rated: (n, M) likewise, of the songs that were rated.
        ratings: (n,) from -1 to 1.
        title: above the picture.
    """
    # No pyplot: its figures belong to one thread, and this may run in another.
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    _map(left, songs, found, rated, ratings)
    _along(right, found)
    figure.suptitle(as_text(title))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
    return content.getvalue()


def _map(
    axes: Axes, songs: np.ndarray, found: dict[str, Any], rated: np.ndarray, ratings: np.ndarray
) -> None:
    # In units of each value's spread: tempo and key are of another size than z.
    middle, spread = songs.mean(axis=0), np.maximum(songs.std(axis=0), 1e-9)
    directions, shares = principal_directions((songs - middle) / spread)
    learned, path, places = (
        ((np.asarray(each, float) - middle) / spread) @ directions
        for each in (songs, found["path"], rated)
    )
    axes.scatter(
        learned[:, 0],
        learned[:, 1],
        s=18,
        color=LEARNED,
        linewidths=0,
        label=f"learned ({len(learned)})",
    )
    if len(places):
        dots = axes.scatter(
            places[:, 0],
            places[:, 1],
            c=ratings,
            s=60,
            cmap=LIKING,
            vmin=-1,
            vmax=1,
            edgecolors="black",
            linewidths=0.8,
            label=f"rated ({len(places)})",
        )
        axes.figure.colorbar(dots, ax=axes, label="rating", pad=0.01, shrink=0.8)
    axes.plot(
        path[:, 0],
        path[:, 1],
        color=GENERATED,
        linewidth=1.5,
        marker=".",
        markersize=4,
        label=f"descent, from the {found['start']}",
    )
    axes.scatter(
        path[found["step"], 0],
        path[found["step"], 1],
        s=140,
        marker="*",
        color=GENERATED,
        edgecolors="black",
        linewidths=0.8,
        zorder=3,
        label="final song",
    )
    axes.set(
        xlabel=f"first direction, {shares[0]:.0%} of the spread", ylabel=f"second, {shares[1]:.0%}"
    )
    axes.grid(alpha=0.25)
    axes.legend(loc="best", framealpha=0.9, fontsize=8)


def _along(axes: Axes, found: dict[str, Any]) -> None:
    steps = np.arange(len(found["losses"]))
    axes.plot(
        steps, 1 - 2 * np.array(found["losses"]), color=TASTE, label="predicted taste, cautious"
    )
    axes.axvline(found["step"], color=GENERATED, linewidth=1, linestyle="--", label="final song")
    axes.set(
        xlabel="step of the descent",
        ylabel=f"expected rating - {found['caution']:.2g} standard deviations",
    )
    beside = axes.twinx()
    beside.plot(steps, found["distances"], color=DISTANCE, label="distance")
    beside.set_ylabel("distance from the station's middle (Mahalanobis)")
    lines = [*axes.get_lines(), *beside.get_lines()]
    axes.legend(
        lines, [str(line.get_label()) for line in lines], loc="best", framealpha=0.9, fontsize=8
    )
    axes.grid(alpha=0.25)
