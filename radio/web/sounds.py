"""Songs for a browser's audio element: a WAV in memory, ranges of its bytes, and its waveform."""

from __future__ import annotations

import io
import re

import numpy as np

PEAKS = 240  # bars of a waveform


def wav_of(samples: np.ndarray, sample_rate: int) -> bytes:
    """Return samples (n,) in [-1, 1] at a rate in Hz as the bytes of a 16-bit WAV file."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def peaks_of(samples: np.ndarray) -> list[float]:
    """Return the loudness of samples (n,) in PEAKS intervals, relative to the loudest."""
    parts = np.array_split(np.asarray(samples, np.float64), PEAKS)
    loudness = np.array([np.sqrt(np.mean(np.square(part))) if part.size else 0.0 for part in parts])
    return [round(float(value), 3) for value in loudness / max(float(loudness.max()), 1e-9)]


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the range (first, end) of a Range header within `size` bytes; None for all bytes.

    Raises:
        ValueError: if none of these bytes exist.
    """
    found = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", header.strip()) if header else None
    # several ranges or another unit: a server may answer with everything
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1 if last else size)
    if begin >= end:
        raise ValueError(f"the bytes {header} of {size} do not exist")
    return begin, end
