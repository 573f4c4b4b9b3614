"""Music that is dropped on the page: streamed into a folder of the home, within limits, and kept only if it is audio by its content.

    uploads = Uploads(folder)                         what an earlier server left there goes
    await uploads.add(name, length, chunks)           one file; what is wrong with its content is said in its entry
    uploads.files                                     entries for the page: number, name, size, seconds, problem
    uploads.move(folder)                              the sound ones, for a training

A name is text that is shown, nothing else: files are called 000.wav, 001.wav ... whatever is in
them, and read by their content.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio_parsing.decoding import AudioError, decoded, shown
from radio.training.music_folder import SHORTEST_EXCERPT

ROOM = 256 << 20  # bytes of the disk that stay free
BUFFER = 1 << 20  # bytes that are written at once
SILENT_SECONDS = 30.0  # after which a browser that sends nothing has gone
LONGEST_NAME = 80
NOTHING = 1e-4  # what never passes this is silence
AT_ONCE = 4


@dataclass(frozen=True)
class Limits:
    """What may be sent: files, bytes of each and of all, and how long each may sound, whatever its size.

    Attributes:
        files: that are there at once, the refused ones included.
        size: of each.
        total: of all.
        seconds: of each. A few kilobytes of FLAC can hold days of silence.
        values: samples times channels of each, likewise.
    """

    files: int = 200
    size: int = 256 << 20
    total: int = 2 << 30
    seconds: float = 3 * 3600.0
    values: int = 1 << 30


class UploadError(ValueError):
    """A file that is not taken; the message is one line, `status` is HTTP's."""

    def __init__(self, line: str, status: int = 400) -> None:
        super().__init__(line)
        self.status = status


class Uploads:
    """See the module's contract.

    Args:
        folder: emptied now; made when the first file comes.
        limits: of what may be sent.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.folder, self.limits = folder, limits or Limits()
        self._entries: dict[int, dict[str, Any]] = {}
        self._coming = 0  # files
        self._bytes = 0  # of those that are kept and those that are coming
        # files come on the server's loop; a training begins on another thread
        self._counting = threading.Lock()
        self._next = 0
        self._checking = asyncio.Semaphore(1)
        self.clear()

    @property
    def files(self) -> list[dict[str, Any]]:
        """Entries of all files, in the order in which they came."""
        return [dict(entry) for entry in list(self._entries.values())]

    @property
    def sound(self) -> list[dict[str, Any]]:
        """Entries of those that can be learned."""
        return [entry for entry in self.files if not entry["problem"]]

    async def add(
        self, name: str, length: int | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Take a file and return its entry.

        Args:
            name: as the browser calls it.
            length: bytes that were promised; None if nothing was.
            chunks: the content.

        Raises:
            UploadError: if it is too large, one too many, or breaks off; nothing of it is left.
        """
        limits = self.limits
        if len(self._entries) + self._coming >= limits.files:
            raise UploadError(f"{limits.files} files are enough", 413)
        if self._coming >= AT_ONCE:
            raise UploadError(f"{AT_ONCE} files are coming already; send this one after them", 503)
        self._room_for(length or 0)
        number, self._next = self._next, self._next + 1
        path = self.folder / f"{number:03}.wav"
        self._coming += 1
        size = 0
        try:
            try:
                size = await self._receive(path, length, chunks)
                entry = {
                    "number": number,
                    "name": cleaned(name),
                    "size": size,
                    "seconds": 0.0,
                    "problem": "",
                }
                async with self._checking:
                    entry |= await asyncio.to_thread(_examined, path, limits)
            finally:
                self._coming -= 1
            if entry["problem"]:
                self._drop(path, size)
                entry["size"] = 0
        except OSError as error:
            self._drop(path, size)
            raise UploadError(
                f"it can't be kept: {(error.strerror or str(error)).lower()}", 507
            ) from None
        except BaseException:
            self._drop(path, size)
            raise
        self._entries[number] = entry
        return dict(entry)

    def remove(self, number: int) -> None:
        """Forget a file.

        Raises:
            UploadError: if there is none of that number.
        """
        entry = self._entries.pop(number, None)
        if entry is None:
            raise UploadError("that file is gone already", 404)
        self._drop(self.folder / f"{number:03}.wav", entry["size"])

    def move(self, folder: Path) -> list[dict[str, Any]]:
        """Move the sound files into a folder, which is made, and return their entries; those that were refused are forgotten."""
        folder.mkdir(parents=True, exist_ok=True)
        moved = self.sound
        for entry in moved:
            os.replace(
                self.folder / f"{entry['number']:03}.wav", folder / f"{entry['number']:03}.wav"
            )
        for entry in moved + [entry for entry in self.files if entry["problem"]]:
            self._entries.pop(entry["number"], None)
            self._count(-entry["size"])
        return moved

    def clear(self) -> None:
        """Forget all files, and whatever else is in the folder; those that are coming stay."""
        for entry in list(self._entries.values()):
            self.remove(entry["number"])
        if not self._coming:
            self._next = 0
            if self.folder.is_symlink():
                self.folder.unlink()
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    async def _receive(self, path: Path, length: int | None, chunks: AsyncIterator[bytes]) -> int:
        """Write what comes and return its bytes; the bytes are counted as they come, and not at all after an error."""
        self.folder.mkdir(parents=True, exist_ok=True)
        size, waiting = 0, bytearray()
        try:
            with path.open("xb") as file:
                while (chunk := await _next(chunks)) is not None:
                    self._room_for(len(chunk), size)
                    size += len(chunk)
                    self._count(len(chunk))
                    waiting += chunk
                    if len(waiting) >= BUFFER:  # not here: a slow disk would hold up every page
                        await asyncio.to_thread(file.write, bytes(waiting))
                        waiting.clear()
                await asyncio.to_thread(file.write, bytes(waiting))
            if not size:
                raise UploadError("it is empty")
            if length is not None and size != length:
                raise UploadError("it broke off on its way")
        except BaseException:
            self._count(-size)
            raise
        return size

    def _count(self, size: int) -> None:
        with self._counting:
            self._bytes += size

    def _room_for(self, size: int, before: int = 0) -> None:
        """Raise an UploadError unless `size` more bytes fit, of a file of which there are `before`."""
        limits = self.limits
        if before + size > limits.size:
            raise UploadError(f"it is larger than {_bytes_shown(limits.size)}", 413)
        if self._bytes + size > limits.total:
            raise UploadError(
                f"all files together are larger than {_bytes_shown(limits.total)}", 413
            )
        if (
            shutil.disk_usage(self.folder if self.folder.is_dir() else _existing(self.folder)).free
            < size + ROOM
        ):
            raise UploadError("the disk is full", 507)

    def _drop(self, path: Path, size: int) -> None:
        self._count(-size)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def cleaned(name: str) -> str:
    """Return what is shown of a name: its last part, on one line, without what can't be seen or turns the line around."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # Cc, Cf, Cs, Co, Cn: control characters, marks of direction, halves of letters, and what is no
    # letter yet.
    seen = " ".join(
        "".join(
            " " if unicodedata.category(letter)[0] in "CZ" else letter for letter in last
        ).split()
    )
    seen = seen if len(seen) <= LONGEST_NAME else f"{seen[: LONGEST_NAME - 1]}…"
    return seen if seen.strip(". ") else "a file without a name"


def examine(path: Path, limits: Limits) -> float:
    """Read a file to its end, within limits, and return how many seconds it lasts.

    Raises:
        AudioError: if it is no music that a station could learn from.
    """
    seconds, values, loudest = 0.0, 0, 0.0
    with decoded(path, mono=False) as (rate, blocks), np.errstate(over="ignore", invalid="ignore"):
        with contextlib.closing(blocks):  # type: ignore[type-var]  # a generator
            for block in blocks:
                seconds += len(block) / rate
                values += block.size
                if seconds > limits.seconds or values > limits.values:
                    raise AudioError(f"lasts longer than {limits.seconds / 3600:g} hours")
                peak = float(np.abs(block).max(initial=0.0))
                if not np.isfinite(peak):
                    raise AudioError("holds samples that are not numbers")
                loudest = max(loudest, peak)
    if loudest <= NOTHING:
        raise AudioError("holds nothing but silence")
    if seconds < SHORTEST_EXCERPT:
        raise AudioError(f"shorter than {SHORTEST_EXCERPT:g} seconds")
    return seconds


def _examined(path: Path, limits: Limits) -> dict[str, Any]:
    try:
        return {"seconds": round(examine(path, limits), 1)}
    except AudioError as error:
        return {
            "problem": " ".join(
                str(error).removeprefix(f"{shown(path)}: ").replace(str(path), "the file").split()
            )
        }
    except (MemoryError, ArithmeticError):
        return {"problem": "needs more memory than there is"}


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await asyncio.wait_for(anext(chunks, None), SILENT_SECONDS)
    except TimeoutError:
        raise UploadError("it broke off on its way", 408) from None


def _existing(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.is_dir())


def _bytes_shown(size: int) -> str:
    return f"{size / (1 << 30):g} GB" if size >= 1 << 30 else f"{size / (1 << 20):g} MB"
