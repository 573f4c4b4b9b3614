"""Curves of block characters: spectrum, waveform, drawn and predicted ratings.

Letters: W columns, H rows.
"""

from __future__ import annotations

import numpy as np

BLOCKS = " ▁▂▃▄▅▆▇█"
WINDOW = 2048  # samples of a spectrum: 93 ms
LOWEST, HIGHEST = 55.0, 9000.0  # Hz
QUIETEST = -66.0  # dB below the song's maximum, drawn as nothing
WAVE_SECONDS = 4.0  # shown at once


def spectrum(samples: np.ndarray, sample_rate: int, position: float, columns: int) -> np.ndarray:
    """Return how loud each of W bands is around a moment of a song (W,), from 0 to 1.

    Args:
        samples: (n,) of the song.
        sample_rate: Hz.
        position: seconds.
        columns: W; the bands are even on a scale of pitch.
    """
    start = max(0, int(position * sample_rate) - WINDOW // 2)
    piece = samples[start : start + WINDOW]
    if columns < 1 or piece.size < 2:
        return np.zeros(max(0, columns))
    magnitudes = np.abs(np.fft.rfft(piece * np.hanning(piece.size), WINDOW)) * (4 / WINDOW)
    edges = np.geomspace(LOWEST, HIGHEST, columns + 1) * (WINDOW / sample_rate)
    # Low bands are narrower than a bin of the spectrum and are interpolated; wider ones take their
    # loudest bin.
    between = np.interp((edges[:-1] + edges[1:]) / 2, np.arange(magnitudes.size), magnitudes)
    loudest = [
        magnitudes[int(low) + 1 : int(high) + 1].max(initial=0.0)
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
    decibels = 20 * np.log10(np.maximum(np.maximum(between, loudest), 1e-9))
    return np.clip(1 - decibels / QUIETEST, 0, 1)


def waveform(samples: np.ndarray, sample_rate: int, position: float, columns: int) -> np.ndarray:
    """Return the loudest sample in each of W columns around a moment, (W,), from 0 to 1.

    Args:
        samples: (n,) of the song.
        sample_rate: Hz.
        position: seconds.
        columns: W.
    """
    count = int(WAVE_SECONDS * sample_rate)
    start = int(position * sample_rate) - count // 2
    piece = np.zeros(count, np.float32)
    low, high = max(0, start), min(samples.size, start + count)
    if high > low:
        piece[low - start : high - start] = np.abs(samples[low:high])
    return np.array([part.max(initial=0.0) for part in np.array_split(piece, max(1, columns))])[
        :columns
    ]


def bars(levels: np.ndarray, height: int) -> list[str]:
    """Return H lines of W columns, the top line first, of levels (W,) from 0 to 1."""
    eighths = np.rint(np.clip(np.nan_to_num(levels), 0, 1) * 8 * height).astype(int)
    return [
        "".join(BLOCKS[value] for value in np.clip(eighths - 8 * row, 0, 8))
        for row in range(height - 1, -1, -1)
    ]


def rating_cells(ratings: np.ndarray, rows: int) -> list[list[tuple[str, str]]]:
    """Return 2 H lines of (glyph, style) around a zero line, of ratings (W,) from -1 to 1.

    Positive ratings grow up from the zero line, which is at the bottom of line H, and negative ones
    down. Styles are 'good', 'bad', 'zero', 'unknown' (NaN), and 'below': part of a cell, from its
    top, for which there is no character; its complement is to be shown in reverse.

    Args:
        ratings: of each column.
        rows: H above the line and as many below.
    """
    known = ~np.isnan(ratings)
    values = np.clip(np.where(known, ratings, 0), -1, 1)
    eighths = np.rint(np.abs(values) * 8 * rows).astype(int)
    line = [
        ("▁", "unknown" if not sure or size and value < 0 else "zero")
        for sure, size, value in zip(known, eighths, values, strict=True)
    ]
    lines: list[list[tuple[str, str]]] = []
    for row in range(rows - 1, -1, -1):
        part = np.clip(np.where(values > 0, eighths - 8 * row, 0), 0, 8)
        lines.append(
            [
                (BLOCKS[size], "good") if size else line[at] if row == 0 else (" ", "unknown")
                for at, size in enumerate(part)
            ]
        )
    for row in range(rows):
        part = np.clip(np.where(values < 0, eighths - 8 * row, 0), 0, 8)
        lines.append(
            [
                ("█", "bad")
                if size == 8
                else (BLOCKS[8 - size], "below")
                if size
                else (" ", "unknown")
                for size in part
            ]
        )
    return lines


def drawn(curve: np.ndarray, duration: float, position: float, columns: int) -> np.ndarray:
    """Return the slider at each column (W,); NaN before its first touch and after the position.

    Args:
        curve: (k, 2) seconds into the song and slider.
        duration: seconds the song lasts.
        position: seconds played.
        columns: W.
    """
    values = np.full(max(0, columns), np.nan)
    if not len(curve) or duration <= 0:
        return values
    order = np.argsort(curve[:, 0], kind="stable")
    seconds, slider = curve[order, 0], curve[order, 1]
    middles = (np.arange(columns) + 0.5) * duration / columns
    places = np.searchsorted(seconds, middles, "right") - 1
    heard = (places >= 0) & (middles <= max(position, seconds[-1]))
    values[heard] = slider[places[heard]]
    # A touch shorter than a column is shown too.
    values[np.minimum((seconds * columns / duration).astype(int), columns - 1)] = slider
    return values


def resampled(values: np.ndarray, columns: int) -> np.ndarray:
    """Return the means of values (m,) over W columns of equal length; NaN if there are none."""
    if not len(values):
        return np.full(max(0, columns), np.nan)
    edges = np.linspace(0, len(values), columns + 1)
    return np.array(
        [
            values[int(low) : max(int(low) + 1, int(np.ceil(high)))].mean()
            for low, high in zip(edges, edges[1:], strict=False)
        ]
    )
