"""Reads a damaged SQLite file without SQLite: every row on every readable leaf page.

    rows_of(path) -> [(value, ...), ...]        of all tables; text, numbers, bytes or None

The format is https://www.sqlite.org/fileformat2.html, sections 1.3 to 2.1 and 4: pages; on a leaf
page of a table (13) pointers to cells; a cell holds a row, the rest of a long row a chain of other
pages. Pages in the write-ahead log are newer than those in the file. A row is returned whole or not
at all: its lengths have to agree with each other; the caller checks its values.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

MAGIC = b"SQLite format 3\0"
LEAF = 13
HEADER = 100  # bytes, on the first page
PAGE_SIZES = tuple(1 << power for power in range(9, 17))
USUAL_PAGE_SIZE = 4096
MAX_COLUMNS = 64
MAX_PAYLOAD = 1 << 24  # bytes of a row
WHOLE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # serial type -> bytes of a whole number
LOG_HEADER, FRAME_HEADER = 32, 24  # bytes

Row = tuple[Any, ...]


class _Broken(ValueError):
    """An invalid row, or chain of pages."""


def rows_of(path: Path) -> list[Row]:
    """Return the readable rows of a database and the write-ahead log beside it."""
    data = path.read_bytes()
    trusted = data.startswith(MAGIC)  # else its first bytes say nothing
    size = _page_size(data) if trusted else USUAL_PAGE_SIZE
    reserved = data[20] if trusted and len(data) > 20 and data[20] <= 32 else 0
    pages = {
        number + 1: data[start : start + size]
        for number, start in enumerate(range(0, len(data), size))
    }
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        pages |= _logged(log.read_bytes(), size)
    free = _free(pages) if trusted else set()
    rows: list[Row] = []
    for number in sorted(pages.keys() - free):
        rows += _rows_on(number, pages, size - reserved)
    return rows


def _page_size(data: bytes) -> int:
    size = int.from_bytes(data[16:18], "big")
    size = 1 << 16 if size == 1 else size
    return size if size in PAGE_SIZES else USUAL_PAGE_SIZE


def _logged(log: bytes, size: int) -> dict[int, bytes]:
    """Return the pages of a write-ahead log up to the last commit in it."""
    committed: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    salts = log[16:24]
    for start in range(LOG_HEADER, len(log) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        number, pages = struct.unpack_from(">II", log, start)
        if log[start + 8 : start + 16] != salts:
            break
        waiting[number] = log[start + FRAME_HEADER : start + FRAME_HEADER + size]
        if pages:
            committed |= waiting
            waiting = {}
    return committed


def _free(pages: dict[int, bytes]) -> set[int]:
    """Return the unused pages, which may hold deleted rows."""
    free: set[int] = set()
    trunk = int.from_bytes(pages.get(1, b"")[32:36], "big")
    while trunk in pages and trunk not in free:
        free.add(trunk)
        page = pages[trunk]
        trunk, count = struct.unpack_from(">II", page) if len(page) >= 8 else (0, 0)
        count = min(count, len(page) // 4 - 2)
        free |= set(struct.unpack_from(f">{count}I", page, 8)) if count > 0 else set()
    return free


def _rows_on(number: int, pages: dict[int, bytes], usable: int) -> list[Row]:
    page = pages[number]
    start = HEADER if number == 1 else 0
    if len(page) < start + 8 or page[start] != LEAF:
        return []
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    rows = []
    for index in range(min(count, (len(page) - start - 8) // 2)):
        (cell,) = struct.unpack_from(">H", page, start + 8 + 2 * index)
        try:
            rows.append(_values(_payload(page, cell, pages, usable)))
        except (_Broken, IndexError, struct.error, UnicodeDecodeError):
            continue
    return rows


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of one to nine bytes, and where the next one begins."""
    value = 0
    for index in range(8):
        byte = data[place + index]
        value = value << 7 | byte & 127
        if byte < 128:
            return value, place + index + 1
    return value << 8 | data[place + 8], place + 9


def _payload(page: bytes, cell: int, pages: dict[int, bytes], usable: int) -> bytes:
    """Return a cell's row as bytes, put together from its pages."""
    size, place = _varint(page, cell)
    _, place = _varint(page, place)  # the row's number
    if not 0 < size <= MAX_PAYLOAD:
        raise _Broken
    local = size
    if size > usable - 35:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= usable - 35 else least
    parts, missing = [page[place : place + local]], size - local
    following = int.from_bytes(page[place + local : place + local + 4], "big") if missing else 0
    seen: set[int] = set()
    while missing:
        if following not in pages or following in seen:
            raise _Broken
        seen.add(following)
        part = pages[following][4:usable][:missing]
        parts.append(part)
        missing -= len(part)
        following = int.from_bytes(pages[following][:4], "big")
        if not part:
            raise _Broken
    payload = b"".join(parts)
    if len(payload) != size:
        raise _Broken
    return payload


def _values(payload: bytes) -> Row:
    """Return the values of a row."""
    end, place = _varint(payload, 0)
    kinds: list[int] = []
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    if place != end or len(kinds) > MAX_COLUMNS:
        raise _Broken
    values: list[Any] = []
    for kind in kinds:
        size = WHOLE.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        raw = payload[place : place + size]
        place += size
        if len(raw) != size or kind in (10, 11):
            raise _Broken
        if kind in WHOLE:
            values.append(int.from_bytes(raw, "big", signed=True))
        elif kind == 7:
            values.append(struct.unpack(">d", raw)[0])
        elif kind >= 12:
            values.append(raw.decode() if kind % 2 else raw)
        else:
            values.append({0: None, 8: 0, 9: 1}[kind])
    if place != len(payload):
        raise _Broken
    return tuple(values)
