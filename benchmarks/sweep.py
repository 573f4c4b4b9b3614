"""The recurrent VAE beside PyTorch at sixty shapes, cells and threads: where is it the slowest?

    python benchmarks/sweep.py                     needs PyTorch
    python benchmarks/sweep.py --seconds 2         of each

Whole training steps, as in recurrent_speed.py: both take turns, and PyTorch flushes denormal
numbers, which is fair where gradients vanish. A ratio is PyTorch's time over this library's, the
median of the rounds; below 1 this library is slower. The worst ten are printed, and the exit code
is 1 if one is below 1.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

import recurrent_ours as ours  # noqa: E402
from recurrent_speed import SETTLING, contenders, measure  # noqa: E402

# batch, time steps, features, hidden, latent: one song or many, short and long, thin and wide
SHAPES: tuple[ours.Size, ...] = (
    (1, 16, 8, 16, 4),
    (2, 32, 7, 33, 5),
    (4, 128, 64, 64, 16),
    (4, 32, 64, 256, 16),
    (8, 64, 128, 128, 32),
    (16, 64, 32, 32, 8),
    (16, 32, 146, 256, 32),
    (33, 16, 50, 100, 10),
    (64, 32, 16, 64, 8),
    (128, 8, 192, 192, 64),
)
CELLS = ("GRU", "LSTM", "RNN")
THREADS = (1, 2)
WORST = 10


def main() -> None:
    """Print the worst ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="of each shape")
    seconds = parser.parse_args().seconds
    print(f"load {os.getloadavg()[0]:.1f}")
    rows = []
    for threads in THREADS:
        for cell in CELLS:
            for shape in SHAPES:
                found = contenders(cell, shape, threads, False)
                found = [one for one in found if one.name in ("ours", "flushed")]
                if len(found) < 2:
                    sys.exit("this comparison needs PyTorch: pip install torch")
                times = measure(found, seconds, SETTLING if threads > 1 else 0.0)
                for contender in found:
                    contender.thread.shutdown()
                pairs = zip(times["flushed"], times["ours"], strict=True)
                ratio = statistics.median(theirs / own for theirs, own in pairs)
                rows.append((ratio, cell, threads, shape, statistics.median(times["ours"])))
    rows.sort()
    print(f"{len(rows)} cases; the worst {WORST}, (batch, steps, features, hidden, latent):")
    for ratio, cell, threads, shape, took in rows[:WORST]:
        case = f"{cell:4} {threads} thread{'s' * (threads > 1)} {shape}"
        print(f"  {ratio:5.2f} times  {case}  {1e3 * took:.2f} ms")
    print(f"median {statistics.median(row[0] for row in rows):.2f} times")
    sys.exit(rows[0][0] < 1)


if __name__ == "__main__":
    main()
