"""How fast a library of music becomes recordings to train on, on one core and on all.

    python benchmarks/preparing.py [--files 10000] [--seconds 180] [--bad 300]
    [--most 480] [--workers 1 2] [--folder DIR] [--keep DIR]

The library is made of 48 songs of the starter collection, cut and joined otherwise for each file:
MP3 and Ogg Vorbis at 44.1 kHz in stereo, FLAC and WAV at half of it. Of the files that are bad
every other is cut off, the others are text. A training
reads at most 480 minutes, whatever the library's size; `--most` reads more, to measure the
reading itself. Exit code 1 if a bad file is not told, or a good one is.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.starter import StarterSong, render, starter_songs  # noqa: E402
from neural_networks.training.pieces import available_cores  # noqa: E402
from radio.training import music_reading  # noqa: E402

RATE, LOW_RATE = 44100, 22050  # of MP3 and Ogg Vorbis, in stereo; of FLAC and WAV, in mono
MP3_FRAME = 1152  # samples
KINDS = ("mp3", "ogg", "mp3", "mp3", "flac", "mp3", "mp3", "ogg", "mp3", "wav")


@dataclass
class Song:
    """A song that files are made of.

    Attributes:
        samples: (n,) int16 at LOW_RATE.
        frames: of its MP3.
        ogg: its Ogg Vorbis.
    """

    samples: np.ndarray
    frames: list[bytes]
    ogg: bytes

    @classmethod
    def of(cls, song: StarterSong) -> Song:
        """Render a song and encode it."""
        samples = render(song, RATE)
        stereo = np.stack([samples, np.roll(samples, 50)], axis=1)
        low = (32767 * render(song, LOW_RATE)).astype(np.int16)
        mp3 = _encoded(stereo, "MP3", "MPEG_LAYER_III")
        return cls(low, _mp3_frames(mp3), _encoded(stereo, "OGG", "VORBIS"))


def _encoded(samples: np.ndarray, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", RATE, 2, subtype, format=container, compression_level=0.8
    ) as writer:
        # libsndfile's Vorbis encoder takes little at once
        for start in range(0, len(samples), RATE):
            writer.write(samples[start : start + RATE])
    return file.getvalue()


def _mp3_frames(mp3: bytes) -> list[bytes]:
    """Return the frames of an MPEG 1 layer III stream, without the one that tells its length."""
    rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    frames, place = [], mp3.index(b"\xff\xfb")
    while mp3[place : place + 2] == b"\xff\xfb":
        size = 144_000 * rates[mp3[place + 2] >> 4] // RATE + (mp3[place + 2] >> 1 & 1)
        frames.append(mp3[place : place + size])
        place += size
    return frames[1:]


def _write(path: Path, songs: list[Song], seconds: int, rng: np.random.Generator) -> None:
    """Write a file of a song, of which it begins anywhere, or of several, one after the other."""
    chosen = [songs[i] for i in rng.permutation(len(songs))]
    if rng.random() < 0.5:
        chosen = chosen[:1] * 40
    begin = float(rng.random())
    if path.suffix == ".mp3":
        frames = [frame for one in chosen for frame in one.frames]
        first = int(begin * len(chosen[0].frames))
        path.write_bytes(b"".join(frames[first:][: seconds * RATE // MP3_FRAME]))
    elif path.suffix == ".ogg":  # a stream after the other
        lengths = np.cumsum([len(one.samples) for one in chosen])
        count = int(np.searchsorted(lengths, seconds * LOW_RATE)) + 1
        path.write_bytes(b"".join(one.ogg for one in rng.permutation(chosen)[:count]))
    else:
        first = int(begin * len(chosen[0].samples))
        samples = np.concatenate([one.samples for one in chosen])[first:][: seconds * LOW_RATE]
        subtype = "PCM_U8" if path.suffix == ".wav" else "PCM_16"
        soundfile.write(path, samples, LOW_RATE, subtype)


def library(folder: Path, files: int, seconds: int, bad: int) -> set[str]:
    """Make so many files, each of so many seconds, and return the names of those that are bad."""
    songs, rng = [Song.of(song) for song in starter_songs()[::2]], np.random.default_rng(0)
    spoiled = {
        int(place): kind % 2
        for kind, place in enumerate(np.linspace(0, files, bad, endpoint=False))
    }
    names = set()
    for number in range(files):
        path = folder / f"{number // 500:03}" / f"{number:05}.{KINDS[number % len(KINDS)]}"
        path.parent.mkdir(exist_ok=True)
        if spoiled.get(number):
            path.write_text("this is no music")
        else:
            _write(path, songs, seconds, rng)
        if number in spoiled:
            names.add(path.name)
            if not spoiled[number]:
                os.truncate(path, 40)
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
    parser.add_argument("--most", type=int, default=music_reading.MOST_BLOCKS, help="minutes")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, available_cores()])
    parser.add_argument("--folder", type=Path, help="where the library is made for the time")
    parser.add_argument("--keep", type=Path, help="make the library there, and nothing else")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True)
        library(options.keep, options.files, options.seconds, options.bad)
        return 0
    music_reading.MOST_BLOCKS = options.most
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
            music = music_reading.prepare_recordings(
                folder, workers=workers, on_skip=skipped.append
            )
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
