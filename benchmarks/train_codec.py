"""Make the codec's network again, the one that ships: compression/models/restoring.npz.

    python benchmarks/train_codec.py    minutes; writes the file if it beats the intervals' middles

It learns from the starter collection alone (compression_music.py). Printed is the gain in dB over
the middles, for each quality, on starter tunes that it did not learn from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.compression_music import rendered, training_sounds  # noqa: E402
from compression.codec import QUALITIES, ROUNDING  # noqa: E402
from compression.lapped import CHUNK, Folding, frequencies  # noqa: E402
from compression.restoring import SHIPPED, Restorer, neighbourhoods  # noqa: E402
from compression.training import chunks_of  # noqa: E402
from neural_networks.components.losses import mean_squared_error  # noqa: E402
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.optimizers.optimizers import Adam  # noqa: E402
from neural_networks.optimizers.schedules import cosine  # noqa: E402
from neural_networks.training.trainer import Piece, Trainer  # noqa: E402

PLACES = 3000  # of each sound at each step


def scaled(sound: np.ndarray, share: float) -> np.ndarray:
    """Return coefficients (1, T, N) of a sound (n,) in steps."""
    coefficients = frequencies(Folding(+1).push(chunks_of(sound, CHUNK)[None]))
    return coefficients / np.float32(share * np.sqrt(np.mean(coefficients**2)))


def rounded(coefficients: np.ndarray) -> np.ndarray:
    """Return levels, as the codec rounds them."""
    return (np.sign(coefficients) * np.floor(np.abs(coefficients) + ROUNDING)).astype(np.int32)


def examples(
    sounds: list[np.ndarray], rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield neighbourhoods (m, FEATURES) and the excess of each level over its value (m, 1)."""
    for sound in sounds:
        for _ in range(2):
            coefficients = scaled(sound, float(np.exp(rng.uniform(np.log(0.02), np.log(1.4)))))
            levels = rounded(coefficients)
            places = np.nonzero(levels)
            chosen = rng.choice(len(places[0]), min(PLACES, len(places[0])), replace=False)
            places = tuple(axis[chosen] for axis in places)
            yield (
                neighbourhoods(levels, places),
                (np.abs(levels[places]) - np.abs(coefficients[places]))[:, None].astype(np.float32),
            )


def main(arguments: list[str] | None = None) -> int:
    """Train, print, and write the file; return 1 if it is no better than the middles."""
    parser = argparse.ArgumentParser(
        description="Train the codec's network on the starter collection."
    )
    parser.add_argument("--steps", type=int, default=6000, help="of training (default 6000)")
    parser.add_argument(
        "--mixtures", type=int, default=120, help="of starter songs to learn from (default 120)"
    )
    parser.add_argument("--output", type=Path, default=SHIPPED, help=f"default {SHIPPED}")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    pairs = list(examples(training_sounds(rng, mixtures=options.mixtures), rng))
    inputs, targets = (np.concatenate([pair[index] for pair in pairs]) for index in range(2))
    print(f"{len(inputs):,} levels to learn from")
    restorer = Restorer(rng=rng)

    def loss(network, batch: Piece) -> float:  # type: ignore[no-untyped-def]
        y, cache = network.forward(inputs[batch.indices])
        value, dy = mean_squared_error(y, targets[batch.indices])
        network.backward(dy, cache)
        return value

    trainer = Trainer(
        pack(restorer.network),
        loss,
        Adam(),
        cosine(3e-3, options.steps, final=0.01),
        batch_size=4096,
        threads=1,
    )
    losses = trainer.run(len(inputs), options.steps)
    print(
        f"mean squared error: {losses[-100:].mean():.5f} of a step squared; "
        f"the middles have {np.mean(targets**2):.5f}"
    )
    gains = []
    for quality, share in QUALITIES.items():
        errors = np.zeros(2)
        for sound in rendered("stopping"):
            coefficients = scaled(sound, share)
            levels = rounded(coefficients)
            each = [
                float(np.sum((restored - coefficients) ** 2))
                for restored in (levels, restorer.restore(levels))
            ]
            errors += np.array(each) / np.sum(coefficients**2)
        gains.append(10 * np.log10(errors[0] / errors[1]))
        print(f"quality {quality}: {gains[-1]:+.2f} dB")
    if min(gains) <= 0:
        print("not better than the middles everywhere: nothing was written")
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    restorer.save(options.output)
    print(
        f"{options.output}: {options.output.stat().st_size:,} bytes, "
        f"fingerprint {restorer.fingerprint().hex()}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
