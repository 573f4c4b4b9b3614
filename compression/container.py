r"""The format of .air files: a header, blocks and an end, each followed by a checksum.

    header   8 bytes  \x89 A I R \r \n \x1a \n
             1        version of this layout
             1        quality, for information
             1        channels
             4        sample rate in Hz
             4        fingerprint of the restoring network
             4        checksum
    block    2        chunks, at least 1
             1        flags: 1 for middle and side instead of left and right
             1        step, 2^(code / 8 - 20) of full scale
             4        length of the payload
             ...      payload: levels, see range_coder.py
             4        checksum
    end      2        0
             8        samples of a channel
             4        checksum

Numbers are little-endian. A checksum is the CRC-32 of all earlier bytes of the file except the
checksums: a file that is cut, damaged, joined from two, or followed by anything is refused.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from compression.codec import MIDDLE_SIDE, Block, block_chunks
from compression.lapped import CHUNK

SUFFIX = ".air"
MAGIC = b"\x89AIR\r\n\x1a\n"
VERSION = 1
RATES = (1, 768_000)  # Hz
CHANNELS = 255
_HEADER, _BLOCK, _CHUNKS, _LENGTH, _CHECK = (
    struct.Struct(layout) for layout in ("<BBBI4s", "<BBI", "<H", "<Q", "<I")
)


class CompressedFileError(ValueError):
    """Not a compressed file, or damaged; the message is one line without the file's name."""


class Header(NamedTuple):
    """The fields at the beginning of a file."""

    quality: int
    channels: int
    sample_rate: int
    fingerprint: bytes


class Writer:
    """Write a file, part by part.

    Args:
        file: open for writing.
        header: of the sound.
    """

    def __init__(self, file: BinaryIO, header: Header) -> None:
        if not (1 <= header.channels <= CHANNELS and RATES[0] <= header.sample_rate <= RATES[1]):
            raise ValueError(
                f"{header.channels} channels at {header.sample_rate} Hz can't be compressed"
            )
        self._file, self._check = file, 0
        self._part(
            MAGIC
            + _HEADER.pack(
                VERSION, header.quality, header.channels, header.sample_rate, header.fingerprint
            )
        )

    def block(self, block: Block) -> None:
        """Write a block, unless it has no chunks."""
        if block.chunks:
            self._part(
                _CHUNKS.pack(block.chunks)
                + _BLOCK.pack(block.flags, block.step, len(block.payload))
                + block.payload
            )

    def end(self, length: int) -> None:
        """Write the end, with the number of samples of a channel."""
        self._part(_CHUNKS.pack(0) + _LENGTH.pack(length))

    def _part(self, data: bytes) -> None:
        # NOTE: the checksums are left out: a CRC of anything followed by its own CRC is always the
        # same number.
        self._check = zlib.crc32(data, self._check)
        self._file.write(data + _CHECK.pack(self._check))


class Reader:
    """Read a file, part by part.

    Args:
        file: open for reading, seekable.

    Attributes:
        header: the fields at its beginning.
        length: samples of a channel; known after the last block.
        done: share of the file that was read.

    Raises:
        CompressedFileError: here and in `blocks`, if no Writer can have written the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._check = file, 0
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if self._checked(len(MAGIC), "no compressed sound") != MAGIC:
            raise CompressedFileError("is not an AI Radio .air file (ai-radio compress makes them)")
        version, quality, channels, rate, fingerprint = _HEADER.unpack(self._checked(_HEADER.size))
        if version > VERSION:
            raise CompressedFileError(
                f"needs a newer version of this program (layout {version}, not {VERSION})"
            )
        self._verify("its header")
        if version < 1 or not channels or not RATES[0] <= rate <= RATES[1]:
            raise CompressedFileError(f"claims {channels} channels at {rate} Hz: no sound has that")
        self.header = Header(quality, channels, rate, fingerprint)
        self.length = 0

    @property
    def done(self) -> float:
        """Share of the file that was read."""
        return self._file.tell() / max(self._size, 1)

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks, each after its checksum was verified."""
        most, chunks, number = block_chunks(self.header.channels), 0, 0
        allowed = MIDDLE_SIDE if self.header.channels == 2 else 0
        while True:
            number += 1
            (count,) = _CHUNKS.unpack(self._checked(_CHUNKS.size))
            if not count:
                break
            flags, step, size = _BLOCK.unpack(self._checked(_BLOCK.size))
            if count > most or flags & ~allowed:
                raise CompressedFileError(f"is damaged in block {number}")
            # checked before reading: a damaged length must not cost memory
            if size > self._size - self._file.tell():
                raise CompressedFileError(f"is cut off or damaged in block {number}")
            payload = self._checked(size)
            self._verify(f"block {number}")
            chunks += count
            yield Block(count, flags, step, payload)
        (self.length,) = _LENGTH.unpack(self._checked(_LENGTH.size))
        self._verify("its end")
        if self._file.read(1):
            raise CompressedFileError("has extra bytes after its end")
        if -(-self.length // CHUNK) != chunks:
            raise CompressedFileError(
                f"is damaged: {self.length} samples don't fit {chunks} chunks"
            )

    def _read(self, size: int, what: str = "") -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            where = f"after {self._file.tell():,} bytes"
            raise CompressedFileError(
                f"is {what}: it ends {where}" if what else f"is cut off {where}"
            )
        return data

    def _checked(self, size: int, what: str = "") -> bytes:
        data = self._read(size, what)
        self._check = zlib.crc32(data, self._check)
        return data

    def _verify(self, what: str) -> None:
        if _CHECK.unpack(self._read(_CHECK.size))[0] != self._check:
            raise CompressedFileError(f"is damaged: the checksum of {what} is wrong")
