"""Keep what was worked out from music in a folder that may be deleted at any time, also while it is in use.

Contract:

    cache = Cache(folder, version)      version: text; what another version wrote is not found
    cache.put(array, *key)              key: texts and numbers that say what the array is of, such as `digest_of` a file
    cache.get(*key) -> array            the same one, or None
    cache.problem                       None, or one line: nothing can be kept here; everything goes on without

An entry is a file of its own: a mark, a digest of everything that follows and of its key, an array
as NumPy writes it. It is written under another name and then renamed, so that other processes see
all of it or nothing. It is not forced to the disk: what a power cut or anything else damages no
longer has its digest, and counts as not there. Before more than `most_bytes` are kept, those go
that were not asked for longest.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from audio_parsing.decoding import open_file, reason, shown

MOST_BYTES = 1 << 30
FULL = 0.8  # of the most bytes are left when room is made, so that it is not made again at once
MARK = b"AIRCACH1"
DIGEST_SIZE = 16  # bytes
SUFFIX, UNFINISHED = ".array", ".part"
ABANDONED = 3600.0  # seconds after which an unfinished file belongs to no one
BLOCK = 1 << 20  # bytes of a file that are read at once


class Cache:
    """Arrays by key, in a folder.

    Args:
        folder: made when something is put; may hold other files, which are left alone.
        version: of what works the arrays out.
        most_bytes: that are kept, of all versions together. Each of several processes that write at
            once may pass it by a sixteenth.
    """

    def __init__(
        self, folder: str | os.PathLike[str], version: str, *, most_bytes: int = MOST_BYTES
    ) -> None:
        self.folder = Path(folder)
        self.version = version
        self.most_bytes = most_bytes
        self.problem: str | None = None
        self._known: int | None = None  # bytes that were there when last looked
        self._written = 0  # bytes since then

    def get(self, *key: str | int) -> np.ndarray | None:
        """Return the array of a key, or None if there is none that is sound."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        start = len(MARK) + DIGEST_SIZE
        if data[:start] != MARK + self._digest(key, memoryview(data)[start:]):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # asked for just now
        return np.load(io.BytesIO(memoryview(data)[start:]), allow_pickle=False)

    def put(self, array: np.ndarray, *key: str | int) -> None:
        """Keep an array; if that can't be done, `problem` says why, and nothing is tried again."""
        if self.problem:
            return
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        content = stream.getbuffer()
        size = len(MARK) + DIGEST_SIZE + len(content)
        if size > self.most_bytes * FULL:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._make_room(size)
            descriptor, unfinished = tempfile.mkstemp(suffix=UNFINISHED, dir=self.folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(MARK + self._digest(key, content))
                    file.write(content)
                os.replace(unfinished, self._path(key))
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished)
                raise
        except OSError as error:
            self.problem = f"{shown(self.folder)}: prepared music can't be kept here ({reason(error)}); going on without"
        self._written += size

    def size(self) -> int:
        """Return how many bytes are kept."""
        return sum(size for _, size, _ in self._entries())

    def _path(self, key: tuple[str | int, ...]) -> Path:
        return self.folder / f"{self._digest(key, b'').hex()}{SUFFIX}"

    def _digest(self, key: tuple[str | int, ...], content: bytes | memoryview) -> bytes:
        digest = hashlib.blake2b(
            repr((self.version, *key)).encode(errors="surrogatepass"), digest_size=DIGEST_SIZE
        )
        digest.update(content)
        return digest.digest()

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return (time of use, bytes, path) of all entries, those that were used longest ago first."""
        entries = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as found:
            for each in found:
                with contextlib.suppress(OSError):  # another process may delete it at this moment
                    status = each.stat(follow_symlinks=False)
                    if each.name.endswith(UNFINISHED) and time.time() - status.st_mtime > ABANDONED:
                        os.unlink(each)
                    elif each.name.endswith((SUFFIX, UNFINISHED)):
                        entries.append((status.st_mtime, status.st_size, Path(each)))
        return sorted(entries)

    def _make_room(self, size: int) -> None:
        """Delete entries until `size` more bytes fit."""
        if (
            self._known is not None
            and self._written < self.most_bytes // 16
            and self._known + self._written + size <= self.most_bytes
        ):
            return
        entries = self._entries()
        self._known, self._written = sum(size for _, size, _ in entries), 0
        if self._known + size <= self.most_bytes:
            return
        for _, bytes_, path in entries:
            if self._known + size <= self.most_bytes * FULL:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            self._known -= bytes_


def digest_of(path: Path) -> str:
    """Return a short text that is the same for two files if their contents are.

    Raises:
        AudioError: if the file can't be read.
    """
    digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
    with open_file(path) as descriptor:
        while data := os.read(descriptor, BLOCK):
            digest.update(data)
    return digest.hexdigest()
