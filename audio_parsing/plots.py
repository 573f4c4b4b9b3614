"""Pictures of sound, each drawn into given axes, shown where there is a display, or saved as PNG or SVG.

Contract, the same for all:

    plot_waveform(samples)  plot_spectrogram(samples)  plot_frames(frames)  plot_side_by_side(first, second)

    ax      draw here, and neither show nor save
    path    save here: .png, .svg or .pdf; without one the picture is shown, or saved in the current folder where there is no display
    return  the file, or None if there is none

Songs of any length are drawn in as many columns as a picture has, not in as many as they have
samples.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from audio_parsing.filterbank import BANDS, BANDS_PER_OCTAVE
from audio_parsing.frames import FRAME_SIZE, SAMPLE_RATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = (".png", ".svg", ".pdf")
COLUMNS = 2000  # of the widest picture; a longer sound is summed up in as many
WINDOW = 4096  # samples of the spectrogram's windows
HOP = 512  # samples from one to the next, at least
RANGE = 70.0  # dB below the loudest that a spectrogram shows
LOWEST, HIGHEST = 50.0, 11_000.0  # Hz
BLUE, ORANGE = "#2a6f97", "#e07a1f"


@dataclass
class Canvas:
    """Axes to draw in, and the file that they were saved in."""

    axes: Axes
    path: Path | None = None


@contextlib.contextmanager
def canvas(
    ax: Axes | None,
    path: str | os.PathLike[str] | None,
    name: str,
    size: tuple[float, float] = (10, 4),
) -> Iterator[Canvas]:
    """Give axes to draw in; afterwards show or save what was drawn, unless it was drawn in somebody else's.

    Args:
        ax: the axes to give, if not None.
        path: where to save; None shows the picture where that is possible.
        name: of the file otherwise, in the current folder, or in one for temporary files where that
            can't be written to.
        size: inches.

    Raises:
        ValueError: for a path that ends in neither .png nor .svg.
    """
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    if ax is not None:
        yield Canvas(ax)
        return
    if path is not None and Path(path).suffix.lower() not in KINDS:
        raise ValueError(
            f"a picture is a file that ends in {', '.join(KINDS)}, not {os.fspath(path)}"
        )
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
            # names of songs hold letters that fonts don't
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


def plot_waveform(
    samples: np.ndarray,
    *,
    sample_rate: float = SAMPLE_RATE,
    title: str = "",
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Path | None:
    """Draw amplitude over time.

    Args:
        samples: (n,) or (n, 1).
        sample_rate: in Hz.
        title: above the picture.
        ax: as in the contract above.
        path: likewise.
    """
    samples = _song(samples)
    with canvas(ax, path, "waveform.png") as given:
        draw_wave(given.axes, samples, sample_rate, color=BLUE)
        given.axes.set(title=as_text(title), ylabel="amplitude")
        given.axes.margins(x=0)
    return given.path


def plot_spectrogram(
    samples: np.ndarray,
    *,
    sample_rate: float = SAMPLE_RATE,
    title: str = "",
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Path | None:
    """Draw how loud each frequency is over time, in dB below the loudest, on a logarithmic axis as ears have one.

    Args:
        samples: (n,) or (n, 1).
        sample_rate: in Hz.
        title: above the picture.
        ax: as in the contract above.
        path: likewise.
    """
    samples = _song(samples)
    with canvas(ax, path, "spectrogram.png") as given:
        image = _draw_spectrogram(given.axes, samples, sample_rate)
        given.axes.set_title(as_text(title))
        given.axes.figure.colorbar(image, ax=given.axes, label="dB", pad=0.01)
    return given.path


def plot_frames(
    frames: np.ndarray,
    *,
    hop_length: int,
    sample_rate: float = SAMPLE_RATE,
    title: str = "",
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Path | None:
    """Draw frames as a network sees them: time to the right, their values upwards, those of `frames.encode` named by their notes.

    Args:
        frames: (T, F).
        hop_length: samples a frame.
        sample_rate: in Hz.
        title: above the picture.
        ax: as in the contract above.
        path: likewise.

    Raises:
        ValueError: for frames that are not (T, F) finite numbers.
    """
    frames = np.asarray(frames, np.float32)
    if frames.ndim != 2 or 0 in frames.shape or not np.isfinite(frames).all():
        raise ValueError(f"frames to draw are finite numbers of shape (T, F), not {frames.shape}")
    with canvas(ax, path, "frames.png") as given:
        seconds = len(frames) * hop_length / sample_rate
        # the first frame of each column
        starts = np.arange(0, len(frames), -(-len(frames) // COLUMNS))
        drawn = np.add.reduceat(frames, starts) / np.diff(starts, append=len(frames))[:, None]
        low, high = min(0.0, float(frames.min())), max(float(np.quantile(frames, 0.999)), 1e-6)
        image = given.axes.imshow(
            drawn.T,
            origin="lower",
            aspect="auto",
            extent=(0, seconds, 0, frames.shape[1]),
            cmap="magma",
            vmin=low,
            vmax=high,
            interpolation="nearest",
        )
        given.axes.set(title=as_text(title), xlabel="seconds", ylabel="value of a frame")
        if frames.shape[1] == FRAME_SIZE:
            octaves = np.arange(0, BANDS, BANDS_PER_OCTAVE)
            given.axes.set_yticks(
                [*(octaves + 0.5), (BANDS + FRAME_SIZE) / 2],
                [*(f"C{k + 1}" for k in range(len(octaves))), "noise"],
            )
            given.axes.axhline(BANDS, color="white", linewidth=0.5, alpha=0.5)
            given.axes.set_ylabel("band")
        given.axes.figure.colorbar(image, ax=given.axes, label="value", pad=0.01)
    return given.path


def plot_side_by_side(
    first: np.ndarray,
    second: np.ndarray,
    *,
    names: tuple[str, str] = ("first", "second"),
    sample_rate: float = SAMPLE_RATE,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Path | None:
    """Draw two songs beside each other, waveform above spectrogram, on the same axes; each spectrogram is relative to its own loudest.

    Args:
        first: (n,) or (n, 1).
        second: the same, of any length.
        names: of both.
        sample_rate: of both, in Hz.
        ax: as in the contract above; its place is divided.
        path: likewise.
    """
    songs = [_song(first), _song(second)]
    longest = max(len(song) for song in songs) / sample_rate
    loudest = 1.05 * max(float(np.abs(song).max()) for song in songs) or 1.0
    with canvas(ax, path, "side_by_side.png", (12, 5.5)) as given:
        given.axes.axis("off")
        for column, (song, name) in enumerate(zip(songs, names, strict=True)):
            above = given.axes.inset_axes((0.52 * column, 0.72, 0.48, 0.28))
            below = given.axes.inset_axes((0.52 * column, 0, 0.48, 0.68), sharex=above)
            draw_wave(above, song, sample_rate, color=(BLUE, ORANGE)[column])
            _draw_spectrogram(below, song, sample_rate)
            above.set(title=as_text(name), xlim=(0, longest), ylim=(-loudest, loudest), xlabel="")
            above.tick_params(labelbottom=False)
            if column:
                below.set_ylabel("")
                above.tick_params(labelleft=False)
                below.tick_params(labelleft=False, which="both")
            else:
                above.set_ylabel("amplitude")
    return given.path


def draw_wave(
    axes: Axes, samples: np.ndarray, sample_rate: float, *, unit: str = "seconds", **style: Any
) -> None:
    """Draw samples (n,) at a rate in Hz as a line; where there are more than columns, each column from lowest to highest."""
    scale = {"seconds": 1.0, "milliseconds": 1000.0}[unit] / sample_rate
    if len(samples) <= 2 * COLUMNS:
        axes.plot(np.arange(len(samples)) * scale, samples, **{"linewidth": 1.0} | style)
    else:
        starts = np.linspace(0, len(samples), COLUMNS, endpoint=False).astype(np.int64)
        low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
        axes.fill_between(starts * scale, low, high, **style | {"linewidth": 0.5})
    axes.set_xlabel(unit)


def as_text(name: str) -> str:
    """Return a name as Matplotlib draws it: dollars would begin a formula, and line ends a line."""
    return "".join(c if c.isprintable() else "?" for c in name).replace("$", r"\$")


def _draw_spectrogram(axes: Axes, samples: np.ndarray, sample_rate: float) -> Any:
    """Draw a spectrogram and return what its colours belong to."""
    hop = max(HOP, -(-len(samples) // COLUMNS))
    padded = np.pad(samples, WINDOW // 2)
    windows = sliding_window_view(padded, WINDOW)[::hop] * np.hanning(WINDOW).astype(np.float32)
    power = np.abs(np.fft.rfft(windows, axis=1).T) ** 2  # (bins, columns)
    hertz = np.arange(len(power)) * sample_rate / WINDOW
    heard = (hertz >= min(LOWEST, sample_rate / 8)) & (hertz <= HIGHEST)
    level = 10 * np.log10(
        power[heard] / max(float(power[heard].max()), 1e-30) + 10 ** (-RANGE / 10)
    )
    seconds = np.arange(level.shape[1]) * hop / sample_rate
    image = axes.pcolormesh(
        seconds,
        hertz[heard],
        level,
        vmin=-RANGE,
        vmax=0,
        cmap="magma",
        shading="nearest",
        rasterized=True,
    )
    axes.set(
        yscale="log",
        xlabel="seconds",
        ylabel="Hz",
        xlim=(0, len(samples) / sample_rate),
        ylim=(hertz[heard][0], hertz[heard][-1]),
    )
    ticks = [
        tick
        for tick in (50, 100, 200, 500, 1000, 2000, 5000, 10000)
        if hertz[heard][0] <= tick <= hertz[heard][-1]
    ]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    return image


def _song(samples: np.ndarray) -> np.ndarray:
    """Return samples (n,) float32 of (n,) or (n, 1)."""
    song = np.asarray(samples, np.float32)
    song = song[:, 0] if song.ndim == 2 and song.shape[1] == 1 else song
    if song.ndim != 1 or not song.size or not np.isfinite(song).all():
        raise ValueError(
            f"a song to draw is finite numbers of shape (n,) or (n, 1), not {np.shape(samples)}"
        )
    return song
