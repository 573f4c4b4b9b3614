"""Show a decoder what a file holds, whatever its headers and tags say of lengths.

    repaired(file, "MP3") -> [View, ...] or None       None: the file may be read as it is

A player that crashed leaves a length of zero, a pipe leaves none, an editor's cover is counted as
sound, and two files joined are read as one. So lengths are counted: frames of MPEG audio, chunks of
WAV, the streams of an Ogg file. A View is a file of parts of another and of corrected bytes.
"""

from __future__ import annotations

import struct

from audio_parsing.file_bytes import FileBytes, View
from audio_parsing.mpeg import Stream, find_frames

STREAM_INFO = 42  # bytes of a FLAC file until the end of its first block, which says the length
UNKNOWN_SIZE = 0xFFFFFFFF  # of a WAV's chunk: as far as the file goes


def sound_limits(data: FileBytes) -> tuple[int, int]:
    """Return where the tags before a file's sound end, and where those after it begin."""
    start, end = 0, len(data)
    while data[start : start + 3] == b"ID3" and start + 10 <= end:
        start += 10 + _of_sevens(data[start + 6 : start + 10])
    while True:
        if data[end - 128 : end - 125] == b"TAG" and end - 128 > start:
            end -= 128
        elif data[end - 32 : end - 24] == b"APETAGEX" and end - 32 > start:
            size, _, flags = struct.unpack("<III", data[end - 20 : end - 8])
            end = max(start, end - size - (32 if flags & 1 << 31 else 0))
        elif data[end - 10 : end - 7] == b"3DI" and end - 20 > start:
            end = max(start, end - 20 - _of_sevens(data[end - 4 : end]))
        elif data[end - 9 : end] == b"LYRICS200" and end - 15 > start:
            digits = data[end - 15 : end - 9]
            if not digits.isdigit():
                return start, end
            end = max(start, end - 15 - int(digits))
        else:
            return min(start, end), end


def repaired(data: FileBytes, kind: str) -> list[View] | None:
    """Return views to read instead of a file, one after the other; None to read it as it is.

    Args:
        data: of the file.
        kind: as libsndfile names it.
    """
    if kind == "FLAC":
        return _flac(data)
    if kind in ("WAV", "WAVEX"):
        return _wav(data)
    if kind == "OGG":
        return _ogg(data)
    return None


def mpeg_view(data: FileBytes, stream: Stream) -> View:
    """Return the frames of MPEG audio behind a header that says their number."""
    layer = next(iter(stream.kinds))[2]
    return View(data, [*([stream.true_header()] if layer == 3 else []), *stream.parts])


def mpeg_stream(data: FileBytes) -> Stream | None:
    """Return the frames of MPEG audio of a file, None if they are less than half of its sound."""
    start, end = sound_limits(data)
    stream = find_frames(data, start, end)
    if stream is None or 2 * stream.size < end - start:
        return None
    return stream


def flac_promise(data: FileBytes) -> int:
    """Return the samples of a channel that a FLAC file says it has, 0 if it doesn't say."""
    start = data.find(b"fLaC", sound_limits(data)[0])
    return int.from_bytes(data[start + 21 : start + 26], "big") & 0xFFFFFFFFF


def _flac(data: FileBytes) -> list[View] | None:
    """Hide the length of a FLAC file and the tags behind it: what is there is read to its end."""
    limits = sound_limits(data)
    start = data.find(b"fLaC", limits[0])
    if start < 0 or len(data) < start + STREAM_INFO:
        return None
    head = bytearray(data[start : start + STREAM_INFO])
    head[21] &= 0xF0
    head[22:26] = bytes(4)
    return [View(data, [bytes(head), (start + STREAM_INFO, limits[1])])]


def _wav(data: FileBytes) -> list[View] | None:
    """Correct the size of a recording whose end was never written into its header."""
    place, end = 12, sound_limits(data)[1]
    while place + 8 <= end:
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        behind = place + 8 + size + size % 2
        if name == b"data":
            rest = end - place - 8 - size
            if rest <= size or (size and _is_chunk(data, behind, end)):
                return None
            left = (UNKNOWN_SIZE).to_bytes(4, "little")
            return [View(data, [(0, place + 4), left, (place + 8, end)])]
        place = behind
    return None


def _is_chunk(data: FileBytes, place: int, end: int) -> bool:
    """Return whether a chunk may begin at a place."""
    size = int.from_bytes(data[place + 4 : place + 8], "little")
    name = data[place : place + 4]
    return len(name) == 4 and all(32 <= letter < 127 for letter in name) and place + size <= end


def _ogg(data: FileBytes) -> list[View] | None:
    """Return the streams of a chained Ogg file, each as a file."""
    starts, place, begun = [], 0, False
    while (place := data.find(b"OggS\0", place)) >= 0:
        head = data[place : place + 27]
        if len(head) < 27:
            break
        segments = data[place + 27 : place + 27 + head[26]]
        first = bool(head[5] & 2)  # a stream begins; several may begin side by side
        if first and not begun:
            starts.append(place)
        begun = first
        place += 27 + len(segments) + sum(segments)
    if len(starts) < 2:
        return None
    return [
        View(data, [(start, stop)])
        for start, stop in zip(starts, [*starts[1:], len(data)], strict=True)
    ]


def _of_sevens(digits: bytes) -> int:
    """Return a number of seven bits a byte, as ID3 writes it."""
    return sum((byte & 127) << 7 * power for power, byte in enumerate(reversed(digits)))
