"""A cover for a song: a picture drawn from its point P, so that similar songs have similar covers.

Four plane waves, whose direction, length and phase are linear in P, are added, and their sum is
looked up in a cosine palette (Inigo Quilez, "Palettes", 2015), whose colours are linear in P too.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIZE = 256  # pixels
WAVES = 4
LARGEST = 10  # value of P that is drawn as it is


def cover(coordinate: np.ndarray, *, size: int = SIZE) -> bytes:
    """Return the cover of the song at P (D,) as a PNG.

    Args:
        coordinate: P.
        size: width and height in pixels.
    """
    point = np.asarray(coordinate, np.float64)
    # a seed or a song's number is as large as it likes, and would drown all others
    point = np.where(np.abs(point) < LARGEST, point, np.sin(point))
    # a fixed projection: what is drawn depends on P alone
    rng = np.random.default_rng(len(point))
    length = max(1.0, float(np.sqrt(len(point))))
    numbers = rng.standard_normal((4 * WAVES + 3, len(point))) @ point / length
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    height = np.zeros((size, size))
    for wave in range(WAVES):
        angle, stretch, phase, bend = numbers[4 * wave : 4 * wave + 4]
        along = x * np.cos(3 * angle) + y * np.sin(3 * angle)
        across = y * np.cos(3 * angle) - x * np.sin(3 * angle)
        turns = (1.5 + wave) * np.exp(0.5 * stretch)
        height += np.sin(2 * np.pi * (turns * along + phase + bend * across**2)) / (1 + wave)
    phases = numbers[-3:] + np.array([0.0, 0.15, 0.3])
    colours = 0.5 + 0.42 * np.cos(2 * np.pi * (0.22 * height[..., None] + phases))
    return _png((255 * colours).astype(np.uint8))


def _png(pixels: np.ndarray) -> bytes:
    """Return pixels (H, W, 3) uint8 as a PNG (RFC 2083)."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)  # each unfiltered

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows, 6))
        + chunk(b"IEND", b"")
    )
