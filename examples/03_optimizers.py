"""Lesson 3: what an optimizer does with a gradient.

On a valley L(w) = (a w1^2 + b w2^2) / 2 everything can be said in advance: a step of size r
multiplies w1 by 1 - r a and w2 by 1 - r b. The step that the steep side allows (r < 2 / a) is far
too small for the flat one. Momentum remembers, Adam rescales.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, canvas, run

from neural_networks.optimizers.optimizers import (
    SGD,
    Adagrad,
    Adam,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
)

CURVATURE = np.array([100.0, 1.0])  # a and b: one side is a hundred times as steep
START = np.array([-1.5, 1.8])


def valley(w: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the loss (a w1^2 + b w2^2) / 2 and its gradient."""
    return float(0.5 * CURVATURE @ (w * w)), CURVATURE * w


def rosenbrock(w: np.ndarray) -> tuple[float, np.ndarray]:
    """Return (1 - w1)^2 + 100 (w2 - w1^2)^2 and its gradient (Rosenbrock 1960): a bent valley whose floor hardly falls."""
    bend = w[1] - w[0] * w[0]
    return float((1 - w[0]) ** 2 + 100 * bend**2), np.array(
        [-2 * (1 - w[0]) - 400 * w[0] * bend, 200 * bend]
    )


def descend(
    surface, optimizer: Optimizer, rate: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the path (steps + 1, 2) and the losses (steps + 1,)."""
    w, path, losses = START.copy(), [], []
    for _ in range(steps + 1):
        loss, gradient = surface(w)
        path.append(w.copy())
        losses.append(loss)
        optimizer.step(w, gradient, rate)
    return np.array(path), np.array(losses)


def main(fast: bool) -> tuple:
    """Check the theory of a plain step, then run six optimizers through a bent valley."""
    rate, steps = 1.9 / CURVATURE[0], 120
    path, losses = descend(valley, SGD(), rate, steps)
    expected = START * (1 - rate * CURVATURE) ** np.arange(steps + 1)[:, None]
    apart = float(np.abs(path - expected).max())
    print(
        f"SGD on the straight valley, {steps} steps at r = {rate}: every w is what (1 - r a)^t says, to {apart:.0e}"
    )
    steep, flat = 1 - rate * CURVATURE
    print(
        f"  steep side: times {steep:+.2f} a step, it zigzags; flat side: times {flat:+.3f}, it crawls"
    )
    # The best a heavy ball can do (Polyak 1964): both sides then shrink by sqrt(momentum) a step.
    root = np.sqrt(CURVATURE)
    momentum, best_rate = (
        ((root[0] - root[1]) / (root[0] + root[1])) ** 2,
        4 / (root[0] + root[1]) ** 2,
    )
    _, heavy = descend(valley, Momentum(momentum), best_rate, steps)
    best_plain = 2 / CURVATURE.sum()
    _, plain = descend(valley, SGD(), best_plain, steps)
    print(
        f"\nat the best rates there are, after {steps} steps:  SGD {plain[-1]:.1e},  momentum {momentum:.2f}: {heavy[-1]:.1e}"
    )

    steps = 3000 if fast else 20000
    optimizers: dict[str, tuple[Optimizer, float, str]] = {
        "SGD": (SGD(), 1e-3, GREY),
        "Momentum": (Momentum(0.9), 1e-3, BLUE),
        "Nesterov": (Nesterov(0.9), 1e-3, GREEN),
        "Adagrad": (Adagrad(), 0.5, PURPLE),
        "RMSprop": (RMSprop(0.9), 0.002, RED),
        "Adam": (Adam(), 0.02, ORANGE),
    }
    runs = {
        name: descend(rosenbrock, optimizer, rate, steps)
        for name, (optimizer, rate, _) in optimizers.items()
    }
    print("\nRosenbrock's bent valley, whose minimum is at (1, 1):")
    for name, (path, losses) in runs.items():
        below = np.flatnonzero(losses < 1e-4)
        print(
            f"  {name:9} ends at ({path[-1][0]:7.4f}, {path[-1][1]:7.4f}), loss {losses[-1]:.1e}, below 1e-4",
            end=" ",
        )
        print(f"after {below[0]} steps" if below.size else "never")
    print(
        "\nLook at the left picture: plain steps go straight for the valley's floor, then crawl; momentum swings across it;"
    )
    print(
        "RMSprop and Adam divide by the size that gradients had, so that their steps are as long on the floor as on the wall."
    )
    figure = picture(runs, {name: colour for name, (_, _, colour) in optimizers.items()})
    found = {
        "theory": apart,
        "plain": plain[-1],
        "heavy": heavy[-1],
        "ends": {name: losses[-1] for name, (_, losses) in runs.items()},
    }
    return figure, found


def picture(runs: dict, colours: dict[str, str]):
    """Draw the paths on the surface, and the losses."""
    figure = canvas(12, 5)
    surface, curve = figure.subplots(1, 2, width_ratios=[1.15, 1])
    a, b = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-1, 3, 200))
    surface.contourf(
        a, b, np.log10((1 - a) ** 2 + 100 * (b - a * a) ** 2 + 1e-3), 30, cmap="Greys_r"
    )
    for name, (path, losses) in runs.items():
        surface.plot(*path.T, "-", color=colours[name], linewidth=1.6, label=name, alpha=0.9)
        curve.loglog(
            np.arange(1, len(losses) + 1),
            np.maximum(losses, 1e-16),
            color=colours[name],
            label=name,
        )
    surface.plot(1, 1, "*", color="gold", markersize=18, markeredgecolor="black")
    surface.plot(*START, "o", color="white", markeredgecolor="black")
    surface.set(
        xlabel="w1",
        ylabel="w2",
        title="Six ways down Rosenbrock's valley to the star",
        xlim=(-2, 2),
        ylim=(-1, 3),
    )
    curve.set(xlabel="step", ylabel="loss", title="How fast", ylim=(1e-14, 1e3))
    curve.grid(alpha=0.3)
    curve.legend()
    return figure


if __name__ == "__main__":
    found = run(main)
