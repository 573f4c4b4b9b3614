"""Time from the first command to the first song on a machine that has never run the radio.

    python benchmarks/first_sound.py             a new home, an empty kernel cache
    python benchmarks/first_sound.py --again     a new home, the kernels of the run before it
    python benchmarks/first_sound.py uvx --from dist/ai_radio-0.1.0-py3-none-any.whl ai-radio

`ai-radio --plain`, of this folder or by the command given, is started, and timed to its first line,
and to the line of the first song, which it prints when the song begins to sound. CPU seconds are
those of both processes until then.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_SECONDS = 900.0


def first_sound(home: Path, cache: Path, command: list[str]) -> dict[str, float]:
    """Start the radio, wait for its first song, and return seconds by what was waited for."""
    environment = {
        **os.environ,
        "AI_RADIO_HOME": str(home),
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONUNBUFFERED": "1",
    }
    if not command:
        command, environment["PYTHONPATH"] = [sys.executable, "-m", "radio"], str(ROOT)
    began, found = time.monotonic(), {}
    radio = subprocess.Popen(
        [*command, "--plain"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert radio.stdout is not None and radio.stdin is not None
    for line in radio.stdout:
        now = time.monotonic() - began
        found.setdefault("first line", now)
        if line.startswith("  1  "):
            found["first song"] = now
            break
        if now > MOST_SECONDS:
            break
    radio.stdin.write("q\n")
    radio.stdin.close()
    radio.stdout.read()
    radio.wait()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the first start of the radio.")
    parser.add_argument("--again", action="store_true", help="start twice, and time the second")
    parser.add_argument("command", nargs="*", help="what starts the radio, if installed elsewhere")
    options = parser.parse_args()
    before = os.times()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "kernels"
        found = first_sound(Path(folder) / "home", cache, options.command)
        if options.again:
            before = os.times()
            found = first_sound(Path(folder) / "other", cache, options.command)
    after = os.times()
    processor = after.children_user + after.children_system
    processor -= before.children_user + before.children_system
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for what, seconds in found.items():
        print(f"{what:12} {seconds:7.1f} s")
    print(f"{'CPU':12} {processor:7.1f} s, both processes, until it has ended")


if __name__ == "__main__":
    main()
