"""A training step by one process and by several: efficiency, and the cost of communication.

    python benchmarks/many_processes.py [--processes 2] [--rounds 5] [--steps 12]

Each process has one thread and 8 songs of 64 beats a step. The same work a process is measured in
turn by one alone and by several; efficiency is the time of the one over the time of the several. A
process that comes to the sum of the gradients first waits for the others; this is counted apart
from the sum itself. On a machine that does other work only the processor's time means something:
that of a step less what was spent waiting. Needs `pip install 'ai-radio[mpi]'` and an mpiexec.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.parallel.mpi import processes  # noqa: E402
from neural_networks.vae.recurrent_vae import RecurrentVAE  # noqa: E402
from radio.station import steps as song_data  # noqa: E402
from radio.training import (  # noqa: E402
    BATCH_SIZE,
    PIECE,
    TrainingSongs,  # noqa: E402
    vae_trainer,
)

BEATS = 64
SONGS = 48


def worker(steps: int) -> None:
    """Train, and let the first process print what a step took, in seconds."""
    communicator = processes()
    waited, added, waited_processor = [0.0], [0.0], [0.0]
    add = communicator.add

    def timed(vector: np.ndarray) -> None:
        start, processor = time.perf_counter(), time.thread_time()
        communicator.broadcast(b"")
        communicator.gather(np.zeros(1))  # nobody is through before everybody is here
        arrived = time.perf_counter()
        waited_processor.append(time.thread_time() - processor)
        add(vector)
        waited.append(arrived - start)
        added.append(time.perf_counter() - arrived)

    communicator.add = timed  # type: ignore[method-assign]
    rng = np.random.default_rng(0)
    songs = rng.uniform(
        0, 0.6, (SONGS, BEATS * song_data.STEPS_PER_BEAT, song_data.STEP_SIZE)
    ).astype(np.float32)
    training = TrainingSongs(songs, np.zeros((SONGS, 0), np.float32), ["noise"] * SONGS, "absolute")
    vae = pack(RecurrentVAE(song_data.STEP_SIZE, beats=BEATS, rng=rng))
    batch = BATCH_SIZE * communicator.size
    trainer = vae_trainer(
        vae,
        training,
        steps=1000,
        seed=0,
        threads=1,
        batch=batch,
        pieces=batch // PIECE,
        communicator=communicator,
    )
    for _ in range(2):
        trainer.step(SONGS)
    times, processor_times = [], []
    for _ in range(steps):
        start, processor = time.perf_counter(), time.thread_time()
        trainer.step(SONGS)
        times.append(time.perf_counter() - start)
        processor_times.append(time.thread_time() - processor)
    if communicator.rank == 0:
        busy = np.array(processor_times) - np.resize(waited_processor[-steps:], steps)
        measured = {
            "step": times,
            "wait": waited[-steps:],
            "add": added[-steps:],
            "busy": busy.tolist(),
            "weights": vae.values.size,
        }
        print(json.dumps(measured))


def main() -> None:
    """Measure in turn, and print medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.steps)
        return
    measured: dict[int, list[dict]] = {1: [], options.processes: []}
    for _ in range(options.rounds):
        for count, found in measured.items():
            command = [__file__, "--worker", "--steps", str(options.steps)]
            done = subprocess.run(
                ["mpiexec", "-n", str(count), sys.executable, *command],
                stdout=subprocess.PIPE,
                check=True,
                env={**os.environ},
            )
            found.append(json.loads(done.stdout))
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )
    print(
        f"{measured[1][0]['weights']:,} weights, {BATCH_SIZE} songs of {BEATS} beats a process and "
        f"step, {options.rounds} rounds"
    )
    for count, found in measured.items():
        step, wait, add, busy = (
            1e3 * np.concatenate([one[name] for one in found])
            for name in ("step", "wait", "add", "busy")
        )
        print(
            f"{count} processes: a step {np.median(step):.1f} ms (least {step.min():.1f}; of the "
            "processor, without waiting, "
            f"{np.median(busy):.1f}, least {busy.min():.1f}), the sum {np.median(add):.2f} ms "
            f"({100 * np.median(add) / np.median(step):.1f} %), waiting for each other "
            f"{np.median(wait):.2f} ms "
            f"({100 * np.median(wait) / np.median(step):.1f} %)"
        )
    for name in ("step", "busy"):
        ratios = [
            np.median(a[name]) / np.median(b[name])
            for a, b in zip(measured[1], measured[options.processes], strict=True)
        ]
        least = min(min(one[name]) for one in measured[1]) / min(
            min(one[name]) for one in measured[options.processes]
        )
        what = (
            "efficiency"
            if name == "step"
            else "efficiency of the processor's time, without waiting"
        )
        print(
            f"{what} {np.median(ratios):.2f} (of the rounds {min(ratios):.2f} to "
            f"{max(ratios):.2f}; of the least times {least:.2f})"
        )


if __name__ == "__main__":
    main()
