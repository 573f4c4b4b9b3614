"""One training step of a recurrent VAE, interleaved with PyTorch's and JAX's in one process.

    python benchmarks/recurrent_speed.py                 all sizes and cells on one core
        --threads 2 --sizes S2 S3 --cells GRU --seconds 20 --json result.json
        --song                                           the decoder alone, a song of 1024 steps
        --accuracy | --memory | --compile                this library alone: float32 errors, bytes,
                                                         the first step's time

A step: encoder over T time steps -> mu, log-variance -> decoder, fed the latent at every step ->
linear -> squared error + KL -> all of backpropagation through time -> Adam. In every round each
contender runs a few times and its best counts; a ratio is the peer's time over ours in one round,
so above 1 we are faster: its minimum, median and maximum are printed. PyTorch and JAX are optional
peers, `pip install torch jax`; the others are measured without them.

How the comparison is fair:
- PyTorch is measured twice. The gradient of an untrained encoder fades over 256 steps into denormal
  numbers, on which the processor is slow: as it comes ("torch") it takes three to eight times
  longer at S2 than with torch.set_flush_denormal(True) ("flushed"), which few users know. Our cells
  and JAX flush by themselves, so "flushed" is the fair comparison and "torch" is what a user gets.
- Each contender runs on its own thread, since that setting belongs to a thread and to the threads
  that it starts.
- One thread means one core, to which the process is bound, and processor time, so that other
  programs count little. With two, ours runs two pieces of the batch, as the Trainer does; at S0
  handing one over costs more than it saves, and the Trainer would not. NOTE: measure two threads on
  two cores only while nothing else runs: any other load makes both pieces wait for it, ours and the
  peers'. The load is printed.
- GFLOP/s count the products that a step needs, not those that a library makes. The peak is that of
  our own register tile, in the same rounds on one core, times the threads: not the processor's,
  whose matrix unit (AMX) none of them uses in float32.
- `Recurrent` has a second layer in each of its networks, or it would have no leaky ReLU, and runs
  at S0 and S1 only.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import (
    recurrent_ours as ours,  # noqa: E402
    recurrent_peers as peers,  # noqa: E402
)

SONG_STEPS = 1024
# seconds that a peer's second thread goes on turning after its work is done, where it would take
# ours
SETTLING = 0.3
FEWEST_ROUNDS = 3


class Contender(NamedTuple):
    """A function to be timed, and the thread on which it always runs."""

    name: str
    run: Callable[[], object]
    thread: Executor


def hold_to(threads: int) -> None:
    """Restart this program with so many threads in all libraries, which read it when loaded."""
    count = str(threads)
    if os.environ.get("RECURRENT_SPEED_THREADS") == count:
        return
    for name in ("OMP", "MKL"):
        os.environ[f"{name}_NUM_THREADS"] = count
    # NumPy's, which the Trainer holds to the thread that calls it
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ |= {"RECURRENT_SPEED_THREADS": count, "JAX_PLATFORMS": "cpu"}
    if threads == 1:
        os.environ["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def contenders(cell: str, size: ours.Size, threads: int, song: bool) -> list[Contender]:
    """Return ours, and the peers that are installed."""
    x = ours.frames(size)
    found = [
        Contender(
            "ours",
            ours.song(cell, size, SONG_STEPS)
            if song
            else ours.training_step(cell, size, x, threads),
            ThreadPoolExecutor(1),
        )
    ]
    if find_spec("torch"):
        import torch

        def theirs() -> peers.Step:
            return (
                peers.torch_song(cell, size, SONG_STEPS)
                if song
                else peers.torch_step(cell, size, x)
            )

        torch.set_num_threads(threads)
        found.append(Contender("torch", theirs(), ThreadPoolExecutor(1)))
        # The threads that PyTorch starts from this one inherit the setting; those of the other
        # contender are others.
        found.append(
            Contender(
                "flushed",
                theirs(),
                ThreadPoolExecutor(1, initializer=torch.set_flush_denormal, initargs=(True,)),
            )
        )
    if find_spec("jax") and not song and cell != "Recurrent":
        found.append(Contender("jax", peers.jax_step(cell, size, x), ThreadPoolExecutor(1)))
    return found


def best_of(function: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the shortest of a few times in seconds: of three, or of as many as fit into 5 ms."""
    best, made = float("inf"), 0
    end = clock() + 5e-3
    while made < 3 or clock() < end:
        start = clock()
        function()
        best = min(best, clock() - start)
        made += 1
    return best


def measure(found: list[Contender], seconds: float, threads: int) -> dict[str, list[float]]:
    """Return the best times of each contender in each round, in seconds.

    Those of one thread are the processor's, so that other programs count little; those of two are
    the clock's, and before each the processor is idle for a while.
    """
    clock, idle = (time.process_time, 0.0) if threads == 1 else (time.perf_counter, SETTLING)
    for contender in found:
        for _ in range(2):
            contender.thread.submit(contender.run).result()
    times: dict[str, list[float]] = {contender.name: [] for contender in found}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["ours"]) < FEWEST_ROUNDS:
        for contender in found:
            time.sleep(idle)
            times[contender.name].append(
                contender.thread.submit(best_of, contender.run, clock).result()
            )
    return times


def race(name: str, cell: str, threads: int, seconds: float, song: bool) -> dict[str, Any]:
    """Measure one size and cell, print a line and return it as numbers."""
    size = ours.SIZES[name]
    found = contenders(cell, size, threads, song)
    work = ours.peak()
    if work is not None:
        found.append(Contender("peak", work[0], ThreadPoolExecutor(1)))
    times = measure(found, seconds, threads)
    for contender in found:
        contender.thread.shutdown()
    median = statistics.median(times["ours"])
    row: dict[str, Any] = {
        "size": name,
        "cell": cell,
        "B, T, F, H, Z": size,
        "rounds": len(times["ours"]),
        "ms": 1e3 * median,
    }
    line = f"{name} {cell:9} ours {row['ms']:9.3f} ms"
    if not song:
        row["GFLOP/s"] = ours.operations(cell, size) / median / 1e9
        line += f" {row['GFLOP/s']:6.1f} GFLOP/s"
        if work is not None:
            ceiling = threads * work[1] / 1e9
            shares = [
                ours.operations(cell, size) / 1e9 / a * b / ceiling
                for a, b in zip(times["ours"], times["peak"], strict=True)
            ]
            row |= {
                "peak GFLOP/s": ceiling / statistics.median(times["peak"]),
                "share of peak": statistics.median(shares),
            }
            line += f" {100 * row['share of peak']:3.0f} % of {row['peak GFLOP/s']:.0f}"
    for contender in found:
        if contender.name in ("ours", "peak"):
            continue
        ratios = [b / a for a, b in zip(times["ours"], times[contender.name], strict=True)]
        theirs = 1e3 * statistics.median(times[contender.name])
        row[contender.name] = {
            "ms": theirs,
            "ratio": [min(ratios), statistics.median(ratios), max(ratios)],
        }
        spread = f"{min(ratios):.2f} {statistics.median(ratios):.2f} {max(ratios):.2f}"
        line += f" | {contender.name} {theirs:.3f} ms x {spread}"
    print(line, flush=True)
    return row


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the function's result from a new process that has run nothing yet."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def print_memory(name: str, cell: str) -> dict[str, Any]:
    """Print and return the memory of a step."""
    found = in_fresh_process(ours.memory, cell, ours.SIZES[name])
    print(
        f"{name} {cell:9} needed {found['needed']:8.3f} MB  cache {found['cache']:8.3f} MB"
        f"  Python and NumPy at most {found['arrays']:8.3f} MB"
        f"  process grew by {found['process']:8.3f} MB"
    )
    return {"size": name, "cell": cell, "memory MB": found}


def print_compile(name: str, cell: str) -> dict[str, Any]:
    """Print and return the time of a process's first step, without and with Numba's cache."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
        empty, filled = (
            in_fresh_process(ours.first_step, cell, ours.SIZES[name]) for _ in range(2)
        )
    print(
        f"{name} {cell:9} first step {empty:6.2f} s with an empty cache, "
        f"{filled:6.3f} s with a filled one",
        flush=True,
    )
    return {"size": name, "cell": cell, "first step s": [empty, filled]}


def print_accuracy(name: str, cell: str) -> dict[str, Any]:
    """Print and return the float32 errors of a step's gradient and loss."""
    gradient, loss = ours.accuracy(cell, ours.SIZES[name])
    print(
        f"{name} {cell:9} against float64: gradient {gradient:.1e} of the largest, loss {loss:.1e}",
        flush=True,
    )
    return {"size": name, "cell": cell, "gradient error": gradient, "loss error": loss}


def machine(threads: int) -> dict[str, Any]:
    """Return what the figures depend on."""
    versions = {}
    for name in ("numpy", "numba", "torch", "jax"):
        versions[name] = importlib.metadata.version(name) if find_spec(name) else None
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    tile = ours.TILE
    return {
        "processor": _processor(),
        "tile": tile,
        "threads": threads,
        "load": load,
        "python": platform.python_version(),
        **versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def main() -> None:
    """Print the table and, if asked, write it as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=ours.SIZES, default=list(ours.SIZES))
    parser.add_argument("--cells", nargs="+", choices=ours.CELLS, default=list(ours.CELLS))
    parser.add_argument("--threads", type=int, choices=(1, 2), default=1)
    parser.add_argument(
        "--seconds",
        type=float,
        default=5.0,
        help="time for each size and cell; three rounds are always made",
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--song",
        action="store_true",
        help=f"the decoder alone, for one song of {SONG_STEPS} time steps",
    )
    mode.add_argument("--accuracy", action="store_true", help="errors of float32 against float64")
    mode.add_argument("--memory", action="store_true", help="bytes of a step")
    mode.add_argument("--compile", action="store_true", help="time of the first step of a process")
    arguments = parser.parse_args()
    hold_to(arguments.threads)

    report = next(
        (
            f
            for f, asked in (
                (print_accuracy, arguments.accuracy),
                (print_memory, arguments.memory),
                (print_compile, arguments.compile),
            )
            if asked
        ),
        None,
    )
    rows: list[dict[str, Any]] = []
    before = machine(arguments.threads)
    for name in arguments.sizes:
        for cell in arguments.cells:
            if cell == "Recurrent" and name not in ("S0", "S1"):
                continue
            rows.append(
                report(name, cell)
                if report
                else race(name, cell, arguments.threads, arguments.seconds, arguments.song)
            )
    print(", ".join(f"{key} {value}" for key, value in before.items()))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"machine": before, "rows": rows}, indent=1), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
