"""How soon a training of a large library makes its first step, and what memory it takes.

    python benchmarks/large_library.py FOLDER [--minutes 5] [--for-minutes 5]

The folder is that of `benchmarks/preparing.py --keep FOLDER`, or any other. A station is trained on
it as by `ai-radio train --minutes`, in a new home, and stopped after so many minutes. The memory is
that of all its processes together, shared pages counted once, looked at every two seconds. On a
machine that does other work, the processor's seconds until the first step, divided by the cores,
tell more than those of the clock. Linux only.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import threading
import time
from pathlib import Path

BEGAN = time.monotonic()
sys.path.insert(0, str(Path(__file__).parent.parent))

from neural_networks.training.pieces import available_cores  # noqa: E402
from radio.composer import compile_once  # noqa: E402
from radio.training import TrainingOptions, train_station  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 2.0


def processes() -> list[Path]:
    """Return the folders in /proc of this process and of those that it started."""
    parents = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(place.name)] = int(
                (place / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except OSError:  # it has ended
            continue
    found = {os.getpid()}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return [Path("/proc") / str(one) for one in found]


def memory() -> float:
    """Return the megabytes of all these processes, shared pages counted once."""
    total = 0
    for place in processes():
        try:
            lines = (place / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def processor() -> float:
    """Return the processor's seconds of all these processes, those that have ended included."""
    total = 0
    for place in processes():
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15] if place.name == str(os.getpid()) else fields[11:13]))
    return total / TICK


def main() -> None:
    """Train, and print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of music")
    parser.add_argument("--minutes", type=float, default=5.0, help="asked for")
    parser.add_argument("--for-minutes", type=float, default=5.0, help="after which it is stopped")
    options = parser.parse_args()
    most, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            most.append(memory())

    first: dict[str, float] = {}
    steps = [0]

    def say(what: str) -> None:
        print(
            f"{time.monotonic() - BEGAN:7.1f} s, {processor():7.1f} s of the processor, memory now "
            f"{most[-1]:.0f} MB, at most {max(most):.0f} MB: {what}",
            flush=True,
        )

    def report(event: dict) -> None:
        if event["phase"] == "compile":
            say("the first music is read")
            compile_once()
            say("the kernels are compiled")
        if line := event.get("note"):
            say(str(line))
        if event["phase"] in ("vae", "gan") and "done" in event:
            steps[0] += 1
            if not first:
                first.update(seconds=time.monotonic() - BEGAN, processor=processor())
                say("the first step is made")

    def should_stop() -> bool:
        return bool(first) and time.monotonic() - BEGAN > 60 * options.for_minutes

    looking = threading.Thread(target=look)
    looking.start()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as home:
        asked = TrainingOptions(minutes=options.minutes, prepared=Path(home) / "prepared")
        made = train_station(
            Path(home) / "s", options.folder, asked, report=report, should_stop=should_stop
        )
    over.set()
    looking.join()
    say("the station is trained" if made else "stopped")
    cores = available_cores()
    print(
        f"{platform.machine()}, {cores} cores, load {load:.1f} to {os.getloadavg()[0]:.1f}: first "
        f"step after {first['seconds']:.1f} s, {first['processor']:.1f} s of the processor, which "
        f"are {first['processor'] / cores:.1f} s of {cores} idle cores; {steps[0]} steps; memory "
        f"at most {max(most):.0f} MB"
    )


if __name__ == "__main__":
    main()
