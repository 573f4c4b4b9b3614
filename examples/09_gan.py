"""Lesson 9: generator against critic: six losses side by side, and mode collapse.

Real points lie in eight heaps on a circle. A generator G turns noise into points, a critic D scores
points; each learns from the other.

                       the critic minimises                the generator minimises
    minimax            cross entropy, 1 for real           mean log(1 - sigmoid(D)): flat for sure D
    non-saturating     the same                            -mean log sigmoid(D): steep for sure D
    least squares      mean ((D(x) - 1)^2 + D(G)^2) / 2    mean (D(G) - 1)^2 / 2
    hinge              mean max(0, 1 - D(x))               -mean D(G)
                       + mean max(0, 1 + D(G))
    Wasserstein        mean D(G) - mean D(x)               -mean D(G); D's weights are clipped
    WGAN-GP            the same + a penalty of the slope   -mean D(G); see lesson 11
"""

from __future__ import annotations

from functools import partial

import numpy as np
from lesson import BLUE, ORANGE, canvas, run

from gan.losses import (
    HINGE,
    LEAST_SQUARES,
    NON_SATURATING,
    WASSERSTEIN,
    AdversarialLoss,
    clip_weights,
    cross_entropy,
)
from gan.penalties import wgan_gp
from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_loss
from neural_networks.optimizers.optimizers import Adam, Average

BATCH, NOISE, HEAPS, SPREAD, CRITIC_RATE = 128, 2, 8, 0.12, 2e-3
CENTRES = 2 * np.stack(
    [np.cos(np.arange(HEAPS) * 2 * np.pi / HEAPS), np.sin(np.arange(HEAPS) * 2 * np.pi / HEAPS)],
    axis=1,
)
RATES = {1e-3: "patient", 1e-2: "hasty"}


def minimax(scores: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean log(1 - sigmoid(D)), Goodfellow et al. 2014, eq. 1, and -sigmoid(D) / n."""
    return -float(np.logaddexp(0, scores).mean()), -cross_entropy(scores, scores)[2]


# losses of both, critic's steps for one of the generator, penalty, limit of the critic's weights
GAMES: dict[str, tuple[AdversarialLoss, int, object, float | None]] = {
    "minimax": (AdversarialLoss(cross_entropy, minimax), 1, None, None),
    "non-saturating": (NON_SATURATING, 1, None, None),
    "least squares": (LEAST_SQUARES, 1, None, None),
    "hinge": (HINGE, 1, None, None),
    "Wasserstein, clipped": (WASSERSTEIN, 2, None, 0.1),
    "WGAN-GP": (WASSERSTEIN, 2, partial(wgan_gp, weight=0.3), None),
}


def real(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points (1, count, 2) of the heaps: songs of one step with two values."""
    return (CENTRES[rng.integers(HEAPS, size=count)] + SPREAD * rng.standard_normal((count, 2)))[
        None
    ].astype(np.float32)


def covered(points: np.ndarray) -> tuple[int, float]:
    """Return how many heaps hold a quarter of their share, and the share of points in heaps."""
    distance = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    inside = distance.min(axis=1) < 4 * SPREAD
    return int(
        (
            np.bincount(distance.argmin(axis=1)[inside], minlength=HEAPS) > len(points) / HEAPS / 4
        ).sum()
    ), float(inside.mean())


def play(name: str, generator_rate: float, steps: int, seed: int) -> np.ndarray:
    """Return 1,000 generated points after a game."""
    loss, critic_steps, penalty, limit = GAMES[name]
    rng = np.random.default_rng(seed)
    generator, critic = (
        FeedForward((NOISE, 48, 48, 2), slope=0.2, rng=rng),
        FeedForward((2, 48, 48, 1), slope=0.2, rng=rng),
    )
    generated, judging, optimizers = pack(generator), pack(critic), (Adam(0.5, 0.9), Adam(0.5, 0.9))
    average = Average(generated.values, decay=0.9)

    def points(count: int) -> tuple:
        return generator.forward(rng.standard_normal((1, count, NOISE)).astype(np.float32))

    for _ in range(steps):
        for _ in range(critic_steps):
            genuine, fake = real(BATCH, rng), points(BATCH)[0]
            (real_scores, real_cache), (fake_scores, fake_cache) = (
                critic.forward(genuine),
                critic.forward(fake),
            )
            _, dreal, dfake = loss.critic(real_scores, fake_scores)
            judging.zero_grads()
            critic.backward(dreal, real_cache)
            critic.backward(dfake, fake_cache)
            if penalty:
                penalty(critic, genuine, fake, rng)
            optimizers[0].step(judging.values, judging.grads, CRITIC_RATE)
            if limit:
                clip_weights(judging.values, limit)
        fake, cache = points(BATCH)
        scores, judged = critic.forward(fake)
        generated.zero_grads()
        # dL/dw = dL/dG dG/dw, through the critic
        generator.backward(critic.backward(loss.generator(scores)[1], judged), cache)
        optimizers[1].step(generated.values, generated.grads, generator_rate)
        average.update(generated.values)
    generated.values[:] = average.values
    return points(1000)[0][0]


def main(fast: bool) -> tuple:
    """Train six pairs from the same first weights, at a low and a high rate of the generator."""
    rng = np.random.default_rng(9)
    error = max(
        check_loss(game[0].generator, rng.standard_normal(9), rng=rng).error
        for game in GAMES.values()
    )
    print(f"the six losses' gradients agree with differences to {error:.0e}")
    steps, games = 350 if fast else 1500, {}
    for rate, kind in RATES.items():
        print(f"\n{f'{kind} generator, rate {rate}':36} heaps of {HEAPS}   points in a heap")
        for name in GAMES:
            games[rate, name] = play(name, rate, steps, seed=3)
            print(
                f"  {name:34} {covered(games[rate, name])[0]:10}   "
                f"{covered(games[rate, name])[1]:16.0%}"
            )
    print(
        "\nLook at the picture (orange: generated). A hasty generator moves all its points to what "
        "the critic praises now, and on"
    )
    print(
        "when it has learned better: mode collapse. Which of the games fall changes with the seed."
    )
    return picture(games), {"check": error} | {
        kind: [covered(games[rate, name])[0] for name in GAMES] for rate, kind in RATES.items()
    }


def picture(games: dict):
    """Draw real points, blue, and generated ones, orange, of each game."""
    for axis, ((rate, name), points) in zip(
        (figure := canvas(15, 5.4)).subplots(2, 6).ravel(), games.items(), strict=True
    ):
        for some, colour in ((real(600, np.random.default_rng(0))[0], BLUE), (points, ORANGE)):
            axis.scatter(*some.T, s=3, color=colour, alpha=0.5)
        axis.set(
            title=f"{name}: {covered(points)[0]} of {HEAPS}",
            xlim=(-3, 3),
            ylim=(-3, 3),
            aspect="equal",
            xticks=[],
            yticks=[],
        )
        axis.set_ylabel(f"{RATES[rate]} generator" if name == "minimax" else "")
    return figure


if __name__ == "__main__":
    found = run(main)
