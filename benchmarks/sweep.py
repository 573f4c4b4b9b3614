"""The recurrent VAE beside PyTorch at sixty shapes, cells and threads: where is it the slowest?

    python benchmarks/sweep.py                     needs PyTorch
    python benchmarks/sweep.py --seconds 2         of each

Whole training steps, as in recurrent_speed.py: both take turns, and PyTorch flushes denormal
numbers, which is fair where gradients vanish. A ratio is PyTorch's time over this library's, the
median of the rounds; below 1 this library is slower. Each is printed, then the worst ten, and the
exit code is 1 if one is below 1.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import recurrent_ours as ours  # noqa: E402
from benchmarks.recurrent_speed import contenders, measure  # noqa: E402

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
    """Print the ratios, then the worst."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="of each shape")
    parser.add_argument("--threads", type=int, choices=(1, 2), nargs="+", default=[1, 2])
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; (batch, steps, features, hidden, latent):")
    rows = []
    for threads in options.threads:
        for cell in options.cells:
            for shape in SHAPES:
                found = contenders(cell, shape, threads, False)
                found = [one for one in found if one.name in ("ours", "flushed")]
                if len(found) < 2:
                    sys.exit("this comparison needs PyTorch: pip install torch")
                times = measure(found, options.seconds, threads)
                for contender in found:
                    contender.thread.shutdown()
                pairs = zip(times["flushed"], times["ours"], strict=True)
                ratio = statistics.median(theirs / own for theirs, own in pairs)
                case = f"{cell:4} {threads} thread{'s' * (threads > 1)} {shape}"
                took = 1e3 * statistics.median(times["ours"])
                rows.append((ratio, f"{ratio:6.2f} times  {case}  {took:.2f} ms"))
                print(rows[-1][1], flush=True)
    rows.sort()
    print(
        f"\nthe worst of {len(rows)}, median {statistics.median(row[0] for row in rows):.2f} times:"
    )
    for _, line in rows[:WORST]:
        print(line)
    sys.exit(rows[0][0] < 1)


if __name__ == "__main__":
    main()
