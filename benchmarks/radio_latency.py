"""Measures latency and underruns: the radio on a terminal and a sound server, always learning.

    python benchmarks/radio_latency.py --minutes 10

Keys are pressed several times a second: each moves the slider, and the time until the terminal has
the new value is measured. Every two seconds the song is skipped, so that the learner always has a
song to make and a rating to learn; every fifth skip is made out of a pause, whose silence shows
when the next song is heard: the sound server's output is recorded. Told are the quantiles of those
times, of the time from a skip to the next song's name, underruns, what memory both processes took,
and how busy the learner was. Needs PulseAudio.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
KEY_SECONDS, SKIP_SECONDS, SAMPLE_SECONDS = 0.23, 2.0, 10.0
WAIT_SECONDS = 2.0
HEARD_EVERY = 5  # skips
PIECE = 220  # samples of the recording that are looked at together: 10 ms


class Terminal:
    """The radio in a pseudo-terminal; what it draws is read as soon as it comes."""

    def __init__(self, environment: dict[str, str], home: Path) -> None:
        import pexpect

        command = ["-m", "radio", "--home", str(home), "--seed", "1"]
        self.child: Any = pexpect.spawn(
            sys.executable,
            command,
            env=environment,
            dimensions=(40, 120),
            cwd=str(ROOT),
            timeout=120,
        )
        self.child.delaybeforesend = None
        self.text = b""

    def read(self, seconds: float) -> bool:
        """Take in what comes within so many seconds; return whether something did."""
        ready, _, _ = select.select([self.child.child_fd], [], [], max(0, seconds))
        if ready:
            self.text = (self.text + os.read(self.child.child_fd, 1 << 16))[-200_000:]
        return bool(ready)

    def seconds_until(self, key: bytes, wanted: bytes) -> float:
        """Press a key; return the seconds until the terminal shows something, or NaN."""
        while self.read(0):
            pass
        self.text = b""
        start = time.perf_counter()
        os.write(self.child.child_fd, key)
        while wanted not in self.text:
            if time.perf_counter() - start > WAIT_SECONDS:
                return float("nan")
            self.read(0.1)
        return time.perf_counter() - start


class Recording:
    """What the sound server plays, as it comes: when was there sound last, and when silence?"""

    def __init__(self, environment: dict[str, str]) -> None:
        command = [
            "parec",
            "-d",
            "test.monitor",
            "--rate=22050",
            "--channels=1",
            "--format=float32le",
            "--raw",
            "--latency-msec=10",
        ]
        self._recorder = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        self.sound, self.silence = 0.0, 0.0  # time.perf_counter()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._recorder.stdout is not None
        while piece := self._recorder.stdout.read(4 * PIECE):
            if np.abs(np.frombuffer(piece, np.float32)).max() > 1e-4:
                self.sound = time.perf_counter()
            else:
                self.silence = time.perf_counter()

    def seconds_until_heard(self, radio: Terminal, key: bytes) -> float:
        """Pause, press a key in the silence; return the seconds until there is sound, or NaN."""
        os.write(radio.child.child_fd, b" ")
        paused = time.perf_counter()
        while self.silence < paused or self.silence - self.sound < 0.3:
            radio.read(0.01)
            if time.perf_counter() - paused > WAIT_SECONDS:
                return float("nan")
        start = time.perf_counter()
        os.write(radio.child.child_fd, key)
        while self.sound < start:
            radio.read(0.005)
            if time.perf_counter() - start > WAIT_SECONDS:
                return float("nan")
        return self.sound - start

    def close(self) -> None:
        """End the recording."""
        self._recorder.terminate()
        self._recorder.wait(10)


def sound_server(folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """Start PulseAudio with a null sink; return it and the environment that leads to it."""
    places = {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_SERVER": f"unix:{folder}/native",
    }
    environment = {
        **os.environ,
        **places,
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
    }
    command = [
        "pulseaudio",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "-n",
        "-L",
        "module-null-sink sink_name=test rate=22050 channels=1",
    ]
    command += ["-L", f"module-native-protocol-unix auth-anonymous=1 socket={folder}/native"]
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(100):
        if subprocess.run(["pactl", "info"], env=environment, capture_output=True).returncode == 0:
            return server, environment
        time.sleep(0.05)
    raise SystemExit("PulseAudio did not start")


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    text = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True
    ).stdout
    return [int(one) for one in text.split()]


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) / 1024 if found else float("nan")


def busy(pid: int) -> float:
    """Return the processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(minutes: float, environment: dict[str, str], home: Path) -> None:
    """Press keys for so long, and tell what was measured."""
    radio = Terminal(environment, home)
    start = time.perf_counter()
    while b"no prediction" not in radio.text:
        if time.perf_counter() - start > 120:
            raise SystemExit("the radio did not begin to play within 2 minutes")
        radio.read(0.5)
    began = time.perf_counter()
    print(f"first song after {began - start:.1f} s")
    front, learner = radio.child.pid, children(radio.child.pid)[0]
    before = busy(front), busy(learner)
    keys: list[float] = []
    skips: list[float] = []
    heard: list[float] = []
    recording = Recording(environment)
    memories: list[tuple[float, float]] = []
    skipped, sampled, number, songs = began, began, 0, 1
    while time.perf_counter() - began < 60 * minutes:
        number += 1
        digit = 1 + (number * 4) % 9
        keys.append(radio.seconds_until(str(digit).encode(), f"{(digit - 5) / 4:+.2f}".encode()))
        now = time.perf_counter()
        if now - skipped >= SKIP_SECONDS:
            skipped, songs = now, songs + 1
            if songs % HEARD_EVERY == 0:
                heard.append(recording.seconds_until_heard(radio, b"n"))
            else:
                skips.append(radio.seconds_until(b"n", b" - AI Radio\x07"))  # a new title
        if now - sampled >= SAMPLE_SECONDS:
            sampled = now
            memories.append((memory(front), memory(learner)))
            held = " and ".join(f"{one:.0f}" for one in memories[-1])
            told = f"{now - began:6.0f} s  {songs} songs  memory {held} MB"
            print(told, file=sys.stderr, flush=True)
        until = time.perf_counter() + KEY_SECONDS
        while time.perf_counter() < until:
            radio.read(until - time.perf_counter())
    lasted = time.perf_counter() - began
    after = busy(front), busy(learner)
    recording.close()
    shown = radio.seconds_until(b"d", b"Sound device")
    interrupted = re.search(rb"Sound device\s+(\d+) interruption", radio.text)
    underruns = "unknown" if np.isnan(shown) else int(interrupted[1]) if interrupted else 0
    radio.seconds_until(b"d", b" - never")  # closes the window; nothing else is waited for
    os.write(radio.child.child_fd, b"q")
    radio.child.expect(__import__("pexpect").EOF)
    radio.child.close()
    for name, times in (
        ("key to screen", keys),
        ("skip to next name", skips),
        ("skip to its sound", heard),
    ):
        values = 1000 * np.array(times)
        quantiles = np.nanquantile(values, (0.5, 0.99, 1.0))
        told = "median {:.1f} ms  99 % {:.1f} ms  slowest {:.1f} ms".format(*quantiles)
        print(
            f"{name:18} {len(values):5d} times  {told}  never shown {int(np.isnan(values).sum())}"
        )
    print(
        f"underruns          {underruns} in {lasted / 60:.1f} minutes, "
        f"exit code {radio.child.exitstatus}"
    )
    part = max(1, len(memories) // 5)
    for index, name in enumerate(("radio", "learner")):
        series = np.array([one[index] for one in memories])
        first, last = series[:part].mean(), series[-part:].mean()
        print(
            f"memory of {name:8} {first:.0f} MB in the first fifth, {last:.0f} MB in the last, "
            f"at most {series.max():.0f} MB"
        )
    print(
        f"processor          radio {(after[0] - before[0]) / lasted:.0%}, "
        f"learner {(after[1] - before[1]) / lasted:.0%} of a core"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    if not (shutil.which("pulseaudio") and Path("/proc/self/stat").exists()):
        raise SystemExit(
            "this needs PulseAudio and /proc: "
            "Debian's pulseaudio, pulseaudio-utils and libasound2-plugins"
        )
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} before"
    )
    folder = Path(tempfile.mkdtemp(prefix="radio-"))
    server, environment = sound_server(folder)
    try:
        measure(options.minutes, environment, folder / "home")
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
