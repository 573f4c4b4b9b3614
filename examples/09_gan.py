"""Lesson 9: generator G against critic D: six losses side by side, and mode collapse.

Points lie in eight heaps. G turns noise into points, D scores points; each learns from the other.

                    the critic minimises                   the generator minimises
    minimax         cross entropy, 1 for real              mean log(1 - sigmoid(D)): flat for sure D
    non-saturating  the same                               -mean log sigmoid(D): steep for sure D
    least squares   mean ((D(x) - 1)^2 + D(G)^2) / 2       mean (D(G) - 1)^2 / 2
    hinge           mean max(0, 1-D(x)) + max(0, 1+D(G))   -mean D(G)
    Wasserstein     mean D(G) - mean D(x)                  -mean D(G); D's weights are clipped
    WGAN-GP         the same + a penalty of the slope      -mean D(G); see lesson 11
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, ORANGE, canvas, run

from gan import losses, penalties
from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_loss
from neural_networks.optimizers.optimizers import Adam, Average

BATCH, HEAPS, SPREAD, CRITIC_RATE = 128, 8, 0.12, 2e-3
CENTRES = 2 * np.array([[np.cos(a), np.sin(a)] for a in np.arange(HEAPS) * 2 * np.pi / HEAPS])
RATES = {"patient": 1e-3, "hasty": 1e-2}


def minimax(scores: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean log(1 - sigmoid(D)), Goodfellow et al. 2014, eq. 1, and -sigmoid(D) / n."""
    return -float(np.logaddexp(0, scores).mean()), -losses.cross_entropy(scores, scores)[2]


# losses of both, critic's steps for one of the generator, penalty, limit of the critic's weights
GAMES = {
    "minimax": (losses.AdversarialLoss(losses.cross_entropy, minimax), 1, 0, np.inf),
    "non-saturating": (losses.NON_SATURATING, 1, 0, np.inf),
    "least squares": (losses.LEAST_SQUARES, 1, 0, np.inf),
    "hinge": (losses.HINGE, 1, 0, np.inf),
    "Wasserstein, clipped": (losses.WASSERSTEIN, 2, 0, 0.1),
    "WGAN-GP": (losses.WASSERSTEIN, 2, 0.3, np.inf),
}


def real(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points (1, count, 2) of the heaps: songs of one step with two values."""
    points = CENTRES[rng.integers(HEAPS, size=count)] + SPREAD * rng.standard_normal((count, 2))
    return points[None].astype(np.float32)


def covered(points: np.ndarray) -> tuple[int, float]:
    """Return how many heaps hold a quarter of their share, and the share of points in heaps."""
    distance = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    inside = distance.min(axis=1) < 4 * SPREAD
    counts = np.bincount(distance.argmin(axis=1)[inside], minlength=HEAPS)
    return int((counts > len(points) / HEAPS / 4).sum()), float(inside.mean())


def play(name: str, generator_rate: float, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Return 1,000 generated points after a game."""
    loss, critic_steps, penalty, limit = GAMES[name]
    generator, critic = (FeedForward((2, 48, 48, n), slope=0.2, rng=rng) for n in (2, 1))
    generated, judging, optimizers = pack(generator), pack(critic), (Adam(0.5, 0.9), Adam(0.5, 0.9))
    average = Average(generated.values, decay=0.9)

    def points(count: int) -> tuple:
        return generator.forward(rng.standard_normal((1, count, 2)).astype(np.float32))

    for _ in range(steps):
        for _ in range(critic_steps):
            genuine, fake = real(BATCH, rng), points(BATCH)[0]
            real_scores, real_cache = critic.forward(genuine)
            fake_scores, fake_cache = critic.forward(fake)
            _, dreal, dfake = loss.critic(real_scores, fake_scores)
            judging.zero_grads()
            critic.backward(dreal, real_cache)
            critic.backward(dfake, fake_cache)
            if penalty:
                penalties.wgan_gp(critic, genuine, fake, rng, weight=penalty)
            optimizers[0].step(judging.values, judging.grads, CRITIC_RATE)
            losses.clip_weights(judging.values, limit)
        fake, cache = points(BATCH)
        scores, judged = critic.forward(fake)
        generated.zero_grads()
        dfake = critic.backward(loss.generator(scores)[1], judged)
        generator.backward(dfake, cache)  # dL/dw = dL/dG dG/dw
        optimizers[1].step(generated.values, generated.grads, generator_rate)
        average.update(generated.values)
    generated.values[:] = average.values
    return points(1000)[0][0]


def main(fast: bool) -> tuple:
    """Train six pairs from the same first weights, at a low and a high rate of the generator."""
    rng, pairs = np.random.default_rng(9), [game[0] for game in GAMES.values()]
    error = max(check_loss(pair.generator, rng.standard_normal(9), rng=rng).error for pair in pairs)
    print(f"the six losses' gradients agree with differences to {error:.0e}")
    steps, found = 350 if fast else 1500, {"check": error, "patient": [], "hasty": []}
    figure, genuine = canvas(15, 5.4), real(600, np.random.default_rng(0))[0]
    for (kind, rate), axes in zip(RATES.items(), figure.subplots(2, 6), strict=True):
        print(f"\n{f'{kind} generator, rate {rate}':36} heaps of {HEAPS}   points in a heap")
        axes[0].set_ylabel(f"{kind} generator")
        for name, axis in zip(GAMES, axes, strict=True):
            points = play(name, rate, steps, np.random.default_rng(3))
            heaps, share = covered(points)
            found[kind].append(heaps)
            print(f"  {name:34} {heaps:10}   {share:16.0%}")
            axis.scatter(*genuine.T, s=3, color=BLUE, alpha=0.5)
            axis.scatter(*points.T, s=3, color=ORANGE, alpha=0.5)
            axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
            axis.set_title(f"{name}: {heaps} of {HEAPS}")
    print("\nLook at the picture: a hasty generator follows the critic's whims, and collapses.")
    print("Minimax, known to be slow, is slowest where the critic is sure, and may so survive.")
    return figure, found


if __name__ == "__main__":
    found = run(main)
