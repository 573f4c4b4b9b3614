"""Plots of sound: drawn into given axes, shown, or saved as PNG, SVG or PDF.

Contract, the same for plot_waveform(samples), plot_spectrogram(samples), plot_frames(frames) and
plot_side_by_side(first, second):

    ax      draw into these axes, and neither show nor save
    path    save to this .png, .svg or .pdf file; without one the plot is shown, or saved in the
            current folder where there is no display
    return  the file, or None if there is none

A plot has a fixed number of columns, however long the song is.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from audio_parsing.canvas import as_text, canvas
from audio_parsing.filterbank import BANDS, BANDS_PER_OCTAVE
from audio_parsing.frames import FRAME_SIZE, SAMPLE_RATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 2000  # of the widest plot; a longer sound is summarised in as many
WINDOW = 4096  # samples of the spectrogram's windows
HOP = 512  # smallest distance of two windows, in samples
RANGE = 70.0  # dB below the maximum that a spectrogram shows
LOWEST, HIGHEST = 50.0, 11_000.0  # Hz
BLUE, ORANGE = "#2a6f97", "#e07a1f"


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
        title: above the plot.
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
    """Draw the level of each frequency over time, in dB below the maximum, on a logarithmic axis.

    Args:
        samples: (n,) or (n, 1).
        sample_rate: in Hz.
        title: above the plot.
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
    """Draw frames over time; the bands of `frames.encode` are labelled by their notes.

    Args:
        frames: (T, F).
        hop_length: samples a frame.
        sample_rate: in Hz.
        title: above the plot.
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
            given.axes.set_yticks(octaves + 0.5, [f"C{k + 1}" for k in range(len(octaves))])
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
    """Draw two songs side by side, waveform above spectrogram, on the same axes.

    Each spectrogram is relative to its own maximum.

    Args:
        first: (n,) or (n, 1).
        second: the same, of any length.
        names: of both.
        sample_rate: of both, in Hz.
        ax: as in the contract above; the axes are divided.
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
    """Draw samples (n,) at a rate in Hz; long sounds as the lowest and highest of each column."""
    scale = {"seconds": 1.0, "milliseconds": 1000.0}[unit] / sample_rate
    if len(samples) <= 2 * COLUMNS:
        axes.plot(np.arange(len(samples)) * scale, samples, **{"linewidth": 1.0} | style)
    else:
        starts = np.linspace(0, len(samples), COLUMNS, endpoint=False).astype(np.int64)
        low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
        axes.fill_between(starts * scale, low, high, **style | {"linewidth": 0.5})
    axes.set_xlabel(unit)


def _draw_spectrogram(axes: Axes, samples: np.ndarray, sample_rate: float) -> Any:
    """Draw a spectrogram and return the image, for a colour bar."""
    hop = max(HOP, -(-len(samples) // COLUMNS))
    padded = np.pad(samples, WINDOW // 2)
    windows = sliding_window_view(padded, WINDOW)[::hop] * np.hanning(WINDOW).astype(np.float32)
    power = np.abs(np.fft.rfft(windows, axis=1).T) ** 2  # (bins, columns)
    hertz = np.arange(len(power)) * sample_rate / WINDOW
    audible = (hertz >= min(LOWEST, sample_rate / 8)) & (hertz <= HIGHEST)
    level = 10 * np.log10(
        power[audible] / max(float(power[audible].max()), 1e-30) + 10 ** (-RANGE / 10)
    )
    seconds = np.arange(level.shape[1]) * hop / sample_rate
    image = axes.pcolormesh(
        seconds,
        hertz[audible],
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
        ylim=(hertz[audible][0], hertz[audible][-1]),
    )
    ticks = [
        tick
        for tick in (50, 100, 200, 500, 1000, 2000, 5000, 10000)
        if hertz[audible][0] <= tick <= hertz[audible][-1]
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
