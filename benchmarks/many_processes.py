"""A training step by one process and by several: efficiency, and the cost of communication.

    python benchmarks/many_processes.py [--processes 2] [--rounds 5] [--steps 12] [--critic]

Each process has one thread, and as many excerpts a step as a starter station is trained with. The
same work a process is measured in turn by one
alone and by several; efficiency is the time of the one over the time of the several. With --critic
it is a step of generator and critic, whose score goes back through songs as they are drawn. A
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
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.frames import FRAME_SIZE  # noqa: E402
from gan.choices import DEFAULT_CRITIC  # noqa: E402
from gan.critic_bodies import BODIES  # noqa: E402
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.parallel.mpi import processes  # noqa: E402
from radio.station import FRAMES_PER_BEAT, SequenceModel  # noqa: E402
from radio.training import sequence_recipe as recipe  # noqa: E402
from radio.training.component_excerpts import ON_BEATS, ComponentExcerpts  # noqa: E402
from radio.training.sequence_training import HIDDEN  # noqa: E402

BEATS = 64
SONGS = 48


def worker(steps: int, critic: bool) -> None:
    """Train, and let the first process print what a step took, in seconds."""
    communicator = processes()
    spent = {"wait": 0.0, "add": 0.0, "processor": 0.0}  # in the sums of one step
    add = communicator.add

    def timed(vector: np.ndarray) -> None:
        start, processor = time.perf_counter(), time.thread_time()
        communicator.broadcast(b"")
        communicator.gather(np.zeros(1))  # nobody is through before everybody is here
        arrived = time.perf_counter()
        spent["processor"] += time.thread_time() - processor
        add(vector)
        spent["wait"] += arrived - start
        spent["add"] += time.perf_counter() - arrived

    communicator.add = timed  # type: ignore[method-assign]
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 0.6, (SONGS, BEATS * FRAMES_PER_BEAT, FRAME_SIZE)).astype(np.float16)
    songs = ComponentExcerpts.of(list(noise), ON_BEATS, seed=0)
    vae = recipe.new_vae(songs, rng=rng)
    batch = ON_BEATS.batch * communicator.size
    shared: dict[str, Any] = {"seed": 0, "threads": 1, "communicator": communicator}
    step: Callable[[], object]
    if critic:
        model = SequenceModel(vae.module, songs.components)  # type: ignore[arg-type]
        scoring = pack(model.new_critic(hidden=HIDDEN, body=BODIES[DEFAULT_CRITIC], rng=rng))
        options = replace(recipe.GAN, batch_size=batch, adversarial_weight=0.3)
        step = recipe.gan_trainer(vae, scoring, songs, options=options, **shared).step
    else:
        trainer = recipe.vae_trainer(vae, songs, recipe.by_steps(1000), batch=batch, **shared)
        step = partial(trainer.step, len(songs))
    for _ in range(2):
        step()
    rows = []
    for _ in range(steps):
        spent.update(dict.fromkeys(spent, 0.0))
        start, processor = time.perf_counter(), time.thread_time()
        step()
        took, busy = time.perf_counter() - start, time.thread_time() - processor
        rows.append((took, spent["wait"], spent["add"], busy - spent["processor"]))
    if communicator.rank == 0:
        columns = dict(zip(("step", "wait", "add", "busy"), zip(*rows, strict=True), strict=True))
        print(json.dumps({**columns, "weights": vae.values.size}))


def main() -> None:
    """Measure in turn, and print medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--critic", action="store_true", help="a step of generator and critic")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.steps, options.critic)
        return
    measured: dict[int, list[dict]] = {1: [], options.processes: []}
    for _ in range(options.rounds):
        for count, found in measured.items():
            command = [__file__, "--worker", "--steps", str(options.steps)]
            command += ["--critic"] * options.critic
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
        f"{measured[1][0]['weights']:,} weights, {ON_BEATS.batch} excerpts a process and "
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
