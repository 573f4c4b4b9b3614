"""A listener who never stops: rates songs as fast as they come, and watches for leaks.

    python benchmarks/soak.py [--minutes 120] [--pace 120] [--history 300] [--station NAME]
                              [--beats N] [--every 200] [--final-every 500]

It listens as the radio does: songs come from a learner in a process of its own. The listener, who
has rated --history songs in earlier sessions, rates every song, at most --pace a minute, and
deletes the oldest rating each time: what a longer history takes is the listener's own, and what
still grows beside it is a leak. Prints a line every so many songs: hours of music heard, memory and
open files of both processes, and how long a listener waits for the next song, for a touch of the
slider and for a rating to be kept; by the clock, and in the processor's own time, which means
something on a machine that does other work as well. A learner holds a tenth more while it makes a
song than before and after, so memory is looked at four times a second, and rest (the lowest tenth
of what was seen) is compared with rest, work (the highest hundredth) with work. At the end the
first tenth of the time, after a tenth in which caches fill, is compared with the last: each
process's memory within 5 %, at rest and at work, no more open files, the processor's time alike.
Whether the sound is whole at real speed is measured by radio_latency.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import astuple, dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.playback import SilentDevice  # noqa: E402
from radio.composer import ComposerProcess  # noqa: E402
from radio.home import STARTER, Home  # noqa: E402
from radio.session import Session  # noqa: E402

MOST_GROWTH = 0.05
ALIKE = 1.25  # times as long at the end, in the processor's time
WARM_UP = 0.1  # of the time, in which caches fill
LOOK_SECONDS = 0.25
REST, WORK = 10, 99  # percentiles of the memory seen
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Row:
    """What one song cost.

    Attributes:
        minutes: since the beginning.
        radio_files, learner_files: open ones.
        waited: seconds until the song was there.
        touched: seconds until a touch of the slider was in the database.
        rated: seconds until the rating was, the oldest was deleted, and what was expected of all
            had been read again.
        touched_busy, rated_busy: the same in the processor's time.
        learner_busy: the processor's seconds that the learner has taken so far.
    """

    minutes: float
    radio_files: int
    learner_files: int
    waited: float
    touched: float
    rated: float
    touched_busy: float
    rated_busy: float
    learner_busy: float


def memory(process: int | str = "self") -> float:
    """Return the megabytes that a process holds."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS in /proc/self/status")


class MemoryWatch(threading.Thread):
    """Record the memory of the radio, which is this process, and of its worker, in megabytes.

    Args:
        learner: its process.
        begun: the beginning, by `time.monotonic`.
        minutes: for which there is room.
    """

    def __init__(self, learner: int, begun: float, minutes: float) -> None:
        super().__init__(daemon=True)
        # In the memory of this process, which is what is watched: so it is taken at once and for
        # good.
        self._seen = np.full((int(60 * minutes / LOOK_SECONDS) + 1000, 3), np.nan)
        self._count, self._learner, self._begun, self._over = 0, learner, begun, threading.Event()

    def run(self) -> None:
        """Look until the end, or until there is no room."""
        while self._count < len(self._seen) and not self._over.wait(LOOK_SECONDS):
            self._seen[self._count] = (
                (time.monotonic() - self._begun) / 60,
                memory(),
                memory(self._learner),
            )
            self._count += 1

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()

    def between(self, first: float, last: float) -> np.ndarray:
        """Return what was seen from one minute to another, (n, 2): of the radio, of the learner."""
        seen = self._seen[: self._count]
        return seen[(seen[:, 0] >= first) & (seen[:, 0] <= last), 1:]


def open_files(process: int | str = "self") -> int:
    """Return how many files a process has open."""
    return len(os.listdir(f"/proc/{process}/fd"))


def busy(process: int) -> float:
    """Return the processor's seconds that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def liking(samples: np.ndarray, rate: int) -> float:
    """Rate a song as a listener of bright songs: by the centroid of its spectrum, from -1 to 1."""
    power = np.abs(np.fft.rfft(samples[: 4 * rate])) ** 2
    middle = float((power * np.arange(len(power))).sum() / max(power.sum(), 1e-9)) / 4  # Hz
    return float(np.clip((middle - 500) / 500, -1, 1))


class Watch:
    """Seconds since it was made: of the clock, and of this thread on the processor."""

    def __init__(self) -> None:
        self._clock, self._busy = time.perf_counter(), time.thread_time()

    def read(self) -> tuple[float, float]:
        """Return both."""
        return time.perf_counter() - self._clock, time.thread_time() - self._busy


def remember(station: Path, home: Path, count: int) -> None:
    """Rate so many songs of a station, in a process of its own, whose memory is not the radio's."""
    from radio.ratings import Rating, Ratings
    from radio.station import Station, station_fingerprint

    made, rng = Station.load(station), np.random.default_rng(1)
    ratings, made_by = Ratings(Home(home).ratings), station_fingerprint(made)
    ratings.write_all(
        [
            Rating(
                "soak",
                made.name,
                made_by,
                "before",
                place,
                float(rng.uniform(-1, 1)),
                time=float(number),
                key=f"before {number}",
            )
            for number, place in enumerate(made.sample(count, rng))
        ]
    )
    ratings.close()


def listen(
    session: Session, begun: float, learner: int, rated_before: deque[str]
) -> tuple[Row, float]:
    """Play and rate one song; return what it cost and the song's length in seconds."""
    watch = Watch()
    composer = cast(ComposerProcess, session.composer)
    while not composer.ready:
        composer.hurry()
        time.sleep(0.002)
        session.take_events()
        if composer._worker.process.pid != learner:
            raise SystemExit("the learner died: what its process held can't be compared any more")
    waited, _ = watch.read()
    song = composer.next_song()
    composer.played(song.key, song.latent)
    value = liking(song.samples, song.sample_rate)
    watch = Watch()
    session.journal.note(song, value / 2)
    touched = watch.read()
    watch = Watch()
    session.rate(song, value)
    rated_before.append(song.key)
    session.history.change(rated_before.popleft(), None)
    rated = watch.read()
    files = open_files(), open_files(learner)
    row = Row(
        (time.monotonic() - begun) / 60,
        *files,
        waited,
        touched[0],
        rated[0],
        touched[1],
        rated[1],
        busy(learner),
    )
    return row, len(song.samples) / song.sample_rate


def main() -> int:
    """Listen, and return 1 if something grew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--pace", type=float, default=120.0, help="songs a minute")
    parser.add_argument("--history", type=int, default=300, help="ratings")
    parser.add_argument("--station", default=STARTER)
    parser.add_argument("--beats", type=int, help="of a song (default: the station's)")
    parser.add_argument("--every", type=int, default=200, help="songs a line")
    parser.add_argument("--final-every", type=int, default=500, help="songs")
    options = parser.parse_args()
    # In the memory of this process, which is what is watched: so it is taken at once and for good.
    records = np.full((int(options.minutes * options.pace) + 1000, len(fields(Row))), np.nan)
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        station = Home().station(options.station)
        earlier = get_context("spawn").Process(
            target=remember, args=(station, Path(folder), options.history)
        )
        earlier.start()
        earlier.join()
        earlier.close()
        composer = ComposerProcess(station, "soak", home=Home(folder), seed=0, beats=options.beats)
        session = Session(composer, SilentDevice(), home=Home(folder), say=print)
        learner = composer._worker.process.pid
        begun, heard, finals = time.monotonic(), 0.0, 0
        watch = MemoryWatch(learner, begun, options.minutes)
        watch.start()
        keys = deque(f"before {number}" for number in range(options.history))
        while count < len(records) and (not count or records[count - 1, 0] < options.minutes):
            due = begun + 60 / options.pace * count
            time.sleep(max(0.0, due - time.monotonic()))
            row, seconds = listen(session, begun, learner, keys)
            records[count] = astuple(row)
            count += 1
            heard += seconds / 3600
            if count % options.final_every == 0:
                session.make_final()
                while session.finals.running:
                    time.sleep(0.1)
                    session.take_events()
                undone = session.journal.undo()
                if undone is not None:
                    composer.changed(undone.key)
                    keys.remove(undone.key)
                finals += 1
            if count % options.every == 0:
                tell(
                    f"{row.minutes:6.1f} min, {count:6,} songs, {heard:5.1f} h of music",
                    records[count - options.every : count],
                    watch,
                )
        watch.stop()
        composer.close()
        left = len(os.listdir("/proc/self/fd"))
    warm = records[:count][records[:count, 0] > WARM_UP * options.minutes]
    if len(warm) < 20:
        raise SystemExit(
            f"{len(warm)} songs are too few to compare their first tenth with their last; "
            "listen longer"
        )
    tenth = max(2, len(warm) // 10)
    first, last = warm[:tenth], warm[-tenth:]
    tell("first tenth", first, watch)
    tell("last tenth", last, watch)
    print(
        f"{count:,} songs, {heard:.1f} hours of music, {finals} final songs; "
        f"{left} files open after the end"
    )
    return verdict(first, last, watch)


def columns(records: np.ndarray) -> dict[str, np.ndarray]:
    """Return records (n, fields of a row) as arrays by name."""
    return {field.name: records[:, place] for place, field in enumerate(fields(Row))}


def verdict(first: np.ndarray, last: np.ndarray, watch: MemoryWatch) -> int:
    """Print what grew; return 1 if it is more than it may."""
    begin, end = columns(first), columns(last)
    failed = False
    held = [watch.between(part[0, 0], part[-1, 0]) for part in (first, last)]
    for place, process in enumerate(("radio", "learner")):
        for state, share in (("at rest", REST), ("at work", WORK)):
            before, after = (float(np.percentile(part[:, place], share)) for part in held)
            growth = after / before - 1
            good = growth <= MOST_GROWTH
            print(
                f"{'held' if good else 'FAILED'}: the {process}'s memory {state} "
                f"{before:.1f} -> {after:.1f} MB, {100 * growth:+.1f} %"
            )
            failed |= not good
        files = int(end[f"{process}_files"].max() - begin[f"{process}_files"].max())
        print(f"{'held' if files <= 0 else 'FAILED'}: the {process}'s open files {files:+d}")
        failed |= files > 0
    for name in ("touched_busy", "rated_busy", "learner_busy"):
        middle = [
            np.median(np.diff(found[name]) if name == "learner_busy" else found[name])
            for found in (begin, end)
        ]
        ratio = float(middle[1] / max(middle[0], 1e-9))
        good = ratio <= ALIKE
        print(
            f"{'held' if good else 'FAILED'}: {name}, "
            f"the median at the end is {ratio:.2f} times that of the beginning"
        )
        failed |= not good
    return int(failed)


def tell(what: str, records: np.ndarray, watch: MemoryWatch) -> None:
    """Print the middle and the worst of some records."""
    found = columns(records)
    found["learner_busy"] = np.diff(found["learner_busy"])

    def spread(name: str) -> str:
        middle, worst = (1e3 * float(np.percentile(found[name], part)) for part in (50, 99))
        return f"{middle:.1f} (99 %: {worst:.1f})"

    held = watch.between(records[0, 0], records[-1, 0])
    radio, learner = (
        " to ".join(f"{np.percentile(held[:, place], share):.1f}" for share in (REST, WORK))
        for place in (0, 1)
    )
    print(
        f"{what}: radio {radio} MB, {found['radio_files'].max():.0f} files; "
        f"learner {learner} MB, {found['learner_files'].max():.0f} files; "
        f"ms until the next song {spread('waited')}, a touch {spread('touched')}, "
        f"of the processor {spread('touched_busy')}, "
        f"a rating {spread('rated')}, of the processor {spread('rated_busy')}; "
        f"the learner's processor a song {spread('learner_busy')}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
