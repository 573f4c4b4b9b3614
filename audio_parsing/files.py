"""Read music files: every format of libsndfile, and others through ffmpeg if it is installed.

Contract:

    find_audio(folder) -> paths              audio in a folder and below, by content or by name
    read_audio(path) -> (n,) float32         mono, one rate, no DC, ends trimmed, levelled
    read_pieces(path, seconds=) -> pieces    the same for a file of any length, in pieces
    read_folder(folder) -> (path, samples)   file by file; unreadable ones are named and skipped

A file is read by its content, whatever its name, in blocks of one to two seconds, so that only the
result is in memory: 88 kB a second, 318 MB an hour. `read_pieces` yields a file that is longer than
that allows one piece at a time.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np

from audio_parsing.decoding import decoded
from audio_parsing.finding import LOOKED_FOR, find_audio
from audio_parsing.highpass import HighPass
from audio_parsing.opening import AudioError, shown

__all__ = ["AudioError", "find_audio", "read_audio", "read_folder", "read_pieces"]

SAMPLE_RATE = 22050  # Hz
LEVEL = 0.1  # root mean square of the loud passages, -20 dB of full scale
PEAK = 0.99  # no sample is louder
SILENCE_SHARE = 1e-3  # windows this far below the loudest one (-60 dB) are trimmed at the ends
SILENT_PEAK = 1e-4  # a file that never passes this (-80 dB of full scale) is silent
DC_CUTOFF = 10.0  # Hz
WINDOW = 0.01  # seconds, over which the level of silence is measured
LOUDNESS_WINDOW = 0.4  # seconds, over which loudness is measured
MAX_SECONDS = 1200.0  # seconds of one file in memory at once, by default: 106 MB

Blocks = Generator[np.ndarray, None, None]  # of samples (n,) float32


def read_audio(
    path: str | os.PathLike[str],
    sample_rate: int = SAMPLE_RATE,
    *,
    max_seconds: float | None = None,
    soundfont: Path | None = None,
) -> np.ndarray:
    """Read one audio file as mono samples at one rate.

    Channels are averaged; those that would cancel each other are turned round first. A high-pass at
    10 Hz removes DC. Silence at the ends, 60 dB below the loudest hundredth of a second, is
    trimmed. The level is then set so that the loud passages have a root mean square of 0.1 of full
    scale: only windows of 0.4 s less than 10 dB below the average count, so that pauses and quiet
    movements don't make the rest loud. A file whose peaks would pass 0.99 stays quieter.

    Args:
        path: file of any format, rate and number of channels.
        sample_rate: of the result, in Hz.
        max_seconds: read no more than this, counted from where the sound begins.
        soundfont: that plays scores; the synthesizer if None.

    Returns:
        Samples (n,) float32 in [-0.99, 0.99].

    Raises:
        AudioError: if the file can't be read; the message says why.
        ValueError: for max_seconds that are not positive.
    """
    if max_seconds is not None and not max_seconds > 0:
        raise ValueError(f"max_seconds must be positive, not {max_seconds}")
    length = max_seconds or math.inf
    pieces = read_pieces(path, sample_rate, seconds=length, soundfont=soundfont)
    with contextlib.closing(pieces):
        return next(pieces)


def read_pieces(
    path: str | os.PathLike[str],
    sample_rate: int = SAMPLE_RATE,
    *,
    seconds: float = MAX_SECONDS,
    on_note: Callable[[str], None] | None = None,
    soundfont: Path | None = None,
) -> Blocks:
    """Yield an audio file in pieces, each trimmed and levelled as by `read_audio`.

    Args:
        path: file of any format, rate, number of channels and length.
        sample_rate: of the result, in Hz.
        seconds: longest duration of a piece. The next piece begins at the first sound after it.
        on_note: called with a line for what is worth knowing of the file; by default it is logged.
        soundfont: that plays scores; the synthesizer if None.

    Yields:
        Samples (n,) float32 in [-0.99, 0.99].

    Raises:
        AudioError: if the file can't be read; the message says why. A truncated file is found
            only when its end is reached.
        ValueError: for a sample rate or a duration that is not positive.
    """
    if sample_rate <= 0:
        raise ValueError(f"sample_rate must be positive, not {sample_rate}")
    if not seconds > 0:
        raise ValueError(f"seconds must be positive, not {seconds}")
    most = math.ceil(seconds * sample_rate) if seconds < math.inf else sys.maxsize
    gathered = bytearray()  # grows in place: never two copies of a long file
    found = False
    blocks = _resampled(Path(path), sample_rate, on_note, soundfont)
    with contextlib.closing(blocks):
        while (block := _next(blocks)) is not None:
            if not np.isfinite(block).all():
                raise AudioError(f"{shown(path)}: holds samples that are not finite numbers")
            while block.size:
                if not gathered:
                    block = (
                        block[np.argmax(np.abs(block) > SILENT_PEAK) :]
                        if np.abs(block).max() > SILENT_PEAK
                        else block[:0]
                    )
                room = most - len(gathered) // 4
                gathered += block[:room].tobytes()
                block = block[room:]
                if len(gathered) // 4 == most:
                    samples = _finished(gathered, sample_rate)
                    gathered = bytearray()
                    if samples.size:
                        found = True
                        yield samples
                    del samples  # the caller may have dropped this piece when it asks for the next
    samples = _finished(gathered, sample_rate)
    if samples.size:
        yield samples
    elif not found:
        raise AudioError(f"{shown(path)}: holds nothing but silence")


def read_folder(
    folder: str | os.PathLike[str],
    *,
    sample_rate: int = SAMPLE_RATE,
    max_seconds: float | None = MAX_SECONDS,
    on_skip: Callable[[str], None] | None = None,
) -> Iterator[tuple[Path, np.ndarray]]:
    """Yield (path, samples) for the audio files of a folder, with only one file in memory.

    Args:
        folder: searched recursively by `find_audio`.
        sample_rate: of the samples, in Hz.
        max_seconds: of each file, counted from where its sound begins; None reads whole files of
            any length.
        on_skip: called with a line for each file or folder that can't be read, and with the total
            at the end; by default they are logged.

    Raises:
        AudioError: if there is no such folder or, at the end, if nothing in it could be read.
    """
    skip = on_skip or logging.getLogger(__name__).warning
    paths = find_audio(folder, on_skip=skip)
    skipped = 0
    for path in paths:
        try:
            samples = read_audio(path, sample_rate, max_seconds=max_seconds)
        except AudioError as error:
            skipped += 1
            skip(str(error))
            continue
        yield path, samples
    if skipped:
        skip(f"{shown(folder)}: {skipped} of {len(paths)} files skipped")
    if skipped == len(paths):
        raise AudioError(
            f"{shown(folder)}: no readable audio found; searched all its folders for {LOOKED_FOR}"
        )


def _resampled(
    path: Path,
    sample_rate: int,
    on_note: Callable[[str], None] | None,
    soundfont: Path | None,
) -> Blocks:
    """Yield a file's samples at `sample_rate`, channels averaged, without DC.

    DC is removed first: for the resampler an offset would be a step at the beginning of the file.
    """
    import soxr

    with decoded(path, on_note=on_note, soundfont=soundfont) as (rate, blocks):
        highpass = HighPass(DC_CUTOFF, rate)
        resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
        for block in blocks:
            yield resampler.resample_chunk(highpass.filter(block))
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _next(blocks: Blocks) -> np.ndarray | None:
    """Return the next block, None after the last.

    Damaged floats may overflow here; the caller checks for non-finite samples.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return next(blocks, None)


def _finished(gathered: bytearray, sample_rate: int) -> np.ndarray:
    """Return the samples in the bytes, trimmed and levelled in place."""
    samples = _cut_silence(np.frombuffer(gathered, np.float32), sample_rate)
    if samples.size:
        samples *= np.float32(_gain(samples, sample_rate))
    return samples


def _cut_silence(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    window = max(1, round(WINDOW * sample_rate))
    energies = _energies(samples, window)
    loudest = energies.max(initial=0)
    if loudest <= SILENT_PEAK**2:
        return samples[:0]
    loud = np.flatnonzero(energies > loudest * SILENCE_SHARE**2)
    return samples[loud[0] * window : (loud[-1] + 1) * window]


def _gain(samples: np.ndarray, sample_rate: int) -> float:
    energies = _energies(samples, max(1, round(LOUDNESS_WINDOW * sample_rate)))
    loud = energies[energies > energies.mean() * 0.1].mean()
    return min(LEVEL / math.sqrt(loud), PEAK / max(float(samples.max()), -float(samples.min())))


def _energies(samples: np.ndarray, window: int) -> np.ndarray:
    """Return the mean square of each window (windows,) float64; the last one may be shorter."""
    whole = len(samples) // window * window
    rows = samples[:whole].reshape(-1, window)
    energies = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    rest = samples[whole:].astype(np.float64)
    return np.append(energies / window, rest @ rest / rest.size) if rest.size else energies / window
