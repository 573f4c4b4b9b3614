"""Decode an audio file into blocks: libsndfile by content, M4A and similar through ffmpeg.

Contract:

    with decoded(path) as (rate, blocks):                rate in Hz; blocks (n,), channels averaged
    with decoded(path, mono=False) as (rate, blocks):    blocks (n, channels)

Every defect of a file ends in an AudioError of one line. libsndfile runs in this process: a child
process would be needed if a damaged file could crash it, but of 420,000 (20,000 each of 21 kinds,
libsndfile 1.2.2; tests/audio_parsing/test_damaged_files.py) none did.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio_parsing.devices import quiet_stderr, quiet_stdout

if TYPE_CHECKING:
    import soundfile

BLOCK_VALUES = 1 << 17  # samples times channels decoded at once
RATES = (1000, 768_000)  # Hz; a damaged header may say anything
WHOLE = 0.98  # of the promised length; a shorter file is truncated
GUESSED_RATE = 16000  # bytes a second of a file whose length is not known
FFMPEG_RATE = 48000  # Hz, requested from ffmpeg if channels are averaged
FFMPEG_MOST = 1 << 28  # bytes of its largest allocation; a damaged table may ask for more
# ".snd", where the samples begin, their bytes, their encoding, Hz, channels
AU_HEADER = struct.Struct(">4sIIIII")
# (offset, bytes, ffmpeg's name of the container). The container is given, because in guessing it
# ffmpeg would follow what a playlist points to.
CONTAINERS = (
    (4, b"ftyp", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
)
# formats whose decoders write notes while they read
NOISY = {"MP3": (quiet_stderr,), "SDS": (quiet_stdout,)}
STREAMS = threading.Lock()  # two threads that redirected them would not restore them


class AudioError(ValueError):
    """A file or folder can't be used; the message is one line."""


@contextlib.contextmanager
def decoded(path: Path, *, mono: bool = True) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Open a file; give its rate in Hz and its float32 blocks, (n,) if mono, else (n, channels).

    Raises:
        AudioError: if the file can't be read, or is truncated.
    """
    beginning = read_beginning(path)
    container = next(
        (name for offset, mark, name in CONTAINERS if beginning.startswith(mark, offset)), None
    )
    opened = _libsndfile(path) if container is None else _ffmpeg(path, container, mono=mono)
    with opened as (rate, blocks):
        yield (
            rate,
            (block.mean(axis=1, dtype=np.float32) if mono else block.copy() for block in blocks),
        )


def seconds_of(path: Path) -> float:
    """Return how long a file says it lasts, in seconds, or a guess from its size.

    It is guessed of what is read through ffmpeg, and of files that don't know.

    Raises:
        AudioError: if it can't be read.
    """
    import soundfile

    with open_file(path) as descriptor:
        guess = os.fstat(descriptor).st_size / GUESSED_RATE
        beginning = os.read(descriptor, 16)
        if any(beginning.startswith(mark, offset) for offset, mark, _ in CONTAINERS):
            return guess
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            with (
                _silenced(quiet_stderr, quiet_stdout),
                soundfile.SoundFile(os.dup(descriptor), closefd=True) as file,
            ):
                known = 0 < file.frames < 1 << 62 and RATES[0] <= file.samplerate <= RATES[1]
                return file.frames / file.samplerate if known else guess
        except soundfile.LibsndfileError:
            return guess


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as one printable line: file names may hold line ends and undecodable bytes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in os.fspath(path)
    )


def reason(error: OSError) -> str:
    """Return the system's message, without the path, which `shown` gives."""
    return (error.strerror or str(error)).lower()


def read_beginning(path: Path) -> bytes:
    """Return the first 16 bytes of a file, or as many as it has."""
    with open_file(path) as descriptor:
        return os.read(descriptor, 16)


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[int]:
    """Open a regular file for reading.

    NOTE: without O_NONBLOCK this would wait for ever for the other end of a named pipe.
    """
    try:
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError as error:
        nowhere = isinstance(error, FileNotFoundError) and os.path.islink(path)
        raise AudioError(
            f"{shown(path)}: {'is a broken link' if nowhere else reason(error)}"
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{shown(path)}: is not a file")
        if not status.st_size:
            raise AudioError(f"{shown(path)}: is empty")
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _libsndfile(path: Path) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Open a file; give its rate in Hz and its blocks of samples (n, channels)."""
    import soundfile

    # A descriptor has no name, so libsndfile can't guess by the name's ending. NOTE: some versions
    # close the descriptor if they refuse a file, despite closefd; so they get a duplicate, which
    # all of them close.
    with open_file(path) as descriptor:
        try:
            # libsndfile complains about a damaged ALAC file on stdout
            with _silenced(quiet_stderr, quiet_stdout):
                file = soundfile.SoundFile(os.dup(descriptor), closefd=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(
                f"{shown(path)}: is not readable audio ({error.error_string})"
            ) from None
        with file:
            if not RATES[0] <= file.samplerate <= RATES[1]:
                raise AudioError(
                    f"{shown(path)}: a sample rate of {file.samplerate} Hz is not audio"
                )
            yield file.samplerate, _libsndfile_blocks(path, file)


def _libsndfile_blocks(path: Path, file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    """Yield blocks (n, channels). NOTE: the next block overwrites the last one."""
    import soundfile

    frames, complaint = 0, ""
    # NOTE: libsndfile reports an unknown length as the largest possible number
    known = file.frames < 1 << 62
    # NOTE: read into our own array. To allocate one soundfile would trust the file's length, which
    # damage can make negative.
    place = np.empty((max(1, BLOCK_VALUES // file.channels), file.channels), np.float32)
    while not known or frames <= file.frames + len(place):  # a longer file is damaged too
        try:
            with _silenced(*NOISY.get(file.format, ())):
                block = file.read(out=place)
        except soundfile.LibsndfileError as error:
            complaint = f" ({error.error_string})"
            break
        if not len(block):
            break
        frames += len(block)
        yield block
    # Ogg files may promise slightly more than they hold.
    if frames < WHOLE * file.frames if known else complaint:
        length = f" of {file.frames / file.samplerate:.1f}" if known else ""
        raise AudioError(
            f"{shown(path)}: is truncated after {frames / file.samplerate:.1f}{length} s{complaint}"
        )


@contextlib.contextmanager
def _silenced(*ways: Callable[[], contextlib.AbstractContextManager[None]]) -> Iterator[None]:
    """Drop what the decoders print about odd but readable files."""
    with STREAMS if ways else contextlib.nullcontext(), contextlib.ExitStack() as turned_away:
        for way in ways:
            turned_away.enter_context(way())
        yield


@contextlib.contextmanager
def _ffmpeg(
    path: Path, container: str, *, mono: bool
) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Open a file through ffmpeg; give its rate in Hz and blocks (n, channels), (n, 1) if mono."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioError(
            f"{shown(path)}: reading this kind of file needs ffmpeg, which is not installed"
        )
    command = [
        program,
        "-v",
        "error",
        "-nostdin",
        "-xerror",
        "-max_alloc",
        str(FFMPEG_MOST),
        "-protocol_whitelist",
        "file,pipe",
    ]
    command += ["-f", container, "-i", f"file:{path}"]
    command += [
        "-map",
        "0:a:0",
        *(["-ac", "1", "-ar", str(FFMPEG_RATE)] if mono else []),
        "-c:a",
        "pcm_f32be",
        "-f",
        "au",
        "pipe:1",
    ]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout is not None
        stream = process.stdout

        def failure() -> AudioError:
            complaints.seek(0)
            lines = complaints.read().decode(errors="replace").strip().splitlines() or [
                "no reason given"
            ]
            complaint = shown(lines[-1].replace(f"file:{path}", "the file"))
            return AudioError(f"{shown(path)}: is not audio that ffmpeg can read ({complaint})")

        def blocks(channels: int) -> Iterator[np.ndarray]:
            size = 4 * channels
            while data := stream.read(max(1, BLOCK_VALUES // channels) * size):
                yield (
                    np.frombuffer(data[: len(data) // size * size], ">f4")
                    .astype(np.float32)
                    .reshape(-1, channels)
                )
            if process.wait() != 0:
                raise failure()

        try:
            header = stream.read(AU_HEADER.size)
            if len(header) < AU_HEADER.size:
                process.wait()
                raise failure()
            _, start, _, _, rate, channels = AU_HEADER.unpack(header)
            stream.read(start - AU_HEADER.size)
            yield rate, blocks(channels)
        finally:
            process.kill()
