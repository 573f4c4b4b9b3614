"""The training step that everybody waits for: the starter's network, and one of recordings.

    python benchmarks/sequence_steps.py
    git worktree add /tmp/before HEAD~10
    python benchmarks/sequence_steps.py --beside /tmp/before

Whole steps as `vae_trainer` makes them on one thread: excerpts are drawn, loss and gradient
computed, Adam changes the weights. The music is noise as loud as music, 40 recordings of 64 beats;
speed does not depend on it. Both versions take turns, each in a process of its own; the figures are
of processor time, so that other programs count little: the median of the rounds, and of the ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent.parent
RECIPES = {"starter": "ON_BEATS", "recordings": "RECORDINGS"}


def work(tree: str, recipe_name: str, steps: int) -> None:
    """Make `steps` steps for each line of the standard input, and print the seconds they took."""
    sys.path.insert(0, tree)
    import numpy as np

    from radio.training import component_excerpts as recipes
    from radio.training.sequence_recipe import by_steps, new_vae, vae_trainer

    rng = np.random.default_rng(0)
    moves = (0.03 * rng.standard_normal((1536, 202), dtype=np.float32) for _ in range(40))
    music = [np.cumsum(frames, axis=0).astype(np.float16) for frames in moves]
    recipe = getattr(recipes, RECIPES[recipe_name])
    songs = recipes.ComponentExcerpts.of(music, recipe, seed=0)
    vae = new_vae(songs, rng=np.random.default_rng(0))
    trainer = vae_trainer(vae, songs, by_steps(10_000), seed=0, threads=1)
    trainer.run(len(songs), 60)  # compiles, and has drawn most of the music once
    print(trainer.run(len(songs), 61)[-1], flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        trainer.run(len(songs), trainer.steps + steps)
        print(time.process_time() - start, flush=True)


def main() -> None:
    """Print steps a second."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beside", type=Path, help="another working tree of this repository")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10, help="of a round")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        return work(*options.work, options.steps)
    print(f"load {os.getloadavg()[0]:.1f}, {options.rounds} rounds of {options.steps} steps")
    for recipe in RECIPES:
        trees = [HERE] + ([options.beside.resolve()] if options.beside else [])
        workers = [
            subprocess.Popen(
                [sys.executable, __file__, "--work", str(tree), recipe]
                + ["--steps", str(options.steps)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                cwd=tree,
                text=True,
                bufsize=1,
            )
            for tree in trees
        ]
        losses = [float(worker.stdout.readline()) for worker in workers]  # type: ignore[union-attr]
        times: list[list[float]] = [[] for _ in workers]
        for _ in range(options.rounds):
            for worker, taken in zip(workers, times, strict=True):
                assert worker.stdin and worker.stdout
                worker.stdin.write("\n")
                taken.append(float(worker.stdout.readline()) / options.steps)
        for worker in workers:
            worker.communicate()
        line = f"{recipe}: {1 / statistics.median(times[0]):.1f} steps a second"
        if options.beside:
            ratios = [before / now for now, before in zip(*times, strict=True)]
            line += f", before {1 / statistics.median(times[1]):.1f}: "
            line += f"{min(ratios):.2f} {statistics.median(ratios):.2f} {max(ratios):.2f} times"
            line += f"; losses after 61 steps {losses[0]:.6f} and {losses[1]:.6f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
