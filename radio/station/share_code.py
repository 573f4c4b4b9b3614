"""Share codes: a song as a short text, from which the same station makes it again, exactly.

share_code(station, made_by, P) -> "air1.X", of letters, digits, '-', '_' and '.': fit for a URL
read_share_code(text) -> SharedSong

X is the URL-safe Base64 of 8 bytes of the station's fingerprint, the compressed rest (its name and
P) and 4 check bytes: a CRC-32 of everything before them.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from typing import NamedTuple

import numpy as np

PREFIX = "air1."  # with the format's version
MOST_VALUES = 512  # of P: a code has six characters at most for each
LONGEST_NAME = 255  # bytes
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
CODE = re.compile(r"air(\d+)\.(.*)", re.DOTALL)


class ShareCodeError(ValueError):
    """The share code can't be used; the message is one line."""


class SharedSong(NamedTuple):
    """What a share code says.

    Attributes:
        station: name of the station where the code was made.
        made_by: fingerprint of that station, which alone makes this song.
        coordinate: P (D,) float32.
    """

    station: str
    made_by: str
    coordinate: np.ndarray

    @property
    def needs(self) -> str:
        """Which station the song needs, in words for a listener."""
        return f"this song needs station {self.station} of fingerprint {self.made_by}"


def share_code(station: str, made_by: str, coordinate: np.ndarray) -> str:
    """Return the share code of a song P (D,); empty for one that is too long to share."""
    name, values = station.encode(), np.asarray(coordinate, "<f4")
    fits = 0 < values.size <= MOST_VALUES and len(name) <= LONGEST_NAME
    if not fits or FINGERPRINT.fullmatch(made_by) is None:
        return ""
    # The first bytes of all values, then the second ones, and so on: of most values the last are 0.
    planes = values.view(np.uint8).reshape(-1, 4).T.tobytes()
    rest = zlib.compress(bytes([len(name)]) + name + planes, 9)
    content = bytes.fromhex(made_by) + rest
    check = struct.pack(">I", zlib.crc32(PREFIX.encode() + content))
    return PREFIX + base64.urlsafe_b64encode(content + check).decode().rstrip("=")


def is_share_code(text: str) -> bool:
    """Return whether a text looks like a share code, valid or not."""
    return CODE.match(text.strip()) is not None


def read_share_code(text: str) -> SharedSong:
    """Read a share code; spaces and line ends, as a mail program adds them, do no harm.

    Raises:
        ShareCodeError: if it is none, of a newer version, or mistyped.
    """
    text = "".join(text.split())
    found = CODE.match(text)
    if found is None:
        raise ShareCodeError(
            f"{text[:40]!r} is not a share code, which begins with {PREFIX}; "
            "ai-radio now --json and the song's details show it"
        )
    if f"air{found[1]}." != PREFIX:
        raise ShareCodeError("this share code is of a newer AI Radio; update this one")
    try:
        packed = base64.b64decode(found[2] + "=" * (-len(found[2]) % 4), b"-_", validate=True)
        content, check = packed[:-4], packed[-4:]
        if struct.pack(">I", zlib.crc32(PREFIX.encode() + content)) != check:
            raise ValueError("its check bytes differ")
        rest = _decompressed(content[8:])
        name, planes = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        values = np.frombuffer(planes, np.uint8).reshape(4, -1).T
        coordinate = np.ascontiguousarray(values).view("<f4").ravel()
        if not (coordinate.size and np.isfinite(coordinate).all()):
            raise ValueError("its values are out of range")
        return SharedSong(name.decode(), content[:8].hex(), coordinate.astype(np.float32))
    except (ValueError, IndexError, binascii.Error, zlib.error) as error:
        raise ShareCodeError(
            "this share code is mistyped or incomplete; copy it again, from air1. to its end"
        ) from error


def _decompressed(packed: bytes) -> bytes:
    """Return what was compressed; a forged code can't ask for more memory than a real one."""
    reader = zlib.decompressobj()
    content = reader.decompress(packed, 1 + LONGEST_NAME + 4 * MOST_VALUES)
    if not reader.eof:
        raise ValueError("it is incomplete")
    return content
