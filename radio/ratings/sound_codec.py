"""Compresses the frames of a rated song: LEVELS levels, differences in time, zlib.

    pack(steps (S, F), beside) -> bytes               about 80 kB for half a minute
    unpack(content) -> (steps (S, F), beside)         None if pack did not write it

A retrained station makes other songs of the same coordinates, and its critic computes other
features; so what is stored is what was played. The error is 0.01 of the spread that a taste's
features have over a station's songs, 0.3 at the most (tests/radio/ratings/test_sound_codec.py).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from audio_parsing.frames import FRAME_SIZE

LEVELS = 63  # of an amplitude ^ 0.3 from 0 to 1
# mark, S, F, values of a frame, columns of the coordinate beside z
HEADER = struct.Struct("<4sHIHH")
MARK = b"snd1"
MAX_VALUES = 1 << 26  # of a song, half an hour


def pack(steps: np.ndarray, *, beside: int, frame_size: int = FRAME_SIZE) -> bytes:
    """Return a song's steps (S, F) as bytes.

    Args:
        steps: canonical, before tempo and key.
        beside: columns of its coordinate beside z, 2 for tempo and key.
        frame_size: values of a frame.
    """
    levels = (
        np.rint(np.clip(steps, 0, 255 / LEVELS) * LEVELS).astype(np.uint8).reshape(-1, frame_size)
    )
    changes = np.diff(levels, axis=0, prepend=np.zeros((1, frame_size), np.uint8))
    # The values of one band are similar, so they are stored next to each other.
    return HEADER.pack(MARK, *steps.shape, frame_size, beside) + zlib.compress(
        np.ascontiguousarray(changes.T).tobytes(), 6
    )


def unpack(content: bytes) -> tuple[np.ndarray, int] | None:
    """Return steps (S, F) float32 and the number of columns beside z; None for other content."""
    try:
        mark, count, features, frame_size, beside = HEADER.unpack_from(content)
        size = count * features
        if mark != MARK or not 0 < size <= MAX_VALUES or not frame_size or features % frame_size:
            return None
        # longer content was not written here, and is not decompressed
        inflated = zlib.decompressobj().decompress(content[HEADER.size :], size + 1)
        if len(inflated) != size:
            return None
        changes = np.frombuffer(inflated, np.uint8).reshape(frame_size, -1)
        levels = np.cumsum(changes, axis=1, dtype=np.uint8).T
        return (levels.reshape(count, features) / np.float32(LEVELS)).astype(np.float32), beside
    except (struct.error, zlib.error, ValueError):
        return None
