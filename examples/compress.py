"""Compress a song to a small file and restore it, at each of the five qualities.

Without a FILE it takes a song of the starter collection. The format is explained in
docs/compression.md; here it is two calls, compress_file and decompress_file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from lesson import BLUE, GREY, ORANGE, arguments, canvas

from audio_parsing.decoding import decoded
from audio_parsing.opening import AudioError
from audio_parsing.starter import render, starter_songs
from compression.codec import QUALITIES
from compression.files import compress_file, decompress_file
from radio.station import write_wav

RATE = 22050  # Hz, of the starter song


def samples(path: Path) -> tuple[np.ndarray, int]:
    """Return a file's samples (n,), channels averaged, and its rate in Hz."""
    with decoded(path) as (rate, blocks):
        return np.concatenate(list(blocks)), rate


def decibels(original: np.ndarray, other: np.ndarray) -> float:
    """Return the ratio of signal to error in dB."""
    return float(10 * np.log10(np.sum(original**2) / max(np.sum((other - original) ** 2), 1e-20)))


def main(options: argparse.Namespace) -> dict[int, tuple[int, float]]:
    """Compress at all qualities, and return the bytes and decibels of each."""
    found, songs = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        source = options.file
        if source is None:
            song = starter_songs(beats=8 if options.fast else 32)[1]
            source = Path(folder) / "song.wav"
            write_wav(source, 0.3 * render(song, RATE) / np.abs(render(song, RATE)).max(), RATE)
            print(f"{song.name}, {song.lead} with {song.accompaniment}")
        original, rate = samples(source)
        print(f"{len(original) / rate:.1f} s, {source.stat().st_size:,} bytes\n")
        print("quality     bytes   kbit/s   share   signal / error   seconds")
        for quality in QUALITIES:
            small, back = Path(folder) / f"{quality}.air", Path(folder) / f"{quality}.wav"
            start = time.thread_time()
            facts = compress_file(source, small, quality=quality)
            decompress_file(small, back)
            seconds = time.thread_time() - start
            songs[quality] = samples(back)[0]
            found[quality] = facts.size, decibels(original, songs[quality])
            kilobits = 8 * facts.size / facts.seconds / 1000
            share = facts.size / source.stat().st_size
            size = f"{quality:7} {facts.size:9,} {kilobits:8.1f} {share:7.1%}"
            print(f"{size} {found[quality][1]:13.1f} dB {seconds:9.2f}")
    figure = canvas(12, 4.4)
    curve, wave = figure.subplots(1, 2, width_ratios=[1, 1.6])
    curve.plot(
        [size / 1000 for size, _ in found.values()],
        [ratio for _, ratio in found.values()],
        "o-",
        color=BLUE,
    )
    for quality, (size, ratio) in found.items():
        curve.annotate(f"  quality {quality}", (size / 1000, ratio), va="top")
    curve.set(
        xlabel="kilobytes",
        ylabel="signal over error, dB",
        title="Quality by file size",
    )
    curve.margins(x=0.25)
    loudest = int(np.abs(original).argmax())
    part = slice(max(0, loudest - 300), loudest + 300)
    milliseconds = 1000 * np.arange(len(original))[part] / rate
    wave.plot(milliseconds, original[part], color=GREY, linewidth=3, alpha=0.5, label="original")
    for quality, colour in ((1, ORANGE), (3, BLUE)):
        wave.plot(
            milliseconds,
            songs[quality][part],
            color=colour,
            linewidth=1,
            label=f"quality {quality}",
        )
    wave.set(xlabel="milliseconds", title="Around the loudest sample")
    wave.legend()
    figure.savefig(options.output / "compress.png", dpi=110)
    print(f"\nThe picture is saved as {options.output / 'compress.png'}")
    return found


if __name__ == "__main__":
    try:
        found = main(
            arguments(__file__, __doc__, "a sound file (default: a song of the starter collection)")
        )
    except AudioError as error:
        sys.exit(f"compress.py: {error}")
