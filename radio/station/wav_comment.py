"""The comment of a WAV, which may be of any length: it tells how to make a song again.

libsndfile drops what it reads of more than 2,045 characters. If it writes more than 50,000, as a
song needs whose innovations were changed, nobody can read the file. So the comment has a chunk of
its own, behind the samples: RIFF, form WAVE (IBM and Microsoft 1991, "Multimedia Programming
Interface and Data Specifications 1.0", chapters 2 and 3: LIST, INFO, ICMT).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LARGEST = 1 << 26  # bytes of a comment that is read: no song's P is nearly as long


def append_comment(path: Path, text: str) -> None:
    """Write a comment behind all else in a WAV."""
    with path.open("rb+") as file:
        file.seek(0, 2)
        file.write(_chunk(b"LIST", b"INFO" + _chunk(b"ICMT", text.encode() + b"\0")))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def read_comment(path: Path) -> str:
    """Return the comment of a WAV, empty if it has none.

    Raises:
        OSError: if it can't be read.
        ValueError: if it is no text.
    """
    with path.open("rb") as file:
        if file.read(12)[8:] != b"WAVE":
            return ""
        for name, size in _chunks(file, path.stat().st_size):
            if name != b"LIST" or file.read(4) != b"INFO":
                continue
            for tag, length in _chunks(file, file.tell() + size - 4):
                if tag == b"ICMT" and length <= LARGEST:
                    return file.read(length).rstrip(b"\0").decode()
    return ""


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    """Yield name and size of each chunk from here to an end, the file being at its content."""
    place = file.tell()
    while place + 8 <= end:
        file.seek(place)
        header = file.read(8)
        if len(header) < 8:
            return
        size = int.from_bytes(header[4:], "little")
        yield header[:4], size
        place += 8 + size + size % 2
