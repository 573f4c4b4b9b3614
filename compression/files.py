"""Whole files: any sound that can be read to our compressed file, and that to WAV or FLAC, block by block.

Contract:

    compress_file(source, target, quality=3) -> Facts       a file of any length needs the memory of two blocks
    decompress_file(source, target) -> Facts                every checksum is right before the first sample is written

Both write the target as it comes; who calls them gives a name that nobody looks at yet.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from audio_parsing.decoding import AudioError, decoded, open_file, shown
from compression.codec import DEFAULT_QUALITY, Decoder, Encoder
from compression.container import CompressedFileError, Header, Reader, Writer
from compression.restoring import shipped

FORMATS = {".wav": "WAV", ".flac": "FLAC"}
LARGEST_WAV = 4_000_000_000  # bytes; beyond, the same with 64-bit lengths (RF64)
# seconds of sound done, and share of the file where it is known
Told = Callable[[float, float | None], None]


class Facts(NamedTuple):
    """What a file holds: samples of a channel, Hz, channels, quality, bytes of the compressed file."""

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
    """Compress a file of sound.

    Args:
        source: anything that `audio_parsing.decoding` reads.
        target: written, whatever is there.
        quality: 1 (smallest) to 5 (closest).
        progress: called after each block.

    Raises:
        AudioError: if the source can't be read, or holds what is no sound.
        OSError: if the target can't be written.
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
        if encoder is None or writer is None:  # a file without samples is a sound too
            encoder, writer = _begin(source, channels, rate, quality, file)
        for block in encoder.finish():
            writer.block(block)
        writer.end(length)
        size = file.tell()
    return Facts(length, rate, channels, quality, size)


def decompress_file(
    source: Path, target: Path, *, ending: str = ".wav", progress: Told | None = None
) -> Facts:
    """Give the sound of a compressed file back, in 16 bits.

    Args:
        source: that `compress_file` wrote.
        target: written, whatever is there.
        ending: one of FORMATS; the target's own name may have another.
        progress: called after each block.

    Raises:
        CompressedFileError: if the source is not whole, or not one.
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
                    "needs the network of another version; decompress it with the version that made it"
                )
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
                    # The last chunk was filled up; what is louder than full scale can't be held by
                    # 16 bits.
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
                f"{shown(source)}: {header.channels} channels at {header.sample_rate} Hz as {kind}: {reason}"
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
