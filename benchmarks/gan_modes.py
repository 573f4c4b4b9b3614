"""25 Gaussians in a plane: how many of them a generator finds under each adversarial loss.

    python benchmarks/gan_modes.py                  every loss, three seeds

A mode counts as found if at least a fifth of its share of the samples lies within four of its
standard deviations (as in Srivastava et al. 2017, VEEGAN, arXiv:1705.07761, section 5.1, which asks
for three); good is the share of samples that lie that near to any.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan.losses import (  # noqa: E402
    HINGE,
    LEAST_SQUARES,
    NON_SATURATING,
    WASSERSTEIN,
    AdversarialLoss,
    clip_weights,
)
from gan.penalties import Penalty, r1, wgan_gp  # noqa: E402
from gan.spectral_norm import SpectralNorm, spectral_norms  # noqa: E402
from neural_networks.components.activations import LeakyReLU  # noqa: E402
from neural_networks.components.dense import Dense  # noqa: E402
from neural_networks.components.module import Module, Sequential  # noqa: E402
from neural_networks.components.parameters import pack  # noqa: E402
from neural_networks.components.second_order import rules as tangents  # noqa: E402
from neural_networks.optimizers.optimizers import Adam, Average  # noqa: E402

SIDE = 5
DEVIATION = 0.05  # of each Gaussian, whose centres are 1 apart
NOISE, HIDDEN, BATCH = 2, 96, 256
# name -> (loss, penalty, spectral norm)
WAYS: dict[str, tuple[AdversarialLoss, Penalty | None, bool]] = {
    "hinge, spectral norm": (HINGE, None, True),
    "hinge, R1": (HINGE, partial(r1, gamma=0.1), False),
    "non-saturating, R1": (NON_SATURATING, partial(r1, gamma=0.1), False),
    "Wasserstein, gradient penalty": (WASSERSTEIN, partial(wgan_gp, weight=0.1), False),
    "Wasserstein, clipped": (WASSERSTEIN, None, False),
    "least squares": (LEAST_SQUARES, None, False),
    "non-saturating": (NON_SATURATING, None, False),
}


class Scores(Module):
    """A critic of points, (1, B, 2) -> (B,), as the penalties want it."""

    def __init__(self, layers: list[Module]) -> None:
        self.layers = Sequential(*layers)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, object]:
        """Return the scores (B,) and the cache."""
        y, cache = self.layers.forward(x)
        return y[0, :, 0], cache

    def backward(self, dy: np.ndarray, cache: object) -> np.ndarray:
        """Return dx (1, B, 2)."""
        return self.layers.backward(dy[None, :, None], cache)

    def traced_backward(self, dy: np.ndarray, cache: object) -> tuple[np.ndarray, object]:
        """Return dx and its trace."""
        return tangents.traced_backward(self.layers, dy[None, :, None], cache)

    def tangent_forward(self, x_tangent: np.ndarray, cache: object) -> tuple[np.ndarray, object]:
        """Return the tangents of the scores and of the layers."""
        y, found = tangents.tangent_forward(self.layers, x_tangent, cache)
        return y[0, :, 0], found

    def tangent_backward(
        self, dy_tangent: np.ndarray, cache: object, trace: object, found: object
    ) -> np.ndarray:
        """Return the tangent of dx."""
        return tangents.tangent_backward(
            self.layers, dy_tangent[None, :, None], cache, trace, found
        )


def points(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from the 25 Gaussians, (1, count, 2)."""
    centres = rng.integers(SIDE, size=(count, 2)) - (SIDE - 1) / 2
    return (centres + DEVIATION * rng.standard_normal((count, 2))).astype(np.float32)[None]


def train(
    way: str, *, steps: int, seed: int, generator_rate: float = 2e-3, critic_rate: float = 2e-3
) -> Callable[[int], np.ndarray]:
    """Train a generator under a loss; return what draws (count, 2) from it."""
    loss, penalty, normed = WAYS[way]
    rng = np.random.default_rng(seed)

    def network(sizes: tuple[int, ...], normed: bool) -> list[Module]:
        layers: list[Module] = []
        for inputs, outputs in zip(sizes, sizes[1:], strict=False):
            dense = Dense(inputs, outputs, rng=rng)
            layers += [SpectralNorm(dense, gain=3.0, rng=rng) if normed else dense, LeakyReLU(0.1)]
        return layers[:-1]

    generator, critic = (
        Sequential(*network((NOISE, HIDDEN, HIDDEN, 2), False)),
        Scores(network((2, HIDDEN, HIDDEN, 1), normed)),
    )
    made, judged = pack(generator), pack(critic)
    average = Average(made.values, decay=0.999)
    ours, theirs = Adam(0.0, 0.99), Adam(0.0, 0.99)
    for step in range(steps):
        fall = 1 - step / steps  # both rates fall to nought
        real = points(BATCH, rng)
        fake, cache = generator.forward(rng.standard_normal((1, BATCH, NOISE)).astype(np.float32))
        judged.zero_grads()
        real_scores, real_cache = critic.forward(real)
        fake_scores, fake_cache = critic.forward(fake)
        _, dreal, dfake = loss.critic(real_scores, fake_scores)
        critic.backward(dreal, real_cache)
        critic.backward(dfake, fake_cache)
        if penalty is not None:
            penalty(critic, real, fake, rng)
        theirs.step(judged.values, judged.grads, critic_rate * fall)
        if way == "Wasserstein, clipped":
            clip_weights(judged.values, 0.1)
        for norm in spectral_norms(critic):
            norm.update(1)
        made.zero_grads()
        scores, score_cache = critic.forward(fake)
        generator.backward(critic.backward(loss.generator(scores)[1], score_cache), cache)
        ours.step(made.values, made.grads, generator_rate * fall)
        average.update(made.values)
    made.values[:] = average.values
    return lambda count: generator.forward(
        rng.standard_normal((1, count, NOISE)).astype(np.float32)
    )[0][0]


def found(drawn: np.ndarray) -> tuple[int, float]:
    """Return (modes found of 25, share of good samples) of points (count, 2)."""
    nearest = np.clip(np.rint(drawn + (SIDE - 1) / 2), 0, SIDE - 1)
    good = np.linalg.norm(drawn - (nearest - (SIDE - 1) / 2), axis=1) < 4 * DEVIATION
    count = np.bincount((nearest[good, 0] * SIDE + nearest[good, 1]).astype(int), minlength=SIDE**2)
    return int((count >= 0.2 * len(drawn) / SIDE**2).sum()), float(good.mean())


def main() -> None:
    """Print modes, good samples and seconds for every loss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=8_000)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    for way in WAYS:
        start = time.process_time()
        rows = [
            found(train(way, steps=options.steps, seed=seed)(10_000))
            for seed in range(options.seeds)
        ]
        seconds = (time.process_time() - start) / options.seeds
        modes, good = (
            ", ".join(str(row[0]) for row in rows),
            ", ".join(f"{100 * row[1]:.0f} %" for row in rows),
        )
        print(f"{way:32s} modes {modes:12s} good {good:20s} {seconds:.0f} CPU s each", flush=True)


if __name__ == "__main__":
    main()
