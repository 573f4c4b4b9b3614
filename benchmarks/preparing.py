"""How fast a library of music becomes recordings to train on, on one core and on all.

    python benchmarks/preparing.py [--files 10000] [--seconds 180] [--bad 300]
    [--most 480] [--workers 1 2] [--folder DIR]

The library is made of 24 tunes of the starter collection as FLAC, Ogg Vorbis, MP3, WAV and AIFF and
of links to them; of those that are bad every other is cut off, the others are text. A training
reads at most 480 minutes, whatever the library's size; `--most` reads more, to measure the
reading itself. Exit code 1 if a bad file is not told, or a good one is.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.starter import render, starter_songs  # noqa: E402
from neural_networks.training.pieces import available_cores  # noqa: E402
from radio.training import recordings  # noqa: E402

KINDS = (
    ("flac", "FLAC", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("wav", "WAV", "PCM_16"),
    ("aiff", "AIFF", "PCM_24"),
)
RATE = 44100
DIFFERENT = 24


def library(folder: Path, files: int, seconds: int, bad: int) -> set[str]:
    """Make so many files, each of so many seconds, and return the names of those that are bad."""
    made = []
    for number, song in enumerate(starter_songs(beats=32)[:: 96 // DIFFERENT]):
        ending, container, subtype = KINDS[number % len(KINDS)]
        path = folder / f"source-{number}.{ending}"
        samples = np.resize(render(song, RATE), seconds * RATE)
        with soundfile.SoundFile(path, "w", RATE, 2, subtype, format=container) as file:
            # libsndfile's Vorbis encoder takes little at once
            for start in range(0, len(samples), RATE):
                piece = samples[start : start + RATE]
                file.write(np.stack([piece, np.roll(piece, 50)], axis=1))
        made.append(path)
    spoiled = {
        int(place): kind % 2
        for kind, place in enumerate(np.linspace(0, files, bad, endpoint=False))
    }
    names = set()
    for number in range(files):
        source = made[number % DIFFERENT]
        path = folder / f"{number // 500:03}" / f"{number:05}{source.suffix}"
        path.parent.mkdir(exist_ok=True)
        if number not in spoiled:
            os.link(source, path)
            continue
        names.add(path.name)
        if spoiled[number]:
            path.write_text("this is no music")
        else:
            path.write_bytes(source.read_bytes()[:40])
    for path in made:
        path.unlink()
    return names


def megabytes(who: int) -> float:
    """Return the most memory that this process, or the largest of its children, ever held."""
    return resource.getrusage(who).ru_maxrss / 1024


def main() -> int:
    """Measure, and return 1 if what is bad was not told."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--bad", type=int, default=300)
    parser.add_argument("--most", type=int, default=recordings.MOST_BLOCKS, help="minutes")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, available_cores()])
    parser.add_argument("--folder", type=Path, help="where the library is made for the time")
    options = parser.parse_args()
    recordings.MOST_BLOCKS = options.most
    print(
        f"{platform.machine()}, {available_cores()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )
    wrong = 0
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        start = time.perf_counter()
        bad = library(folder, options.files, options.seconds, options.bad)
        print(
            f"{options.files:,} files of {options.seconds} s, {len(bad)} of them bad, "
            f"made in {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        for workers in options.workers:
            skipped: list[str] = []
            start, processor = time.perf_counter(), sum(os.times()[:4])
            music = recordings.prepare_recordings(folder, workers=workers, on_skip=skipped.append)
            took, used = time.perf_counter() - start, sum(os.times()[:4]) - processor
            good = len({name.partition(" at ")[0] for name in music.names})
            hours = good * options.seconds / 3600
            held = sum(frames.nbytes for frames in music.frames)
            told = {line.partition(":")[0] for line in skipped}
            told = {Path(one).name for one in told} - {folder.name}
            missed, blamed = len(bad - told), len(told - bad)
            wrong += blamed + (missed if options.most >= options.files else 0)
            print(
                f"{workers} workers: {music.hours:.1f} hours of {good:,} files of "
                f"{hours:.1f} hours, in {took:.1f} s, "
                f"{used:.1f} s of the processor: {60 * hours / took:.1f} hours of audio a minute, "
                f"{60 * hours / used:.1f} per core and minute; "
                f"{len(told & bad)} bad files told, {missed} not, {blamed} good ones blamed; "
                f"memory at most {megabytes(resource.RUSAGE_SELF):.0f} MB "
                f"({held / 1e6:.0f} MB of it the music), "
                f"a reader's {megabytes(resource.RUSAGE_CHILDREN):.0f} MB",
                flush=True,
            )
            print("\n".join([*skipped[:3], "...", *skipped[-2:]]), flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
