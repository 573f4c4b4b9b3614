"""The speed of the VAE whose latents move in time: its training step, and how fast it draws.

    python benchmarks/sequence_speed.py             batch 16, 64 and 256 steps; 1, 16, 192 songs
    python benchmarks/sequence_speed.py --batch 8 --json
    python benchmarks/sequence_speed.py --steps     no training steps

On one thread. A training step is loss and gradient, of 128 components a step. Milliseconds are
processor time, the median of rounds in which all contenders take turns: other programs on the
machine count little; ratios are to the first. GFLOP/s count the products that a step needs. A drawn
song is a minute of 500 steps: prior,
decoder, components.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.frames import FRAME_SIZE, SAMPLE_RATE, decode
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.vae.sequence_vae import SequenceVAE  # noqa: E402
from radio.station.mastering import levelled, master  # noqa: E402

FEATURES, COMPONENTS, MINUTE = 1212, 128, 500
OPTIONS: dict[str, dict[str, Any]] = {
    "as built": {},
    "plan, position": {"beats": 64, "position": True},
    "prior 256": {"prior_hidden": 256},
    "encoder 128, prior 256": {"encoder_hidden": 128, "prior_hidden": 256},
    "and embedding 128": {"encoder_hidden": 128, "prior_hidden": 256, "embedding": 128},
}


def moving(
    steps: int, batch: int, options: dict[str, Any], **scheduled: Any
) -> tuple[Callable[[], object], float]:
    """Return a function that makes a training step, and the products it needs."""
    rng = np.random.default_rng(0)
    flat = pack(SequenceVAE(COMPONENTS, values=FEATURES, **options, rng=rng))
    x = rng.standard_normal((steps, batch, COMPONENTS)).astype(np.float32)

    def step() -> None:
        flat.zero_grads()
        flat.module.loss(x, beta=0.01, rng=rng, **scheduled)  # type: ignore[attr-defined]

    once = ("conditioning", "song_head", "song_weight", "plan_weight")  # a song, or a beat
    weights = sum(
        p.value.size
        for name, p in flat.module.named_parameters()
        if p.value.ndim == 2 and not any(part in name for part in once)
    )
    return step, 6.0 * steps * batch * weights


def drawing(songs: int) -> Callable[[], object]:
    """Return a function that draws so many songs of a minute."""
    rng = np.random.default_rng(0)
    vae = SequenceVAE(COMPONENTS, rng=rng)
    pack(vae)
    z = rng.standard_normal((songs, vae.generator.song_size), np.float32)
    innovations = rng.standard_normal((MINUTE, songs, vae.generator.innovation_size), np.float32)
    return lambda: vae.generator.draw(z, innovations)


def sounding(frames_per_beat: int = 24, hop: int = 480) -> tuple[Callable[[], object], float]:
    """Return a function that makes frames of 64 beats sound, and the seconds of that song."""
    level = np.sin(0.01 * np.arange(64 * frames_per_beat)[:, None] + 0.3 * np.arange(FRAME_SIZE))
    frames = (level**8).astype(np.float32)

    def sound() -> np.ndarray:
        samples = levelled(decode(frames, hop_length=hop), SAMPLE_RATE)
        return master(samples, fade=2 * frames_per_beat * hop)

    return sound, len(frames) * hop / SAMPLE_RATE


def measured(contenders: list[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median processor milliseconds of each, by turns."""
    for contender in contenders:
        contender()  # compiles
        contender()
    times: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        for contender, taken in zip(contenders, times, strict=True):
            start = time.process_time()
            contender()
            taken.append(1000 * (time.process_time() - start))
    return [float(np.median(taken)) for taken in times]


def main() -> None:
    """Print milliseconds and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, nargs="*", default=[64, 256])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--songs", type=int, nargs="+", default=[1, 16, 192])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for steps in options.steps:
        made = {name: moving(steps, options.batch, given) for name, given in OPTIONS.items()}
        made["own draws twice"] = moving(steps, options.batch, {}, own_share=0.7, passes=2)
        times = measured([step for step, _ in made.values()], options.rounds)
        for (name, (_, products)), taken in zip(made.items(), times, strict=True):
            row = {"steps": steps, "what": name, "milliseconds": taken, "ratio": taken / times[0]}
            rows.append(row | {"GFLOP/s": products / taken / 1e6})
    drawn = measured([drawing(songs) for songs in options.songs], max(3, options.rounds // 3))
    for songs, taken in zip(options.songs, drawn, strict=True):
        minutes = 1000 * songs / taken
        rows.append({"songs": songs, "milliseconds": taken, "minutes a second": minutes})
    sound, seconds = sounding()
    (taken,) = measured([sound], options.rounds)
    rows.append({"sound": 1, "milliseconds": taken, "times real time": 1000 * seconds / taken})
    if options.json:
        print(json.dumps({"machine": platform.processor(), "rows": rows}, indent=2))
        return
    print(f"batch {options.batch}, load {os.getloadavg()[0]:.1f}")
    for row in rows:
        print(
            "  ".join(
                f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in row.items()
            )
        )


if __name__ == "__main__":
    main()
