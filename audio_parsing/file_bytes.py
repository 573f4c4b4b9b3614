"""A file's bytes by their places, as of a bytes object, without the file in memory.

NOTE: not a memory map: a stick that is pulled out or a file that is cut would end the process.
"""

from __future__ import annotations

import io
import os
import re
from bisect import bisect_right
from itertools import accumulate

WINDOW = 1 << 20  # bytes in memory at once
OVERLAP = 64  # bytes, longer than whatever is looked for

Part = bytes | tuple[int, int]  # of a view: new bytes, or from where to where in the file


class FileBytes:
    """The bytes of an open file.

    Args:
        descriptor: of the file; stays open, and its position is moved.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._size = descriptor, os.fstat(descriptor).st_size
        self._start, self._window = 0, b""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, places: slice) -> bytes:
        start, stop, _ = places.indices(self._size)
        inside = start - self._start
        if inside < 0 or stop > self._start + len(self._window):
            if stop - start > WINDOW:
                return self._read(start, stop - start)
            self._start, self._window = start, self._read(start, WINDOW)
            inside = 0
        return self._window[inside : inside + max(0, stop - start)]

    def find(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """Return where some bytes first occur, -1 if they don't."""
        return self.search(re.compile(re.escape(wanted)), start, end)

    def search(self, pattern: re.Pattern[bytes], start: int = 0, end: int | None = None) -> int:
        """Return where a pattern first occurs between two places, -1 if it doesn't."""
        end = self._size if end is None else end
        while start < end:
            found = pattern.search(self[start : min(start + WINDOW, end)])
            if found:
                return start + found.start()
            start += WINDOW - OVERLAP if end - start > WINDOW else WINDOW
        return -1

    def _read(self, start: int, size: int) -> bytes:
        os.lseek(self._descriptor, start, os.SEEK_SET)
        parts = []
        while size > 0 and (part := os.read(self._descriptor, size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class View(io.RawIOBase):
    """Parts of a file and new bytes, one after the other, to be read as one file.

    Args:
        data: of the file.
        parts: bytes, or (start, stop) in the data.
    """

    def __init__(self, data: FileBytes, parts: list[Part]) -> None:
        self._data, self._parts = data, parts
        sizes = [len(p) if isinstance(p, bytes) else p[1] - p[0] for p in parts]
        self._starts = [0, *accumulate(sizes)]
        self._place = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, also one behind the end."""
        base = (0, self._place, self._starts[-1])[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        """Fill a buffer as far as there is something; return the number of bytes."""
        done = 0
        while done < len(buffer) and self._place < self._starts[-1]:
            index = bisect_right(self._starts, self._place) - 1
            part, inside = self._parts[index], self._place - self._starts[index]
            size = min(len(buffer) - done, self._starts[index + 1] - self._place, WINDOW)
            if isinstance(part, bytes):
                some = part[inside : inside + size]
            else:
                some = self._data[part[0] + inside : part[0] + inside + size]
            if not some:  # the file has become shorter
                break
            buffer[done : done + len(some)] = some
            done += len(some)
            self._place += len(some)
        return done
