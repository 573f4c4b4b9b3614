"""Draw how a song flows through the folders: docs/flow.svg.

python docs/flow.py
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

INK, PAPER, RED = "#2b2b33", "#ffffff", "#c53a32"
COLOURS = {
    "audio_parsing": "#cfe3f7",
    "neural_networks": "#fbe1c3",
    "gan": "#e4d7f3",
    "radio": "#d3ecd0",
}
WIDTH, HEIGHT = 1.9, 0.78
# name: (x, y, folder, first line, second line)
BOXES: dict[str, tuple[float, float, str, str, str]] = {
    "file": (0, 4, "audio_parsing", "file", "WAV, FLAC, MP3, ..."),
    "samples": (2.5, 4, "audio_parsing", "samples (n,)", "mono, 22,050 Hz"),
    "frames": (5, 4, "audio_parsing", "frames (T, 181)", "24 a beat"),
    "steps": (7.5, 4, "radio", "steps (S, B, 1086)", "a quarter beat each"),
    "encoder": (10, 4, "neural_networks", "encoder", "GRU, 128 units"),
    "posterior": (10, 2.6, "neural_networks", "mean, log-variance", "(B, 64)"),
    "latent": (7.5, 2.6, "gan", "where songs lie", "mixtures of three"),
    "P": (5, 2.6, "radio", "coordinate P", "z, tempo, key: (66,)"),
    "decoder": (5, 1.2, "neural_networks", "generator G(P)", "plan, then GRU, 256"),
    "out": (2.5, 1.2, "audio_parsing", "frames to samples", "phases found again"),
    "speaker": (0, 1.2, "audio_parsing", "speaker", "or a WAV"),
    "critic": (7.5, 1.2, "gan", "critic D", "whole songs, one score"),
    "rating": (0, -0.4, "radio", "slider, -1 to 1", "while it plays"),
    "database": (2.5, -0.4, "radio", "ratings", "SQLite, at once"),
    "taste": (7.5, -0.4, "radio", "taste D(S)", "copy of the critic"),
}
WAYS = [
    "file samples frames steps encoder posterior latent P decoder out speaker rating database taste",
    "decoder critic taste",
]
# from, to, label and its place
GRADIENTS = [
    ((7.46, 1.35), (6.94, 1.35), "∂L/∂G$_i$", (7.2, 1.12)),
    ((7.7, 0.42), (6.3, 1.16), "∂L/∂G$_i$", (6.75, 0.6)),
    ((6.3, 2.02), (6.3, 2.56), "∂L/∂P", (6.7, 2.28)),
]


def draw(path: Path) -> None:
    """Draw boxes, forward arrows and the gradients' ways back."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

    mpl.rcParams["svg.hashsalt"] = "flow"  # the same file every time
    mpl.rcParams["svg.fonttype"] = "path"
    figure = Figure(figsize=(13, 6.6), layout="constrained", facecolor=PAPER)
    axes = figure.subplots()
    for x, y, folder, first, second in BOXES.values():
        shape = "round,pad=0.04,rounding_size=0.12"
        axes.add_patch(
            FancyBboxPatch(
                (x, y), WIDTH, HEIGHT, boxstyle=shape, facecolor=COLOURS[folder], edgecolor=INK
            )
        )
        axes.text(
            x + WIDTH / 2,
            y + 0.5,
            first,
            ha="center",
            va="center",
            fontsize=11,
            color=INK,
            weight="bold",
        )
        axes.text(x + WIDTH / 2, y + 0.2, second, ha="center", va="center", fontsize=9, color=INK)

    def arrow(start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
        axes.add_patch(
            FancyArrowPatch(
                start, end, arrowstyle="-|>", mutation_scale=14, shrinkA=2, shrinkB=2, **style
            )
        )

    for source, target in (pair for way in WAYS for pair in pairwise(way.split())):
        arrow(
            _edge(BOXES[source], BOXES[target]),
            _edge(BOXES[target], BOXES[source]),
            color=INK,
            linewidth=1.3,
        )
    for start, end, label, place in GRADIENTS:
        arrow(start, end, color=RED, linewidth=1.6, linestyle="--")
        axes.text(*place, label, ha="center", va="center", color=RED, fontsize=11)
    handles: list[Any] = [
        Patch(facecolor=colour, edgecolor=INK, label=f"{name}/") for name, colour in COLOURS.items()
    ]
    handles.append(mpl.lines.Line2D([], [], color=RED, linestyle="--", label="gradients, back"))
    axes.legend(handles=handles, loc="lower right", frameon=False, fontsize=10)
    axes.set(xlim=(-0.2, 12.1), ylim=(-0.7, 5))
    axes.axis("off")
    figure.savefig(path, metadata={"Date": None})


def _edge(
    box: tuple[float, float, str, str, str], towards: tuple[float, float, str, str, str]
) -> tuple[float, float]:
    """Return the middle of the side of a box that faces another one."""
    x, y = box[0] + WIDTH / 2, box[1] + HEIGHT / 2
    dx, dy = towards[0] - box[0], towards[1] - box[1]
    if dy and abs(dx) < 3 and not (dx and abs(dy) < 0.1):
        return x, y + (HEIGHT / 2 if dy > 0 else -HEIGHT / 2)
    return x + (WIDTH / 2 if dx > 0 else -WIDTH / 2), y


if __name__ == "__main__":
    draw(Path(__file__).parent / "flow.svg")
