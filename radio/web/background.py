"""Processes that work for the server: at a low priority, so that playback never stutters.

Their input is a pipe without content. They watch it, and end when the server closes it, or dies.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from radio.composer import PACKAGES

NICE = 10


def start_process(module: str, *arguments: str, log: Path, mode: str) -> subprocess.Popen[bytes]:
    """Start `python -m module`; its input and output are pipes, its errors go to a log."""
    environment = {**os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])
    )
    with log.open(mode) as errors:
        return subprocess.Popen(
            # -P: files in the working folder must not shadow libraries.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )


def lower_priority() -> None:
    """Lower the priority of this process."""
    with contextlib.suppress(OSError, AttributeError):  # Windows has no nice
        os.nice(NICE)


def wait_for_server() -> None:
    """Return when the server closes the input, or dies."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
