"""Lesson 3: what an optimizer does with a gradient.

A plain step of rate r is w' = w - r dL/dw. In the valley L(w) = (a w1^2 + b w2^2) / 2 everything is
known in advance: it multiplies w1 by 1 - r a and w2 by 1 - r b. The steep side shrinks as long as
|1 - r a| < 1, at rates below 2 / a, which are far too small for the flat one. Momentum steps along
the sum of past gradients, where zigzags cancel; Nesterov's takes the gradient where momentum is
about to lead. Adagrad divides each gradient by the root of the sum of its past squares, RMSprop by
that of their recent mean, which makes all sides as steep; so does Adam, with momentum.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, canvas, run

from neural_networks.optimizers.optimizers import SGD, Adagrad, Adam, Momentum, Nesterov, RMSprop

CURVATURE = np.array([100.0, 1.0])  # a and b: one side is 100 times as steep
START = np.array([-1.5, 1.8])


def valley(w: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the loss (a w1^2 + b w2^2) / 2 and its gradient."""
    return float(0.5 * CURVATURE @ (w * w)), CURVATURE * w


def rosenbrock(w: np.ndarray) -> tuple[float, np.ndarray]:
    """Return (1 - w1)^2 + 100 (w2 - w1^2)^2, a curved, almost flat valley (Rosenbrock 1960)."""
    height = w[1] - w[0] * w[0]  # above the valley's floor
    loss = (1 - w[0]) ** 2 + 100 * height**2
    return float(loss), np.array([-2 * (1 - w[0]) - 400 * w[0] * height, 200 * height])


def descend(surface, optimizer, rate: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the path (steps + 1, 2) and the losses (steps + 1,)."""
    w, path, losses = START.copy(), [], []
    for _ in range(steps + 1):
        loss, gradient = surface(w)
        path.append(w.copy())
        losses.append(loss)
        optimizer.step(w, gradient, rate)
    return np.array(path), np.array(losses)


def main(fast: bool) -> tuple:
    """Check the theory of a plain step, then run six optimizers through a curved valley."""
    rate, steps = 1.9 / CURVATURE[0], 120
    path, losses = descend(valley, SGD(), rate, steps)
    expected = START * (1 - rate * CURVATURE) ** np.arange(steps + 1)[:, None]
    apart = float(np.abs(path - expected).max())
    print(f"SGD in the straight valley, {steps} steps at r = {rate}: (1 - r a)^t predicts every w")
    print(
        f"to {apart:.0e}. Per step the steep side is multiplied by {1 - rate * CURVATURE[0]:+.2f},"
    )
    print(f"so it zigzags, and the flat side by {1 - rate * CURVATURE[1]:+.3f}, so it crawls.")
    # The best momentum (Polyak 1964): both sides then shrink by sqrt(momentum) a step.
    steep, flat = np.sqrt(CURVATURE)
    momentum = ((steep - flat) / (steep + flat)) ** 2
    _, heavy = descend(valley, Momentum(momentum), 4 / (steep + flat) ** 2, steps)
    _, plain = descend(valley, SGD(), 2 / CURVATURE.sum(), steps)
    print(f"\nAt the best rates, the loss after {steps} steps is {plain[-1]:.1e} for SGD and")
    print(f"{heavy[-1]:.1e} for momentum {momentum:.2f}.")

    steps = 3000 if fast else 20000
    optimizers = {
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
    print("\nRosenbrock's curved valley, whose minimum is at (1, 1):")
    for name, (path, losses) in runs.items():
        below = np.flatnonzero(losses < 1e-4)
        when = f"after {below[0]} steps" if below.size else "never"
        end = f"({path[-1][0]:7.4f}, {path[-1][1]:7.4f})"
        print(f"  {name:9} ends at {end}, loss {losses[-1]:.1e}, below 1e-4 {when}")
    print("\nLook at the left picture: SGD descends to the valley's floor, then crawls; momentum")
    print("swings across it. RMSprop and Adam divide by the size of past gradients, so their steps")
    print("are as long on the floor as on the wall.")
    figure = picture(runs, {name: colour for name, (_, _, colour) in optimizers.items()})
    ends = {name: losses[-1] for name, (_, losses) in runs.items()}
    return figure, {"theory": apart, "plain": plain[-1], "heavy": heavy[-1], "ends": ends}


def picture(runs: dict, colours: dict[str, str]):
    """Draw the paths on the surface, and the losses."""
    figure = canvas(12, 5)
    surface, curve = figure.subplots(1, 2, width_ratios=[1.15, 1])
    a, b = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-1, 3, 200))
    height = np.log10((1 - a) ** 2 + 100 * (b - a * a) ** 2 + 1e-3)
    surface.contourf(a, b, height, 30, cmap="Greys_r")
    for name, (path, losses) in runs.items():
        surface.plot(*path.T, "-", color=colours[name], linewidth=1.6, label=name, alpha=0.9)
        step = np.arange(1, len(losses) + 1)
        curve.loglog(step, np.maximum(losses, 1e-16), color=colours[name], label=name)
    surface.plot(1, 1, "*", color="gold", markersize=18, markeredgecolor="black")
    surface.plot(*START, "o", color="white", markeredgecolor="black")
    surface.set(xlabel="w1", ylabel="w2", xlim=(-2, 2), ylim=(-1, 3))
    surface.set_title("Paths of six optimizers in Rosenbrock's valley")
    curve.set(xlabel="step", ylabel="loss", title="Loss by step", ylim=(1e-14, 1e3))
    curve.grid(alpha=0.3)
    curve.legend()
    return figure


if __name__ == "__main__":
    found = run(main)
