"""What each kernel costs to compile: CPU seconds of one process with an empty cache.

    python benchmarks/compile_time.py            what playing needs, then a training, then the rest
    python benchmarks/compile_time.py --rows 40  the most expensive 40 of each

A function's own seconds are those without the functions that were compiled while it was.
The number of functions is what radio/composer/warm_up.py counts its bar by.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def costs(part: str) -> tuple[list[tuple[float, float, str]], float]:
    """Compile the kernels of a part; return own and whole seconds and names, and all seconds."""
    from numba.core import event

    from radio.composer import warm_up

    rows: list[tuple[float, float, str]] = []
    running: list[list[float]] = []

    class Clock(event.Listener):
        def on_start(self, event: Any) -> None:
            running.append([time.process_time(), 0.0])

        def on_end(self, event: Any) -> None:
            began, within = running.pop()
            seconds = time.process_time() - began
            if running:
                running[-1][1] += seconds
            function = event.data["dispatcher"].py_func
            name = f"{function.__module__}.{function.__name__}"
            rows.append((seconds - within, seconds, name.removeprefix("neural_networks.")))

    began = time.process_time()
    with event.install_listener("numba:compile", Clock()):
        warm_up._use_kernels(part)
    return sorted(rows, reverse=True), time.process_time() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the compilation of the kernels.")
    parser.add_argument("--rows", type=int, default=12, help="of each table (default: 12)")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from radio.composer.warm_up import PARTS

    named = ("what playing needs", "what a training needs beside", "the rest")
    for part, what in zip(PARTS, named, strict=True):
        rows, seconds = costs(part)
        compiling = sum(own for own, _, _ in rows)
        print(f"{what}: {compiling:.1f} s of {seconds:.1f} s, {len(rows)} functions compiled")
        for own, whole, name in rows[: options.rows]:
            print(f"{own:7.2f} {whole:7.2f}  {name}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
        main()
