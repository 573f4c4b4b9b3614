"""A step of an adversarial training (generator, then critic), on one thread.

    python benchmarks/gan_speed.py                     both critics, 64 and 256 steps
    python benchmarks/gan_speed.py --steps 64 --json

16 songs of 128 components a step. With an adversarial weight the VAE learns too: its own loss, new
songs through the sampled recurrence, and the critic's gradient back through it; without one, as
stations are trained, the generator only draws songs for the critic. The times are processor seconds
of the process, the median of rounds that alternate: other programs on the machine count little.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan.critic import Critic  # noqa: E402
from gan.critic_bodies import BODIES  # noqa: E402
from gan.trainer import GANOptions, GANTrainer  # noqa: E402
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.vae.sequence_vae import SequenceVAE  # noqa: E402

COMPONENTS, BATCH, SONGS, HIDDEN = 128, 16, 48, 128


class Noise:
    """Songs (S, B, K) of noise."""

    def __init__(self, steps: int) -> None:
        rng = np.random.default_rng(0)
        self._songs = rng.standard_normal((steps, SONGS, COMPONENTS), np.float32)

    def __len__(self) -> int:
        return SONGS

    def draw(self, indices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the songs of some numbers (B,)."""
        return np.ascontiguousarray(self._songs[:, indices])


def step_of(body: str, steps: int, weight: float) -> Callable[[], object]:
    """Return a function that makes one step."""
    rng = np.random.default_rng(0)
    vae = pack(SequenceVAE(COMPONENTS, values=1212, rng=rng))
    critic = pack(Critic(COMPONENTS, HIDDEN, body=BODIES[body], centre=0.0, rng=rng))
    options = GANOptions(batch_size=BATCH, adversarial_weight=weight)
    return GANTrainer(vae, critic, Noise(steps), options=options, threads=1).step


def measured(steps: list[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median processor seconds of each step, measured by turns."""
    for step in steps:
        for _ in range(2):  # compiles, and warms the caches
            step()
    seconds: list[list[float]] = [[] for _ in steps]
    for _ in range(rounds):
        for one, step in zip(seconds, steps, strict=True):
            start = time.process_time()
            step()
            one.append(time.process_time() - start)
    return [float(np.median(one)) for one in seconds]


def main() -> None:
    """Print milliseconds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for steps in options.steps:
        kinds = [(body, weight) for body in ("convolutional", "recurrent") for weight in (0.3, 0.0)]
        times = measured([step_of(body, steps, weight) for body, weight in kinds], options.rounds)
        for (body, weight), seconds in zip(kinds, times, strict=True):
            row = {"steps": steps, "critic": body, "weight": weight, "milliseconds": 1000 * seconds}
            rows.append(row)
            if not options.json:
                print(f"{steps:4} steps  {body:13}  weight {weight}  {1000 * seconds:.1f} ms")
    if options.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
