"""One training step of a GRU layer, forward and backward, beside PyTorch in the same process, interleaved.

    python benchmarks/recurrent_speed.py [--threads 2] [--sizes S2 S3] [--seconds 5] [--json result.json]

PyTorch is optional: `pip install torch`; without it only our times are printed. A ratio is PyTorch's time over ours in
one round, so above 1 we are faster. With two threads ours runs two halves of the batch, as the Trainer does.
NOTE: set OPENBLAS_NUM_THREADS=1 if the machine is not otherwise idle; our layer does not use it, NumPy's start-up does.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from neural_networks.components.gru import GRU
from neural_networks.components.kernels_tile import TILE
from neural_networks.components.parameters import pack

# name: batch, time steps, input size, hidden size
SIZES = {
    "S0": (5, 3, 5, 4),
    "S1": (16, 64, 32, 32),
    "S2": (32, 256, 96, 128),
    "S3": (32, 256, 128, 384),
    "encoder": (8, 256, 128, 128),
    "decoder": (8, 256, 146, 256),
}


def operations(batch: int, steps: int, inputs: int, hidden: int) -> int:
    """Return the floating-point operations of the matrix products: each forward one has two in the backward pass."""
    return 3 * 2 * batch * steps * 3 * hidden * (inputs + hidden)


def our_step(size: tuple[int, int, int, int], threads: int) -> Callable[[], object]:
    """Return a function that runs one step of ours."""
    batch, steps, inputs, hidden = size
    rng = np.random.default_rng(0)
    flats = [pack(GRU(inputs, hidden, rng=rng))]
    flats += [flats[0].twin() for _ in range(threads - 1)]
    cuts = [batch * i // threads for i in range(threads + 1)]
    x, dy = (rng.standard_normal((steps, batch, n), np.float32) for n in (inputs, hidden))
    parts = [[np.ascontiguousarray(a[:, b:e]) for a in (x, dy)] for b, e in zip(cuts[:-1], cuts[1:], strict=True)]

    def run(part: int) -> None:
        flat = flats[part]
        flat.zero_grads()
        _, cache = flat.module.forward(parts[part][0])
        flat.module.backward(parts[part][1], cache)

    if threads == 1:
        return lambda: run(0)
    pool = ThreadPoolExecutor(threads - 1)

    def step() -> None:
        others = [pool.submit(run, part) for part in range(1, threads)]
        run(0)
        for other in others:
            other.result()
        for flat in flats[1:]:
            flats[0].grads += flat.grads

    return step


def torch_step(size: tuple[int, int, int, int], threads: int) -> Callable[[], object] | None:
    """Return a function that runs one step of PyTorch's layer, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    batch, steps, inputs, hidden = size
    torch.manual_seed(0)
    layer = torch.nn.GRU(inputs, hidden)
    x, dy = torch.randn(steps, batch, inputs, requires_grad=True), torch.randn(steps, batch, hidden)

    def step() -> None:
        layer.zero_grad(set_to_none=True)
        x.grad = None
        layer(x)[0].backward(dy)

    return step


def measure(functions: list[Callable[[], object]], seconds: float) -> list[list[float]]:
    """Return the times of each function in rounds, in seconds; in every round each runs a few times, and the best counts."""
    for function in functions:
        function()
        function()
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for function, found in zip(functions, times, strict=True):
            best = float("inf")
            for _ in range(3):
                start = time.perf_counter()
                function()
                best = min(best, time.perf_counter() - start)
            found.append(best)
    return times


def main() -> None:
    """Print the table and, if asked, write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0, help="time for each size")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    rows: list[dict[str, Any]] = []
    for name in arguments.sizes:
        size = SIZES[name]
        ours, theirs = our_step(size, arguments.threads), torch_step(size, arguments.threads)
        times = measure([ours, theirs] if theirs else [ours], arguments.seconds)
        median = statistics.median(times[0])
        row: dict[str, Any] = {
            "size": name,
            "batch, T, inputs, hidden": size,
            "ms": 1e3 * median,
            "GFLOP/s": operations(*size) / median / 1e9,
        }
        line = f"{name:8} {size!s:20} ours {row['ms']:9.3f} ms {row['GFLOP/s']:6.1f} GFLOP/s"
        if theirs:
            ratios = [b / a for a, b in zip(*times, strict=True)]
            row |= {"torch ms": 1e3 * statistics.median(times[1]), "ratio": [min(ratios), statistics.median(ratios), max(ratios)]}
            line += "   PyTorch {:9.3f} ms   ratio {:.2f} {:.2f} {:.2f}".format(row["torch ms"], *row["ratio"])
        print(line, flush=True)
        rows.append(row)
    torch = sys.modules.get("torch")
    machine = {
        "processor": _processor(), "tile": TILE, "threads": arguments.threads, "python": platform.python_version(),
        "numpy": np.__version__, "torch": torch.__version__ if torch else None,
    }  # fmt: skip
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1), encoding="utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
