"""Correct the checksums of changed Ogg files."""

from __future__ import annotations

import struct


def seal_pages(data: bytes) -> bytes:
    """Correct the checksums of a damaged Ogg file, so that the damage reaches its decoders."""
    sealed = bytearray(data)
    start = sealed.find(b"OggS")
    while 0 <= start <= len(sealed) - 27:
        segments = sealed[start + 27 : start + 27 + sealed[start + 26]]
        end = start + 27 + len(segments) + sum(segments)
        sealed[start + 22 : start + 26] = bytes(4)
        sealed[start + 22 : start + 26] = struct.pack("<I", _checksum(bytes(sealed[start:end])))
        start = sealed.find(b"OggS", end)
    return bytes(sealed)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table


TABLE = _table()


def _checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ TABLE[value >> 24 ^ byte]
    return value
