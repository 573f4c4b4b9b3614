"""The speed of one recurrent layer, forward and backward, at the stations' sizes and others.

    python benchmarks/layer_speed.py
    python benchmarks/layer_speed.py --cells LSTM --shapes 64 16 32 32

GFLOP/s of the products that a layer needs, on one thread, by the least processor time of many
runs. NUMBA_CPU_NAME and NUMBA_CPU_FEATURES play an older processor.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from neural_networks.components.gru import GRU  # noqa: E402
from neural_networks.components.lstm import LSTM  # noqa: E402
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.components.rnn import RNN  # noqa: E402

CELLS: dict[str, tuple[Any, int]] = {"GRU": (GRU, 3), "LSTM": (LSTM, 4), "RNN": (RNN, 1)}
SHAPES = (
    (128, 4, 64, 256),
    (64, 8, 128, 128),
    (64, 16, 146, 256),
    (64, 16, 32, 32),
    (256, 32, 96, 128),
    (256, 32, 128, 384),
)


def least(function: Callable[[], object], rounds: int) -> float:
    """Return the least processor seconds of many runs."""
    function()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print GFLOP/s."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--shapes", type=int, nargs="+", help="steps, batch, inputs, units of each")
    options = parser.parse_args()
    given = options.shapes or [size for shape in SHAPES for size in shape]
    if len(given) % 4 or min(given) < 1:
        parser.error("a shape is four positive numbers: steps, batch, inputs, units")
    rng = np.random.default_rng(0)
    for name in options.cells:
        kind, gates = CELLS[name]
        for steps, batch, inputs, units in zip(*(given[i::4] for i in range(4)), strict=True):
            cell = kind(inputs, units, rng=rng)
            pack(cell)
            x = rng.standard_normal((steps, batch, inputs), np.float32)
            y, cache = cell.forward(x)
            giga = 2e-9 * steps * batch * gates * units * (inputs + units)
            rounds = max(8, round(10 / giga))
            forward = giga / least(partial(cell.forward, x), rounds)
            back = 2 * giga / least(partial(cell.backward, y, cache), rounds)
            print(f"{name:4} {steps, batch, inputs, units}: {forward:.0f} and {back:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
