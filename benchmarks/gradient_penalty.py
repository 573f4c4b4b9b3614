"""Right and wrong gradients of a WGAN-GP: cosines with differences, and the cost of right ones.

    python benchmarks/gradient_penalty.py            cosines of docs/gradient_penalty.md, seconds
    python benchmarks/gradient_penalty.py --speed    a critic's step, with and without a penalty

A cosine is taken between two whole vectors of gradients, one value for each parameter; the witness
is the central difference of the loss with respect to every single parameter, in float64. Each row
is over SEEDS random networks and songs, but that of the shipped station.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from gan import (
    critic_bodies as bodies,  # noqa: E402
    penalties,  # noqa: E402
)
from gan.critic import Critic  # noqa: E402
from neural_networks.components.activations import (  # noqa: E402
    ELU,
    LeakyReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from neural_networks.components.dense import Dense  # noqa: E402
from neural_networks.components.mean_over_time import MeanOverTime  # noqa: E402
from neural_networks.components.module import Module, Sequential  # noqa: E402
from neural_networks.components.parameters import FlatParameters, pack  # noqa: E402
from neural_networks.components.second_order import rules as tangents  # noqa: E402
from neural_networks.vae.song_generator import SongGenerator  # noqa: E402
from radio.home import SHIPPED, STARTER  # noqa: E402
from radio.station import STEPS_PER_BEAT, Station  # noqa: E402

SEEDS = 15
STEP = 1e-5
SPEED = (256, 16, 1212, 128)  # S, B, F, H: 64 beats, a mini-batch, the values of a station's step


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    """Return the cosine of the angle between two vectors."""
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))


def differences(loss: Callable[[], float], values: np.ndarray) -> np.ndarray:
    """Return the central difference of a loss for each value (n,), which is put back."""
    found = np.empty_like(values)
    for index, start in enumerate(values):
        values[index] = start + STEP
        above = loss()
        values[index] = start - STEP
        found[index] = (above - loss()) / (2 * STEP)
        values[index] = start
    return found


class Drawn(Module):
    """A generator under fixed innovations: z (B, Z) -> songs (S, B, K)."""

    def __init__(self, generator: SongGenerator, innovations: np.ndarray) -> None:
        self.generator, self.innovations = generator, innovations

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return the songs, and the cache."""
        return self.generator.generate(x, self.innovations)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        """Return dz (B, Z); add the gradients of the parameters."""
        return self.generator.generate_backward(dy, cache)[0]


def generator_and_critic(rng: np.random.Generator) -> tuple[FlatParameters, Critic, np.ndarray]:
    """Return a small generator of songs (8, 3, 6), a critic of them, and coordinates (3, 3)."""
    sizes = {"latent_size": 2, "song_size": 3, "hidden": 5, "prior_hidden": 4, "embedding": 4}
    small = SongGenerator(6, **sizes, rng=rng)
    noise = rng.standard_normal((8, 3, small.innovation_size))
    generator = pack(Drawn(small, noise), np.float64)
    critic = Critic(6, 8, rng=rng)
    pack(critic, np.float64)
    return generator, critic, rng.standard_normal((3, 3))


def generator_gradients(
    generator: FlatParameters, critic: Critic, coordinates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of -mean D(G(P)) through the critic, and the wrong one that goes past it.

    The wrong one takes the gradient at the critic's output, -1/B for each song, for the gradient at
    the song: a vector of (B, 1) is broadcast over all its values, and nothing complains.
    """
    songs, cache = generator.module.forward(coordinates)
    scores, judged = critic.forward(songs)
    dscores = np.full_like(scores, -1 / scores.size)
    found = []
    for dsongs in (
        critic.backward(dscores, judged),
        np.broadcast_to(dscores[:, None], songs.shape),
    ):
        generator.zero_grads()
        generator.module.backward(dsongs, cache)
        found.append(generator.grads.copy())
    return found[0], found[1]


def generator_differences(
    generator: FlatParameters, critic: Critic, coordinates: np.ndarray
) -> np.ndarray:
    """Return the central differences of -mean D(G(P))."""
    return differences(
        lambda: -float(critic.forward(generator.module.forward(coordinates)[0])[0].mean()),
        generator.values,
    )


def station_cosine(rng: np.random.Generator) -> float:
    """Return the cosine of right and wrong gradient for the shipped station's generator."""
    station = Station.load(SHIPPED / STARTER)
    coordinates = rng.choice(station.means, 8, replace=False).astype(np.float32)
    generator = station.model.vae.generator
    shape = station.beats * STEPS_PER_BEAT, len(coordinates), generator.innovation_size
    flat = pack(Drawn(generator, rng.standard_normal(shape, np.float32)), np.float32)
    through, past = generator_gradients(flat, station.critic, coordinates)
    return cosine(through.astype(np.float64), past.astype(np.float64))


def small_critic(
    activation: Callable[[], Module], rng: np.random.Generator
) -> tuple[FlatParameters, np.ndarray]:
    """Return a critic of two hidden layers with one kind of activation, and songs (5, 3, 4)."""
    layers = (
        Dense(4, 6, rng=rng),
        activation(),
        Dense(6, 5, rng=rng),
        activation(),
        MeanOverTime(),
        Dense(5, 1, rng=rng),
    )
    critic = pack(Sequential(*layers), np.float64)
    critic.values[:] = 0.8 * rng.standard_normal(critic.values.shape)
    return critic, rng.standard_normal((5, 3, 4))


def penalty_gradient(critic: FlatParameters, songs: np.ndarray) -> np.ndarray:
    """Return the gradient of mean (|dD/dx| - 1)^2 with respect to every parameter."""
    critic.zero_grads()
    penalties.slope_penalty(critic.module, songs, weight=1.0)
    return critic.grads.copy()


def penalty_differences(critic: FlatParameters, songs: np.ndarray) -> np.ndarray:
    """Return the central differences of the penalty."""
    return differences(
        lambda: penalties.slope_penalty(critic.module, songs, weight=1.0)[0], critic.values
    )


@contextmanager
def without_curvature() -> Iterator[None]:
    """Leave out every term with f''(x) while this runs: right for piecewise linear layers only."""
    right = dict(tangents.RULES)
    straight = tangents.RULES[LeakyReLU]
    tangents.RULES.update({kind: straight for kind in (ELU, Tanh, Sigmoid, Softplus)})
    try:
        yield
    finally:
        tangents.RULES.update(right)


def print_cosines() -> None:
    """Print the table of docs/gradient_penalty.md."""
    print(
        f"{'':36}  {'ours: worst':>13}  {'wrong: median':>13}  {'worst':>7}  {'best':>7}   "
        f"of {SEEDS}"
    )

    def row(name: str, ours: list[float], wrong: list[float]) -> None:
        print(
            f"{name:36}  {min(ours):13.9f}  {statistics.median(wrong):13.3f}  "
            f"{min(wrong):7.3f}  {max(wrong):7.3f}"
        )

    ours, wrong = [], []
    for seed in range(SEEDS):
        parts = generator_and_critic(np.random.default_rng(seed))
        witness = generator_differences(*parts)
        through, past = generator_gradients(*parts)
        ours.append(cosine(through, witness))
        wrong.append(cosine(past, witness))
    row("generator, past the critic", ours, wrong)
    past = [station_cosine(np.random.default_rng(seed)) for seed in range(5)]
    print(
        f"{'  the same, shipped station, 5 draws':36}  {'-':>13}  "
        f"{statistics.median(past):13.3f}  {min(past):7.3f}  {max(past):7.3f}"
    )

    for activation in (lambda: LeakyReLU(0.2), ELU, Softplus, Tanh, Sigmoid):
        ours, wrong = [], []
        for seed in range(SEEDS):
            critic, songs = small_critic(activation, np.random.default_rng(seed))
            witness = penalty_differences(critic, songs)
            ours.append(cosine(penalty_gradient(critic, songs), witness))
            with without_curvature():
                wrong.append(cosine(penalty_gradient(critic, songs), witness))
        row(f"penalty without f'', {type(activation()).__name__}", ours, wrong)


def print_speed() -> None:
    """Print the time of one step of each critic, with a penalty and without."""
    steps, batch, features, hidden = SPEED
    rng = np.random.default_rng(0)
    real, fake = rng.random((2, steps, batch, features), np.float32)
    print(
        f"{platform.machine()}, NumPy {np.__version__}, float32, (S, B, F, H) = {SPEED}; "
        "medians of 5, milliseconds"
    )
    print(f"{'critic':14}  {'without':>8}  {'wgan_gp':>8}  {'times':>6}")
    for body in (bodies.convolutional, bodies.recurrent, bodies.mixed):
        critic = pack(Critic(features, hidden, body=body, rng=rng), np.float32)

        def plain(critic: FlatParameters = critic) -> None:
            critic.zero_grads()
            for songs in (real, fake):
                scores, cache = critic.module.forward(songs)
                add = critic.module.add_gradients  # type: ignore[attr-defined]
                add(np.ones_like(scores), cache)

        def penalised(critic: FlatParameters = critic) -> None:
            plain(critic)
            penalties.wgan_gp(critic.module, real, fake, rng)

        seconds: dict[str, list[float]] = {"plain": [], "penalised": []}
        for turn in range(6):  # interleaved; the first compiles and warms up
            for name, step in (("plain", plain), ("penalised", penalised)):
                start = time.perf_counter()
                step()
                if turn:
                    seconds[name].append(time.perf_counter() - start)
        without, with_penalty = (
            1000 * statistics.median(seconds[name]) for name in ("plain", "penalised")
        )
        print(
            f"{body.__name__:14}  {without:8.1f}  {with_penalty:8.1f}  "
            f"{with_penalty / without:6.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--speed", action="store_true", help="measure time instead of cosines")
    print_speed() if parser.parse_args().speed else print_cosines()
