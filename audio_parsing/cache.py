"""An on-disk cache of arrays computed from music, which may be deleted at any time, even in use.

Contract:

    cache = Cache(folder, version)      version: text; entries of another version are not found
    cache.put(array, *key)              key: texts and numbers, such as the `digest_of` a file
    cache.get(*key) -> array            the same array, or None
    cache.problem                       None, or one line: why nothing can be written here

An entry is a file of its own: a magic number, a digest of its key and of everything that follows,
and an array as NumPy writes it. It is written under another name and then renamed, so that other
processes see all of it or nothing. It is not flushed to the disk: an entry that a power cut damages
no longer matches its digest, and counts as missing. Above `most_bytes` the entries that were not
used for longest are deleted.
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

from audio_parsing.opening import open_file, reason, shown

MOST_BYTES = 1 << 30
SHARE_LEFT = 0.8  # share of the most bytes that is left after making room, so that this is rare
MARK = b"AIRCACH1"
DIGEST_SIZE = 16  # bytes
SUFFIX, UNFINISHED = ".array", ".part"
ABANDONED = 3600.0  # seconds after which an unfinished file belongs to no process
BLOCK = 1 << 20  # bytes of a file that are read at once


class Cache:
    """A cache of arrays by key, in a folder.

    Args:
        folder: created by the first `put`; other files in it are left alone.
        version: of the code that computes the arrays.
        most_bytes: of all versions together. Several processes that write at once may each pass it
            by a sixteenth.
    """

    def __init__(
        self, folder: str | os.PathLike[str], version: str, *, most_bytes: int = MOST_BYTES
    ) -> None:
        self.folder = Path(folder)
        self.version = version
        self.most_bytes = most_bytes
        self.problem: str | None = None
        self._known: int | None = None  # bytes in the folder at the last count
        self._written = 0  # bytes since then

    def get(self, *key: str | int) -> np.ndarray | None:
        """Return the array of a key, or None if there is no sound entry."""
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
            os.utime(path)  # the time of the last use
        return np.load(io.BytesIO(memoryview(data)[start:]), allow_pickle=False)

    def put(self, array: np.ndarray, *key: str | int) -> None:
        """Store an array; if that fails, `problem` says why, and nothing is tried again."""
        if self.problem:
            return
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        content = stream.getbuffer()
        size = len(MARK) + DIGEST_SIZE + len(content)
        if size > self.most_bytes * SHARE_LEFT:
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
            self.problem = (
                f"{shown(self.folder)}: can't cache prepared music ({reason(error)}); continuing"
                " without"
            )
        self._written += size

    def size(self) -> int:
        """Return how many bytes are stored."""
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
        """Return (time of use, bytes, path) of all entries, least recently used first."""
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
            if self._known + size <= self.most_bytes * SHARE_LEFT:
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
