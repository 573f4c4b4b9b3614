"""Find the frames of MPEG audio (MP1, MP2, MP3) by following them, whatever headers and tags say.

    stream = find_frames(data, start, end)      None if the bytes hold no MPEG audio
    stream.parts -> [(start, stop), ...]        bytes that are frames and nothing else
    stream.frames                               their number

A frame says how long it is, so the next one's header has to follow it. Where none does (a cover, a
title between two frames of a radio's stream, damage) the next two headers that follow each other
are looked for. Where a frame fits between, whose header is damaged, it is read with another one.
ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3; 13818-3 for half the rates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from audio_parsing.file_bytes import FileBytes, Part

# kbit/s by (rates of MPEG 1, layer), of the indices 1 to 14
BIT_RATES = {
    (True, 1): tuple(range(32, 449, 32)),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAMPLE_RATES = (44100, 48000, 32000)  # Hz in MPEG 1, half in MPEG 2, a quarter in MPEG 2.5
SYNC = re.compile(rb"\xff[\xe2-\xff][\x10-\xeb]")
LARGEST = 2881  # bytes of a frame: layer II of MPEG 2.5, 160 kbit/s at 8 kHz, padded
FIRST = 3  # headers that follow each other where nothing is known of the stream yet
MIDDLE_BITRATE = 9  # index of a bit rate whose frames have room for a Xing header at every rate
XING_FRAMES = 1  # flag of a Xing header: it says the number of frames


class Frame(NamedTuple):
    """What the header of a frame says: bytes, samples, Hz, channels, and the layer."""

    size: int
    samples: int
    rate: int
    channels: int
    layer: int

    @property
    def kind(self) -> tuple[int, int, int]:
        """What all frames of a stream share."""
        return self.rate, self.channels, self.layer


@dataclass
class Stream:
    """The frames of a file.

    Attributes:
        first: header of the first frame, 4 bytes.
        kinds: what differs from frame to frame only in joined files: (Hz, channels, layer).
        parts: bytes of frames, (start, stop) or as they should be; none says a length.
        frames: their number.
        size: bytes of them.
        length_header: the frame before them that has a Xing header, or None.
        seconds: that they last.
    """

    first: bytes
    kinds: set[tuple[int, int, int]]
    parts: list[Part]
    frames: int = 0
    size: int = 0
    length_header: bytes | None = None
    seconds: float = 0.0

    def is_told_truly(self) -> bool:
        """Return whether the file's only Xing header says the number of frames, in one part."""
        return len(self.parts) == 1 and self.length_header == self.true_header()

    def true_header(self) -> bytes:
        """Return a frame without sound whose Xing header says the number of frames."""
        frame = parsed(self.first)
        assert frame is not None
        header = self.length_header
        if header is None:
            # no checksum, a middle bit rate, no padding
            whole = bytearray(self.first)
            whole[1] |= 1
            whole[2] = MIDDLE_BITRATE << 4 | whole[2] & 0x0C
            made = parsed(bytes(whole))
            assert made is not None
            header = bytes(whole) + bytes(made.size - 4)
            place = _side_end(header)
            header = header[:place] + b"Xing" + bytes(4) + header[place + 8 :]
        place = header.find(b"Xing") if b"Xing" in header else header.find(b"Info")
        flags = int.from_bytes(header[place + 4 : place + 8], "big")
        if not flags & XING_FRAMES:  # then other numbers stand where this one has to
            flags, header = XING_FRAMES, header[: place + 8] + bytes(len(header) - place - 8)
        return (
            header[: place + 4]
            + (flags | XING_FRAMES).to_bytes(4, "big")
            + min(self.frames, 0xFFFFFFFF).to_bytes(4, "big")
            + header[place + 12 :]
        )


def find_frames(data: FileBytes, start: int, end: int) -> Stream | None:
    """Return the frames between two places of a file, None if there are none."""
    stream: Stream | None = None
    for place, frame, header in _frames(data, start, end):
        if stream is None:
            stream = Stream(header, set(), [])
        stream.kinds.add(frame.kind)
        # Those of files that were joined to the first one stay: they are short silences.
        if not stream.frames and frame.layer == 3 and _says_length(data[place : place + 64]):
            said = data[place : place + frame.size]
            stream.length_header = said if b"VBRI" not in said[:40] else None
            continue
        stream.frames += 1
        stream.size += frame.size
        stream.seconds += frame.samples / frame.rate
        if header == data[place : place + 4]:
            _append(stream.parts, place, place + frame.size)
        else:
            stream.parts += [header, (place + 4, place + frame.size)]
    return stream if stream and stream.frames else None


def _append(parts: list[Part], start: int, stop: int) -> None:
    """Add bytes of a file, to the last part if they lie behind it."""
    last = parts[-1] if parts else b""
    if isinstance(last, tuple) and last[1] == start:
        parts[-1] = last[0], stop
    else:
        parts.append((start, stop))


def parsed(header: bytes) -> Frame | None:
    """Return what a header of 4 bytes says, None if it is none."""
    key = header[:4]
    if len(key) < 4 or key[0] != 0xFF or key[1] & 0xE0 != 0xE0:
        return None
    version, layer = key[1] >> 3 & 3, 4 - (key[1] >> 1 & 3)
    index, rate_index = key[2] >> 4, key[2] >> 2 & 3
    if version == 1 or layer == 4 or not 0 < index < 15 or rate_index == 3:
        return None
    full = version == 3
    rate = SAMPLE_RATES[rate_index] >> (0 if full else 1 if version == 2 else 2)
    samples = 384 if layer == 1 else 576 if layer == 3 and not full else 1152
    slot = 4 if layer == 1 else 1
    bits = 1000 * BIT_RATES[full, layer][index - 1]
    size = (samples // 8 // slot * bits // rate + (key[2] >> 1 & 1)) * slot
    return Frame(size, samples, rate, 1 if key[3] >> 6 == 3 else 2, layer)


def _frames(data: FileBytes, start: int, end: int) -> Iterator[tuple[int, Frame, bytes]]:
    """Yield each whole frame: where it begins, what its header says, and its header."""
    kind: tuple[int, int, int] | None = None
    place, behind = start, start  # behind the last frame
    seen: dict[bytes, Frame | None] = {}
    while place < end - 4:
        header = bytes(data[place : place + 4])
        if header not in seen:
            if len(seen) > 4096:  # only damage has so many
                seen.clear()
            seen[header] = parsed(header)
        frame = seen[header]
        if frame is not None and place + frame.size <= end:
            # One that is not followed has a title or a hole in it.
            need = 1 if frame.kind == kind else FIRST - 1
            if _followed(data, place, end, need):
                if frame.kind == kind and behind < place <= behind + 2 * LARGEST:
                    yield from _mended(data, behind, place, header)
                yield place, frame, header
                kind, place = frame.kind, place + frame.size
                behind = place
                continue
        place = data.search(SYNC, place + 1, end)
        if place < 0:
            return


def _mended(
    data: FileBytes, start: int, end: int, following: bytes
) -> Iterator[tuple[int, Frame, bytes]]:
    """Yield the frames of a hole that they fill exactly, one of them with a damaged header."""
    first, like = parsed(bytes(data[start : start + 4])), parsed(following)
    assert like is not None
    place = start
    if first is not None and first.kind == like.kind and start + first.size < end - 4:
        place += first.size
    for begin in dict.fromkeys((place, start)):
        damaged = bytes(data[begin : begin + 4])
        for index, padding in product(range(1, 15), (0, 1)):
            rates = index << 4 | following[2] & 0x0D | padding << 1
            header = following[:2] + bytes((rates, following[3]))
            frame = parsed(header)
            differing = sum(a != b for a, b in zip(header[:3], damaged[:3], strict=True))
            if frame is None or begin + frame.size != end or differing > 1:
                continue
            if begin > start and first is not None:
                yield start, first, bytes(data[start : start + 4])
            yield begin, frame, header
            return


def _followed(data: FileBytes, place: int, end: int, need: int) -> bool:
    """Return whether so many frames of the same kind follow one, as far as the file goes."""
    frame = parsed(bytes(data[place : place + 4]))
    for _ in range(need):
        assert frame is not None
        place += frame.size
        if place == end:
            return True
        following = parsed(bytes(data[place : place + 4]))
        if following is None or following.kind != frame.kind:
            return False
        if place + following.size > end:  # the last one is cut
            return True
        frame = following
    return True


def _side_end(header: bytes) -> int:
    """Return where the side information of a frame of layer III ends: a Xing header's place."""
    full, mono = header[1] >> 3 & 3 == 3, header[3] >> 6 == 3
    return 4 + ((17 if mono else 32) if full else (9 if mono else 17))


def _says_length(frame: bytes) -> bool:
    place = _side_end(frame)
    return frame[place : place + 4] in (b"Xing", b"Info") or frame[36:40] == b"VBRI"
