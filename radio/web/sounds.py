"""Songs as a browser's audio element asks for them: a WAV in memory, whole or a range of its bytes, and its waveform in few numbers."""

from __future__ import annotations

import io
import re

import numpy as np

PEAKS = 240  # bars of a waveform


def wav_of(samples: np.ndarray, sample_rate: int) -> bytes:
    """Return samples (n,) from -1 to 1, at a rate in Hz, as the bytes of a WAV of 16 bits."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def peaks_of(samples: np.ndarray) -> list[float]:
    """Return how loud each of PEAKS stretches of a song is, samples (n,), from 0 to 1 of the loudest."""
    parts = np.array_split(np.asarray(samples, np.float64), PEAKS)
    loudness = np.array([np.sqrt(np.mean(np.square(part))) if part.size else 0.0 for part in parts])
    return [round(float(value), 3) for value in loudness / max(float(loudness.max()), 1e-9)]


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte of a Range header and the one behind its last, within `size` bytes; None for all of them.

    Raises:
        ValueError: if none of these bytes exist.
    """
    found = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", header.strip()) if header else None
    # several ranges at once, or another unit: all of it is a lawful answer
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
