"""Shared fixtures: no display, a home of its own, the same random numbers on every run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib; subprocesses inherit it
# before anything imports NumPy: two processes of two threads each wait for each other on two cores
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# a shell without job control makes background processes ignore Ctrl-C, and those of tests with them
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
RATE = 22050  # Hz, of the sound server

settings.register_profile("radio", deadline=None, derandomize=True, database=None)
settings.load_profile("radio")


@pytest.fixture(autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A fresh AI_RADIO_HOME, so that no test reads or writes the home of the person who runs it."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("AI_RADIO_HOME", str(folder))
    yield folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same on every run."""
    return np.random.default_rng(20240229)


@pytest.fixture
def sound_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen]:
    """PulseAudio with a null sink of 22,050 Hz, and the environment that leads to it."""
    if sys.platform == "win32" or not (shutil.which("pulseaudio") and shutil.which("parec")):
        pytest.skip(
            "PulseAudio is not installed (Debian: pulseaudio pulseaudio-utils libasound2-plugins)"
        )
    # short: the socket's path has at most 107 letters
    folder = Path(tempfile.mkdtemp(prefix="pulse-"))
    for name, value in {
        "HOME": folder,
        "XDG_RUNTIME_DIR": folder,
        "PULSE_SERVER": f"unix:{folder}/native",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [
            "pulseaudio",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "-n",
            "--log-target=stderr",
            "-L",
            f"module-null-sink sink_name=test rate={RATE} channels=1",
            "-L",
            f"module-native-protocol-unix auth-anonymous=1 socket={folder}/native",
        ],
        stderr=log,
        stdout=log,
    )
    try:
        for _ in range(100):
            if subprocess.run(["pactl", "info"], capture_output=True).returncode == 0:
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"PulseAudio did not start: {(folder / 'log').read_text()}")
        yield server
    finally:
        server.terminate()
        server.wait(10)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)
