"""A listener who never stops: songs are made, rated and learned from as fast as they come, and what the process holds is watched.

    python benchmarks/soak.py [--minutes 120] [--station NAME] [--every 200]

Prints a line every so many songs: hours of music heard, memory, open files, and how long a listener would have waited for the next song and
for a rating to be kept. At the end the first tenth is compared with the last: memory within 5 %, no more open files, the same waiting.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from radio.home import STARTER, Home  # noqa: E402
from radio.session import RadioSession  # noqa: E402
from radio.station import Station  # noqa: E402

MOST_GROWTH = 0.05
WARM_UP = 0.1  # of the time, in which caches fill
FINAL_EVERY = 500  # songs


def memory() -> float:
    """Return the megabytes that this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS in /proc/self/status")


def open_files() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


def liking(samples: np.ndarray, rate: int) -> float:
    """Rate a song as a listener who likes it bright: by the middle of its spectrum, from -1 to 1."""
    power = np.abs(np.fft.rfft(samples[: 4 * rate])) ** 2
    middle = float((power * np.arange(len(power))).sum() / max(power.sum(), 1e-9)) / 4  # Hz
    return float(np.clip((middle - 500) / 500, -1, 1))


def main() -> int:
    """Listen, and return 1 if something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--station", default=STARTER)
    parser.add_argument("--every", type=int, default=200)
    options = parser.parse_args()
    rows: list[tuple[float, float, int, float, float]] = []  # minutes, MB, files, seconds for a song, for a rating
    with tempfile.TemporaryDirectory() as folder:
        station = Station.load(Home().station(options.station))
        session = RadioSession(station, "soak", home=Home(folder), seed=0, beats=16)
        start, heard, songs = time.monotonic(), 0.0, 0
        while (minutes := (time.monotonic() - start) / 60) < options.minutes:
            asked = time.perf_counter()
            song = session.next_song()
            came = time.perf_counter()
            heard += len(song.samples) / song.sample_rate / 3600
            value = liking(song.samples, song.sample_rate)
            session.note(song, value / 2)
            session.rate(song, value)
            rows.append((minutes, memory(), open_files(), came - asked, time.perf_counter() - came))
            songs += 1
            if songs % FINAL_EVERY == 0:
                session.final_song()
                session.undo()
            if songs % options.every == 0:
                tell(f"{minutes:6.1f} min, {songs:6,} songs, {heard:5.1f} h of music", rows[-options.every :])
        session.close()
    warm = [row for row in rows if row[0] > WARM_UP * options.minutes]
    tenth = max(1, len(warm) // 10)
    first, last = warm[:tenth], warm[-tenth:]
    tell("first tenth", first)
    tell("last tenth", last)
    growth = float(np.median([row[1] for row in last]) / np.median([row[1] for row in first]) - 1)
    files = max(row[2] for row in last) - max(row[2] for row in first)
    print(f"{songs:,} songs, {heard:.1f} hours of music: memory {100 * growth:+.1f} %, open files {files:+d}")
    return int(growth > MOST_GROWTH or files > 0)


def tell(what: str, rows: list[tuple[float, float, int, float, float]]) -> None:
    """Print the middle and the worst of some rows."""
    _, held, files, song, rating = (np.array(column) for column in zip(*rows, strict=True))
    waits = [1e3 * float(np.percentile(values, part)) for values in (song, rating) for part in (50, 99)]
    print(
        f"{what}: {np.median(held):.0f} MB, {files.max()} files, the next song after {waits[0]:.0f} ms (99 %: {waits[1]:.0f}), "
        f"a rating kept and learned after {waits[2]:.0f} ms (99 %: {waits[3]:.0f})",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
