"""One training step of the smallest network: all of it, and without the loss itself.

    python benchmarks/training_step.py [--rounds 40]

Each figure is the least of many short trainings, a long one minus a short one, so that their start
does not count.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from neural_networks.vae.vae import VAE  # noqa: E402

SHORT, LONG = 100, 400  # steps


class Idle(VAE):
    """The example's network without its work."""

    def loss(self, *arrays: np.ndarray, **options: Any) -> float:
        """Return a loss, and leave the gradients at zero."""
        return 1.0


def seconds(kind: type[VAE], steps: int) -> float:
    """Return how long a training of so many steps takes."""
    network = kind(
        encoder_args=dict(input_size=5, input_layers=(9, 4), output_layers=(4, 6)),
        decoder_args=dict(input_size=3, input_layers=(7, 4), output_layers=(4, 5)),
        latent_size=3,
    )
    sounds = np.random.default_rng(0).standard_normal((5, 3, 5)).astype(np.float32)
    start = time.perf_counter()
    network.train(sounds, batch_size=5, max_epochs=steps, print_epochs=False)
    return time.perf_counter() - start


def main() -> None:
    """Print the two figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}; 5 sounds, batches of 5"
    )
    for name, kind in (("a step", VAE), ("around the loss", Idle)):
        seconds(kind, SHORT)  # compiles
        least = [min(seconds(kind, steps) for _ in range(rounds)) for steps in (SHORT, LONG)]
        print(f"{name}: {1e6 * (least[1] - least[0]) / (LONG - SHORT):.1f} us")


if __name__ == "__main__":
    main()
