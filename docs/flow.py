"""Draw how a song flows through the folders.

python docs/flow.py            writes docs/flow.svg
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

INK, PAPER, RED = "#2b2b33", "#f6f4ef", "#c53a32"
COLOURS = {
    "audio_parsing": "#d9e4ec",
    "neural_networks": "#f6dfc4",
    "gan": "#e6dcef",
    "radio": "#c5e3df",
}
WIDTH, HEIGHT = 2.05, 0.95
# name: (x, y, folder, title, shape or unit, file)
BOXES: dict[str, tuple[float, float, str, str, str, str]] = {
    "file": (0, 4.5, "audio_parsing", "audio file", "WAV, FLAC, MP3, ...", "files.py"),
    "samples": (2.5, 4.5, "audio_parsing", "samples (n,)", "mono, 22,050 Hz", "files.py"),
    "frames": (5, 4.5, "audio_parsing", "frames (T, 202)", "24 a beat", "frames.py"),
    "steps": (7.5, 4.5, "radio", "steps (S, B, 128)", "components, 4 a beat", "components.py"),
    "encoder": (10, 4.5, "neural_networks", "encoder", "GRU, both ways", "vae/"),
    "posterior": (10, 2.9, "neural_networks", "mean, log-variance", "of z and each step", "vae/"),
    "latent": (7.5, 2.9, "gan", "latent distribution", "mixtures of three songs", "latent.py"),
    "P": (5, 2.9, "radio", "point P", "z, seed, tempo, key", "composer/"),
    "decoder": (5, 1.3, "neural_networks", "generator G(P)", "prior and decoder", "vae/"),
    "out": (2.5, 1.3, "audio_parsing", "samples", "phases estimated", "frames.py"),
    "speaker": (0, 1.3, "audio_parsing", "loudspeaker", "or a WAV file", "playback.py"),
    "critic": (7.5, 1.3, "gan", "critic D", "a score for a whole song", "critic.py"),
    "rating": (0, -0.3, "radio", "slider, -1 to 1", "while the song plays", "session/"),
    "database": (2.5, -0.3, "radio", "journal", "SQLite, at once", "ratings/"),
    "taste": (7.5, -0.3, "radio", "taste D(S)", "a copy of the critic", "taste/"),
}
ROWS = ["file samples frames steps encoder posterior latent P decoder out speaker rating"]
ROWS += ["rating database taste", "decoder critic taste"]
# from, to, label and its place
GRADIENTS = [
    ((7.46, 2.05), (7.1, 2.05), "∂L/∂G$_i$", (7.28, 2.45)),
    ((7.7, 0.69), (6.6, 1.26), "∂L/∂G$_i$", (6.8, 0.8)),
    ((6.3, 2.29), (6.3, 2.86), "∂L/∂P", (6.68, 2.57)),
]


def draw(path: Path) -> None:
    """Draw the boxes, the arrows of the data and the arrows of the gradients."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

    mpl.rcParams["svg.hashsalt"] = "flow"  # the same file every time
    mpl.rcParams["svg.fonttype"] = "path"
    figure = Figure(figsize=(13, 6.8), layout="constrained", facecolor=PAPER)
    axes = figure.subplots()
    for x, y, folder, title, unit, file in BOXES.values():
        shape = "round,pad=0.04,rounding_size=0.12"
        style = {"facecolor": COLOURS[folder], "edgecolor": INK}
        axes.add_patch(FancyBboxPatch((x, y), WIDTH, HEIGHT, boxstyle=shape, **style))
        middle = {"ha": "center", "va": "center", "color": INK}
        axes.text(x + WIDTH / 2, y + 0.74, title, fontsize=11, weight="bold", **middle)
        axes.text(x + WIDTH / 2, y + 0.46, unit, fontsize=9, **middle)
        axes.text(x + WIDTH / 2, y + 0.18, file, fontsize=8, family="monospace", **middle)

    def arrow(start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
        axes.add_patch(
            FancyArrowPatch(
                start, end, arrowstyle="-|>", mutation_scale=14, shrinkA=2, shrinkB=2, **style
            )
        )

    for source, target in (pair for row in ROWS for pair in pairwise(row.split())):
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
    axes.set(xlim=(-0.2, 12.25), ylim=(-0.6, 5.6))
    axes.axis("off")
    figure.savefig(path, metadata={"Date": None})


def _edge(box: tuple[Any, ...], towards: tuple[Any, ...]) -> tuple[float, float]:
    """Return the centre of the side of a box that faces another one."""
    x, y = box[0] + WIDTH / 2, box[1] + HEIGHT / 2
    dx, dy = towards[0] - box[0], towards[1] - box[1]
    if dy and abs(dx) < 3 and not (dx and abs(dy) < 0.1):
        return x, y + (HEIGHT / 2 if dy > 0 else -HEIGHT / 2)
    return x + (WIDTH / 2 if dx > 0 else -WIDTH / 2), y


if __name__ == "__main__":
    draw(Path(__file__).parent / "flow.svg")
