"""Music uploaded from the page: streamed to a folder within limits, kept if its content is audio.

    uploads = Uploads(folder)                  empties the folder
    await uploads.add(name, length, chunks)    one file; its entry names any problem
    uploads.files                              entries: number, name, size, seconds, problem
    uploads.move(folder)                       moves the valid files, for a training

A name is only displayed: files are stored as 000.wav, 001.wav ... and read by their content.
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

from audio_parsing.decoding import decoded
from audio_parsing.opening import AudioError, shown
from radio.training import SHORTEST_RECORDING

FREE_BYTES = 256 << 20  # bytes of the disk to leave free
BUFFER_BYTES = 1 << 20  # bytes that are written at once
SILENT_SECONDS = 30.0  # after which a browser that sends nothing counts as gone
LONGEST_NAME = 80
SILENT_PEAK = 1e-4  # a file that never passes this is silent
AT_ONCE = 4


@dataclass(frozen=True)
class Limits:
    """Limits of uploads.

    Attributes:
        files: number at once, refused ones included.
        size: bytes of each.
        total: bytes of all.
        seconds: duration of each: a few kilobytes of FLAC can hold days of silence.
        values: samples times channels of each, for the same reason.
    """

    files: int = 200
    size: int = 256 << 20
    total: int = 2 << 30
    seconds: float = 3 * 3600.0
    values: int = 1 << 30


class UploadError(ValueError):
    """A file is refused; the message is one line, `status` is HTTP's."""

    def __init__(self, line: str, status: int = 400) -> None:
        super().__init__(line)
        self.status = status


class Uploads:
    """The uploaded files.

    Args:
        folder: emptied now, made for the first file.
        limits: of uploads.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.folder, self.limits = folder, limits or Limits()
        self._entries: dict[int, dict[str, Any]] = {}
        self._coming = 0  # files that are being received
        self._bytes = 0  # of all files, also those being received
        # files arrive on the server's loop; a training begins on another thread
        self._counting = threading.Lock()
        self._next = 0
        self._checking = asyncio.Semaphore(1)
        self.clear()

    @property
    def files(self) -> list[dict[str, Any]]:
        """Entries of all files, in order of arrival."""
        return [dict(entry) for entry in list(self._entries.values())]

    @property
    def sound(self) -> list[dict[str, Any]]:
        """Entries of the valid files."""
        return [entry for entry in self.files if not entry["problem"]]

    async def add(
        self, name: str, length: int | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Receive a file and return its entry.

        Args:
            name: the browser's name for it.
            length: announced bytes, or None.
            chunks: the content.

        Raises:
            UploadError: if it is too large, one too many, or incomplete; it is then deleted.
        """
        limits = self.limits
        if len(self._entries) + self._coming >= limits.files:
            raise UploadError(f"at most {limits.files} files are accepted", 413)
        if self._coming >= AT_ONCE:
            raise UploadError(f"{AT_ONCE} files are being received; send this one after them", 503)
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
                f"it can't be saved: {(error.strerror or str(error)).lower()}", 507
            ) from None
        except BaseException:
            self._drop(path, size)
            raise
        self._entries[number] = entry
        return dict(entry)

    def remove(self, number: int) -> None:
        """Delete a file.

        Raises:
            UploadError: if there is none of that number.
        """
        entry = self._entries.pop(number, None)
        if entry is None:
            raise UploadError("that file was already deleted", 404)
        self._drop(self.folder / f"{number:03}.wav", entry["size"])

    def move(self, folder: Path) -> list[dict[str, Any]]:
        """Move the valid files into a new folder, return their entries, and drop refused ones."""
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
        """Delete everything in the folder but the files that are being received."""
        for entry in list(self._entries.values()):
            self.remove(entry["number"])
        if not self._coming:
            self._next = 0
            if self.folder.is_symlink():
                self.folder.unlink()
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    async def _receive(self, path: Path, length: int | None, chunks: AsyncIterator[bytes]) -> int:
        """Write the chunks and return their size; a failed upload does not count."""
        self.folder.mkdir(parents=True, exist_ok=True)
        size, waiting = 0, bytearray()
        try:
            with path.open("xb") as file:
                while (chunk := await _next(chunks)) is not None:
                    self._room_for(len(chunk), size)
                    size += len(chunk)
                    self._count(len(chunk))
                    waiting += chunk
                    if (
                        len(waiting) >= BUFFER_BYTES
                    ):  # on a thread: a slow disk would block every page
                        await asyncio.to_thread(file.write, bytes(waiting))
                        waiting.clear()
                await asyncio.to_thread(file.write, bytes(waiting))
            if not size:
                raise UploadError("it is empty")
            if length is not None and size != length:
                raise UploadError("the upload was interrupted")
        except BaseException:
            self._count(-size)
            raise
        return size

    def _count(self, size: int) -> None:
        with self._counting:
            self._bytes += size

    def _room_for(self, size: int, before: int = 0) -> None:
        """Raise an UploadError unless `size` more bytes of a file with `before` bytes fit."""
        limits = self.limits
        if before + size > limits.size:
            raise UploadError(f"it is larger than {_bytes_shown(limits.size)}", 413)
        if self._bytes + size > limits.total:
            raise UploadError(
                f"all files together are larger than {_bytes_shown(limits.total)}", 413
            )
        if (
            shutil.disk_usage(self.folder if self.folder.is_dir() else _existing(self.folder)).free
            < size + FREE_BYTES
        ):
            raise UploadError("the disk is full", 507)

    def _drop(self, path: Path, size: int) -> None:
        self._count(-size)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def cleaned(name: str) -> str:
    """Return the last part of a name for display, without invisible characters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # Cc, Cf, Cs, Co, Cn: controls, direction marks, surrogates, private and unassigned characters
    seen = " ".join(
        "".join(
            " " if unicodedata.category(letter)[0] in "CZ" else letter for letter in last
        ).split()
    )
    seen = seen if len(seen) <= LONGEST_NAME else f"{seen[: LONGEST_NAME - 1]}…"
    return seen if seen.strip(". ") else "a file without a name"


def examine(path: Path, limits: Limits) -> float:
    """Read a file to its end, within limits, and return its duration in seconds.

    Raises:
        AudioError: if a station can't be trained on it.
    """
    seconds, values, loudest = 0.0, 0, 0.0
    with decoded(path, mono=False) as (rate, blocks), np.errstate(over="ignore", invalid="ignore"):
        with contextlib.closing(blocks):  # type: ignore[type-var]  # a generator
            for block in blocks:
                seconds += len(block) / rate
                values += block.size
                if seconds > limits.seconds or values > limits.values:
                    raise AudioError(f"lasts longer than {_time_shown(limits.seconds)}")
                peak = float(np.abs(block).max(initial=0.0))
                if not np.isfinite(peak):
                    raise AudioError("holds samples that are not finite numbers")
                loudest = max(loudest, peak)
    if loudest <= SILENT_PEAK:
        raise AudioError("holds nothing but silence")
    if seconds < SHORTEST_RECORDING:
        raise AudioError(f"shorter than {SHORTEST_RECORDING:g} seconds")
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
        return {"problem": "needs more memory than is available"}


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await asyncio.wait_for(anext(chunks, None), SILENT_SECONDS)
    except TimeoutError:
        raise UploadError("the upload was interrupted", 408) from None


def _existing(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.is_dir())


def _bytes_shown(size: int) -> str:
    return f"{size / (1 << 30):g} GB" if size >= 1 << 30 else f"{size / (1 << 20):g} MB"


def _time_shown(seconds: float) -> str:
    return f"{seconds / 3600:g} hours" if seconds >= 3600 else f"{seconds / 60:g} minutes"
