"""How fast a library of music becomes excerpts to train on, on one core and on all, with bad files in it.

    python benchmarks/preparing.py [--files 10000] [--seconds 180] [--excerpts 384] [--folder DIR]

The library is made of 24 tunes of the starter collection as FLAC, Ogg Vorbis and MP3 and of links to them; of a hundred files two are cut
off and one is text. A training reads at most 384 excerpts, whatever the library's size; `--excerpts` reads more, to measure the reading
itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.starter import render, starter_songs  # noqa: E402
from neural_networks.halves import available_cores  # noqa: E402
from radio import music_folder  # noqa: E402

KINDS = (("flac", "FLAC", "PCM_16"), ("ogg", "OGG", "VORBIS"), ("mp3", "MP3", "MPEG_LAYER_III"))
RATE = 44100
DIFFERENT = 24


def library(folder: Path, files: int, seconds: int) -> None:
    """Make so many files, each of so many seconds."""
    made = []
    for number, song in enumerate(starter_songs(beats=32)[:: 96 // DIFFERENT]):
        ending, container, subtype = KINDS[number % len(KINDS)]
        path = folder / f"source-{number}.{ending}"
        samples = np.resize(render(song, RATE), seconds * RATE)
        with soundfile.SoundFile(path, "w", RATE, 2, subtype, format=container) as file:
            for start in range(0, len(samples), RATE):  # libsndfile's Vorbis encoder takes little at once
                piece = samples[start : start + RATE]
                file.write(np.stack([piece, np.roll(piece, 50)], axis=1))
        made.append(path)
    for number in range(files):
        source = made[number % DIFFERENT]
        path = folder / f"{number // 500:03}" / f"{number:05}{source.suffix}"
        path.parent.mkdir(exist_ok=True)
        if number % 100 == 98:
            path.write_text("this is no music")
        elif number % 50 == 49:
            path.write_bytes(source.read_bytes()[:3000])
        else:
            os.link(source, path)
    for path in made:
        path.unlink()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--excerpts", type=int, default=music_folder.MOST_EXCERPTS)
    parser.add_argument("--folder", type=Path, help="where the library is made for the time")
    options = parser.parse_args()
    music_folder.MOST_EXCERPTS = options.excerpts
    print(f"{platform.machine()}, {available_cores()} cores, Python {platform.python_version()}, NumPy {np.__version__}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        start = time.perf_counter()
        library(folder, options.files, options.seconds)
        print(f"{options.files:,} files of {options.seconds} s, made in {time.perf_counter() - start:.0f} s")
        for workers in (1, available_cores()):
            skipped: list[str] = []
            start, processor = time.perf_counter(), sum(os.times()[:4])
            songs = music_folder.prepare_folder(folder, workers=workers, on_skip=skipped.append)
            took, used = time.perf_counter() - start, sum(os.times()[:4]) - processor
            good = len({song.rpartition(" at ")[0] for song in songs.names})
            hours = good * options.seconds / 3600
            bad = skipped[-1].rpartition(": ")[2]
            print(
                f"{workers} workers: {len(songs.names)} excerpts of {good} files in {took:.1f} s, {used:.1f} s of the processor: "
                f"{60 * hours / took:.1f} hours of audio a minute, {60 * hours / used:.1f} per core and minute; {bad}"
            )


if __name__ == "__main__":
    main()
