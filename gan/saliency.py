"""What each moment of a song does to its score: dS/dG_i made visible.

    saliency(critic, x (S, B, F)) -> (scores (B,), gradient (S, B, F))

A positive gradient says that more energy there would raise the score, a negative one that less
would.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neural_networks.components.module import Module


def saliency(critic: Module, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores (B,) of songs x (S, B, F) and the gradient of each score at every moment (S, B, F).

    NOTE: like every backward pass it adds into the critic's gradients; who trains it zeroes them
    before its own step.
    """
    scores, cache = critic.forward(x)
    return scores, critic.backward(np.ones_like(scores), cache)


def moments(gradient: np.ndarray) -> np.ndarray:
    """Return how much each step of each song matters, (S, B): the norm of its gradient, the mean over a song 1."""
    strength = np.linalg.norm(gradient, axis=2)
    return strength / np.maximum(strength.mean(axis=0), 1e-12)


def plot_saliency(
    frames: np.ndarray, gradient: np.ndarray, path: Path, *, seconds: float | None = None
) -> None:
    """Draw a song's frames, the gradient of its score over them, and the strength of each moment, into a picture.

    Args:
        frames: (T, bands) of one song.
        gradient: (T, bands), of the same song.
        path: of the picture, such as a PNG file.
        seconds: length of the song, for the time axis; frames if None.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    FigureCanvasAgg(figure)
    song, over, strength = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1])
    end = float(len(frames)) if seconds is None else seconds
    extent = (0.0, end, 0.0, float(frames.shape[1]))
    song.imshow(frames.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
    song.set_ylabel("band")
    song.set_title("the song")
    largest = max(float(np.quantile(np.abs(gradient), 0.999)), 1e-12)
    over.imshow(frames.T, origin="lower", aspect="auto", cmap="gray", extent=extent)
    shown = over.imshow(
        gradient.T,
        origin="lower",
        aspect="auto",
        cmap="RdBu_r",
        alpha=0.75,
        vmin=-largest,
        vmax=largest,
        extent=extent,
    )
    over.set_ylabel("band")
    over.set_title("what would raise its score: more (red), less (blue)")
    figure.colorbar(shown, ax=over)
    strength.plot(np.linspace(0, end, len(gradient)), moments(gradient[:, None])[:, 0])
    strength.set_ylabel("strength")
    strength.set_xlabel("frame" if seconds is None else "seconds")
    figure.savefig(path, dpi=110)
