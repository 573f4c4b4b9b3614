"""Compress whole files to .air files and decompress them to WAV or FLAC, block by block.

Contract:

    compress_file(source, target, quality=3) -> Facts       needs the memory of two blocks
    decompress_file(source, target) -> Facts                verifies every checksum before it writes

Both write the target as they go; callers pass a temporary name and rename it at the end.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from audio_parsing.decoding import decoded
from audio_parsing.opening import AudioError, open_file, shown
from compression.codec import DEFAULT_QUALITY, Decoder, Encoder
from compression.container import CompressedFileError, Header, Reader, Writer
from compression.restoring import shipped

FORMATS = {".wav": "WAV", ".flac": "FLAC"}
LARGEST_WAV = 4_000_000_000  # bytes; a larger file gets 64-bit lengths (RF64)
# seconds of sound done, and share of the file if it is known
Told = Callable[[float, float | None], None]


class Facts(NamedTuple):
    """Samples of a channel, Hz, channels, quality, and bytes of the compressed file."""

    samples: int
    sample_rate: int
    channels: int
    quality: int
    size: int

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.samples / self.sample_rate


def compress_file(
    source: Path, target: Path, *, quality: int = DEFAULT_QUALITY, progress: Told | None = None
) -> Facts:
    """Compress a sound file.

    Args:
        source: any file that `audio_parsing.decoding` reads.
        target: overwritten if it exists.
        quality: 1 (smallest) to 5 (closest to the original).
        progress: called after each block.

    Raises:
        AudioError: if the source can't be read or is not sound.
        OSError: if the target can't be written.

    Examples:
        >>> import tempfile, soundfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> wav, small = Path(folder.name, "tone.wav"), Path(folder.name, "tone.air")
        >>> soundfile.write(wav, 0.1 * np.sin(0.1 * np.arange(22050)), 22050)
        >>> facts = compress_file(wav, small)
        >>> facts.seconds, wav.stat().st_size > 10 * small.stat().st_size
        (1.0, True)
        >>> folder.cleanup()
    """
    length = 0
    with decoded(source, mono=False) as (rate, blocks), target.open("wb") as file:
        encoder: Encoder | None = None
        writer: Writer | None = None
        channels = 1
        for samples in blocks:
            if encoder is None or writer is None:
                channels = samples.shape[1]
                encoder, writer = _begin(source, channels, rate, quality, file)
            try:
                finished = encoder.push(samples)
            except ValueError as error:
                raise AudioError(f"{shown(source)}: {error}") from None
            length += len(samples)
            for block in finished:
                writer.block(block)
            if progress:
                progress(length / rate, None)
        if encoder is None or writer is None:  # a file without samples is valid
            encoder, writer = _begin(source, channels, rate, quality, file)
        for block in encoder.finish():
            writer.block(block)
        writer.end(length)
        size = file.tell()
    return Facts(length, rate, channels, quality, size)


def decompress_file(
    source: Path,
    target: Path,
    *,
    ending: str = ".wav",
    most: float = math.inf,
    progress: Told | None = None,
) -> Facts:
    """Decompress a file to 16-bit samples.

    Args:
        source: written by `compress_file`.
        target: overwritten if it exists.
        ending: one of FORMATS; the name of the target may end otherwise.
        most: bytes that the samples may take. Silence is compressed by ten thousand times, so a
            small file may become as large as the disk.
        progress: called after each block.

    Raises:
        CompressedFileError: if the source is damaged, no compressed file, or becomes too large.
        AudioError: if it can't be opened.
        OSError: if the target can't be written.
    """
    import soundfile

    with open_file(source) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
        try:
            checked = Reader(file)
            for _ in checked.blocks():
                pass
            length, header = checked.length, checked.header
            restorer = shipped()
            if header.fingerprint != restorer.fingerprint():
                raise CompressedFileError(
                    "needs the network of another version; decompress it with that version"
                )
            if (size := 2 * length * header.channels) > most:
                raise CompressedFileError(f"would become {size / 1e9:.1f} GB; --large allows it")
            reader = Reader(file)
        except CompressedFileError as error:
            raise CompressedFileError(f"{shown(source)}: {error}") from None
        kind = (
            "RF64"
            if ending == ".wav" and 2 * length * header.channels > LARGEST_WAV
            else FORMATS[ending]
        )
        decoder, written = Decoder(header.channels, restorer), 0
        try:
            with soundfile.SoundFile(
                target, "w", header.sample_rate, header.channels, "PCM_16", format=kind
            ) as out:

                def write(samples: np.ndarray) -> int:
                    # The last chunk is padded, and 16 bits can't hold more than full scale.
                    samples = np.clip(samples[: length - written], -1, 1)
                    out.write(samples)
                    return len(samples)

                for block in reader.blocks():
                    written += write(decoder.push(block))
                    if progress:
                        progress(written / header.sample_rate, reader.done)
                written += write(decoder.finish())
        except soundfile.SoundFileError as error:
            reason = getattr(error, "error_string", "") or str(error)
            raise OSError(
                f"{shown(source)}: can't write {header.channels} channels at"
                f" {header.sample_rate} Hz as {kind}: {reason}"
            ) from error
        return Facts(
            length,
            header.sample_rate,
            header.channels,
            header.quality,
            os.fstat(descriptor).st_size,
        )


def _begin(
    source: Path, channels: int, rate: int, quality: int, file: BinaryIO
) -> tuple[Encoder, Writer]:
    try:
        return Encoder(channels, quality), Writer(
            file, Header(quality, channels, rate, shipped().fingerprint())
        )
    except ValueError as error:
        raise AudioError(f"{shown(source)}: {error}") from None
