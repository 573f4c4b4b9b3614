"""A SoundFont of one instrument, a sine, as bytes. SoundFont 2.01, sections 5 to 7."""

from __future__ import annotations

import struct

import numpy as np

RATE, PERIOD, COUNT = 22050, 50, 2200  # Hz, samples; A of 441 Hz


def tiny_soundfont() -> bytes:
    """Return a SoundFont whose first program is a sine that lasts."""
    sine = (20000 * np.sin(2 * np.pi * np.arange(COUNT) / PERIOD)).astype("<i2").tobytes()
    header = "<20sHHHIII"
    sample = "<20sIIIIIBbHH"
    parts = {
        b"phdr": _records(header, (b"sine", 0, 0, 0, 0, 0, 0), (b"EOP", 0, 0, 1, 0, 0, 0)),
        b"pbag": _records("<HH", (0, 0), (1, 0)),
        b"pmod": bytes(10),
        b"pgen": _records("<HH", (41, 0), (0, 0)),  # instrument
        b"inst": _records("<20sH", (b"sine", 0), (b"EOI", 1)),
        b"ibag": _records("<HH", (0, 0), (2, 0)),
        b"imod": bytes(10),
        b"igen": _records("<HH", (54, 1), (53, 0), (0, 0)),  # a loop; sample
        b"shdr": _records(
            sample,
            (b"sine", 0, COUNT, 0, COUNT - PERIOD, RATE, 69, 0, 0, 1),
            (b"EOS", *9 * (0,)),
        ),
    }
    info = _chunk(b"ifil", struct.pack("<HH", 2, 1)) + _chunk(b"INAM", b"sine\0\0")
    data = b"".join(_chunk(name, content) for name, content in parts.items())
    lists = [(b"INFO", info), (b"sdta", _chunk(b"smpl", sine + bytes(92))), (b"pdta", data)]
    whole = b"".join(_chunk(b"LIST", kind + content) for kind, content in lists)
    return _chunk(b"RIFF", b"sfbk" + whole)


def _records(form: str, *rows: tuple[bytes | int, ...]) -> bytes:
    return b"".join(struct.pack(form, *row) for row in rows)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
