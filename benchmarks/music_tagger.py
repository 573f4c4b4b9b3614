"""What a tagger of others' music hears in samples: a judge that knows nothing of our frames.

    embed(samples, rate) -> (patches, 200)       the layer before the last, for each whole 3 s
    log_odds(samples, rate) -> (50,)             of each tag, the mean over samples
    tags(samples, rate) -> {"rock": 0.4, ...}

An optional peer: `pip install --no-deps musicnn` (--no-deps: only its weights are used). The
network is MSD_musicnn (Pons and Serra 2019, arXiv:1909.06654), which learned the fifty most
frequent tags of the Million Song Dataset. It is computed here, in NumPy. TensorFlow's checkpoint of
it is a table of names (`.index`, as LevelDB sorts it, its values protocol buffers) and raw numbers
(`.data...`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

MODEL_RATE = 16000  # Hz
WINDOW, HOP, MELS = 512, 256, 96  # samples, samples, bands
PATCH = 187  # windows: 3 s
EPSILON = 1e-3  # of TensorFlow's batch normalisation
FOOTER = 48  # bytes at the end of a table

Array = np.ndarray


def available() -> bool:
    """Return whether musicnn's weights are installed."""
    return _folder() is not None


def embed(samples: Array, sample_rate: float) -> Array:
    """Return the embeddings (patches, 200) of samples (n,); the last patch ends with them."""
    return np.stack([_layers(patch)[0] for patch in _patches(samples, sample_rate)])


def log_odds(samples: Array, sample_rate: float) -> Array:
    """Return the log odds (50,) of each tag, the mean over samples (n,)."""
    return np.mean([_layers(patch)[1] for patch in _patches(samples, sample_rate)], axis=0)


def tags(samples: Array, sample_rate: float) -> dict[str, float]:
    """Return each tag's probability, the mean over samples (n,), the most probable first."""
    from musicnn.configuration import MSD_LABELS  # type: ignore[import-not-found]

    logits = np.stack([_layers(patch)[1] for patch in _patches(samples, sample_rate)])
    probable = (1 / (1 + np.exp(-logits))).mean(axis=0)
    return {MSD_LABELS[i]: float(probable[i]) for i in np.argsort(-probable)}


def _folder() -> Path | None:
    package = find_spec("musicnn")  # found, not imported: most of it needs TensorFlow
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "MSD_musicnn"
    return folder if (folder / ".index").exists() else None


def _patches(samples: Array, sample_rate: float) -> list[Array]:
    """Return log-mel spectra (PATCH, MELS) of samples, side by side; what is short is repeated."""
    samples = soxr.resample(np.asarray(samples, np.float32), sample_rate, MODEL_RATE)
    padded = np.pad(samples, WINDOW // 2)
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    spectrum = np.abs(fft.rfft(sliding_window_view(padded, WINDOW)[::HOP] * window)) ** 2
    level = np.log10(1 + 1e4 * (spectrum @ _mel_filters().T))
    if len(level) < PATCH:
        level = np.resize(level, (PATCH, MELS))
    return [level[start : start + PATCH] for start in range(0, len(level) - PATCH + 1, PATCH)]


@lru_cache(maxsize=1)
def _mel_filters() -> Array:
    """Return triangles (MELS, WINDOW / 2 + 1) of equal area on Slaney's scale, as librosa's are."""

    def mel(hertz: Array) -> Array:
        return np.where(
            hertz < 1000, hertz / (200 / 3), 15 + np.log(hertz / 1000) * 27 / np.log(6.4)
        )

    grid = np.arange(0, MODEL_RATE / 2 + 1, 0.1)
    scale = mel(np.maximum(grid, 1e-9))
    edges = np.interp(np.linspace(0, scale[-1], MELS + 2), scale, grid)
    hertz = np.arange(WINDOW // 2 + 1) * MODEL_RATE / WINDOW
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])[:, None]
    return (np.maximum(np.minimum(rising, falling), 0) * area).astype(np.float32)


def _layers(level: Array) -> tuple[Array, Array]:
    """Return the layer before the last (200,) and the logits (50,) of a patch (PATCH, MELS)."""
    weights = _weights()

    def normal(x: Array, number: int) -> Array:
        name = "batch_normalization" + (f"_{number}" if number else "")
        scale = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/moving_variance"] + EPSILON)
        return (x - weights[f"{name}/moving_mean"]) * scale + weights[f"{name}/beta"]

    def convolved(x: Array, number: int) -> Array:
        """Return (T, places, filters) of x (T, W) under a kernel (t, w, 1, filters), then relu."""
        name = "conv2d" + (f"_{number}" if number else "")
        kernel = weights[f"{name}/kernel"][:, :, 0]
        before = (len(kernel) - 1) // 2
        padded = np.pad(x, [(before, len(kernel) - 1 - before), (0, 0)])
        views = sliding_window_view(padded, kernel.shape[:2])
        sums = np.tensordot(views, kernel, axes=2) + weights[f"{name}/bias"]
        return np.maximum(sums, 0)

    x = normal(level[..., None], 0)[..., 0]
    # Timbre over all of time and pitch, then rhythm band by band: the loudest place counts.
    front = np.concatenate([normal(convolved(x, n), n + 1).max(axis=1) for n in range(5)], axis=1)
    first = normal(convolved(front, 5), 6)[:, 0]
    second = first + normal(convolved(first, 6), 7)[:, 0]
    third = second + normal(convolved(second, 7), 8)[:, 0]
    together = np.concatenate([front, first, second, third], axis=1)
    pooled = np.stack([together.max(axis=0), together.mean(axis=0)], axis=1).reshape(-1)
    dense = normal(pooled, 9) @ weights["dense/kernel"] + weights["dense/bias"]
    embedding = normal(np.maximum(dense, 0), 10)
    return embedding, embedding @ weights["dense_1/kernel"] + weights["dense_1/bias"]


@lru_cache(maxsize=1)
def _weights() -> dict[str, Array]:
    folder = _folder()
    if folder is None:
        raise RuntimeError("tags need: pip install --no-deps musicnn")
    return read_checkpoint(folder / ".index", folder / ".data-00000-of-00001")


def read_checkpoint(index: Path, data: Path) -> dict[str, Array]:
    """Return the arrays of float32 of a TensorFlow checkpoint in one piece, by name."""
    table, numbers = index.read_bytes(), data.read_bytes()
    footer = table[-FOOTER:]
    place = 0
    for _ in range(2):  # where the table of nothing is, which comes first
        _, place = _varint(footer, place)
    start, place = _varint(footer, place)
    size, _ = _varint(footer, place)
    arrays = {}
    for _, value in _entries(table[start : start + size]):
        begin, place = _varint(value, 0)
        length, _ = _varint(value, place)
        for name, message in _entries(table[begin : begin + length]):
            entry = dict(_fields(message))
            if not name or entry.get(1) != 1:  # the header, or no float32
                continue
            shape = [dict(_fields(one)).get(1, 0) for _, one in _fields(entry.get(2, b""))]
            offset, count = entry.get(4, 0), entry[5] // 4
            array = np.frombuffer(numbers, "<f4", count, offset).reshape(shape)
            arrays[name.decode()] = array.astype(np.float32)
    return arrays


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; a key begins with so many bytes of the one before."""
    (restarts,) = struct.unpack("<I", block[-4:])
    place, key = 0, b""
    while place < len(block) - 4 - 4 * restarts:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        size, place = _varint(block, place)
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + size]
        place += size


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and value of each field of a protocol buffer."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == 0:
            value: Any
            value, place = _varint(message, place)
        else:
            size, place = _varint(message, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
            value, place = message[place : place + size], place + size
        yield tag >> 3, value


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
