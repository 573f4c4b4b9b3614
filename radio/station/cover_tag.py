"""Put a cover into the tags of a FLAC or MP3 file, which libsndfile cannot.

FLAC: a metadata block of type 6 (RFC 9639, 8.8). MP3: a frame APIC (ID3v2.3 and 2.4, 4.14). WAV has
no standard place for a picture, and in Ogg it would be a comment that fills many pages.
"""

from __future__ import annotations

import struct
from pathlib import Path

FRONT_COVER, PICTURE_BLOCK = 3, 6
LAST_BLOCK = 0x80
MIME = b"image/png"


def add_cover(path: Path, png: bytes, *, size: int) -> bool:
    """Add a cover to a file, in place; return whether it is of a kind that has covers.

    Args:
        path: of a complete file.
        png: the picture.
        size: its width and height in pixels.
    """
    content = path.read_bytes()
    if content.startswith(b"fLaC"):
        path.write_bytes(_into_flac(content, png, size))
    elif content.startswith(b"ID3"):
        path.write_bytes(_into_id3(content, png))
    else:
        return False
    return True


def _into_flac(content: bytes, png: bytes, size: int) -> bytes:
    """Return a FLAC file with a picture after its first block, STREAMINFO."""
    kind, end = content[4], 8 + int.from_bytes(content[5:8], "big")
    picture = struct.pack(">II", FRONT_COVER, len(MIME)) + MIME + struct.pack(">I", 0)
    picture += struct.pack(">IIIII", size, size, 24, 0, len(png)) + png
    head = bytes([PICTURE_BLOCK | kind & LAST_BLOCK]) + len(picture).to_bytes(3, "big")
    first = content[:4] + bytes([kind & ~LAST_BLOCK]) + content[5:end]
    return first + head + picture + content[end:]


def _into_id3(content: bytes, png: bytes) -> bytes:
    """Return an MP3 file with a picture as the first frame of its ID3 tag."""
    version, length = content[3], _from_synchsafe(content[6:10])
    body = b"\0" + MIME + bytes([0, FRONT_COVER, 0]) + png
    coded = _synchsafe(len(body)) if version >= 4 else struct.pack(">I", len(body))
    frame = b"APIC" + coded + b"\0\0" + body
    return content[:6] + _synchsafe(length + len(frame)) + frame + content[10:]


def _synchsafe(number: int) -> bytes:
    """Return a number in four bytes of seven bits each."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _from_synchsafe(four: bytes) -> int:
    return sum(byte << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=True))
