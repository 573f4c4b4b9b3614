"""Lesson 2: a network of dense layers, its backward pass by hand, and how to check a gradient.

A layer is s = x W + b, y = f(s), for B examples as rows of x (B, I); W (I, O), y (B, O). In every
row b, W_io enters s_bo with the factor x_bi, so its gradient is a sum over rows:

    ds = dy f'(s),   dW = x^T ds,   db = sum over the batch of ds,   dx = ds W^T

The library's layers must agree with this, and both with finite differences, which need no rules.
"""

from __future__ import annotations

import numpy as np
from lesson import BLUE, GREEN, ORANGE, RED, canvas, run

from neural_networks.components.activations import Tanh
from neural_networks.components.dense import Dense
from neural_networks.components.losses import bce_with_logits
from neural_networks.components.module import Sequential
from neural_networks.components.parameters import pack
from neural_networks.gradient_check import check_gradients
from neural_networks.optimizers.optimizers import Adam


def by_hand(layers: list, x: np.ndarray, target: np.ndarray, *, wrong: bool = False) -> np.ndarray:
    """Return all dW and db of a tanh network with linear output, for the cross entropy."""
    inputs = [x]
    for layer in layers[:-1]:
        inputs.append(np.tanh(inputs[-1] @ layer.weight.value + layer.bias.value))
    logits = inputs[-1] @ layers[-1].weight.value + layers[-1].bias.value
    # the gradient of sigmoid and mean cross entropy together is (y - target) / n
    ds = (1 / (1 + np.exp(-logits)) - target) / logits.size
    found = []
    for layer, values in zip(reversed(layers), reversed(inputs), strict=True):
        found = [values.T @ ds, ds.sum(axis=0), *found]
        ds = ds @ layer.weight.value.T
        if not wrong:  # beginners forget f'(s) = 1 - tanh(s)^2, and values = tanh(s)
            ds = ds * (1 - values * values)
    return np.concatenate([part.ravel() for part in found])


def spirals(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return points (2 count, 2) on two arms of a spiral, and the arm of each (2 count, 1)."""
    turn, arm = np.tile(np.sqrt(rng.random(count)) * 3 * np.pi, 2), np.repeat([0.0, 1.0], count)
    angle = turn + np.pi * arm
    points = turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) / 6
    return points + rng.normal(0, 0.05, points.shape), arm[:, None]


def main(fast: bool) -> tuple:
    """Check the gradients, measure the accuracy of differences, then separate two spirals."""
    rng = np.random.default_rng(2)
    x, target = spirals(200, rng)
    layers = [Dense(2, 24, rng=rng), Dense(24, 24, rng=rng), Dense(24, 1, rng=rng)]
    network = Sequential(layers[0], Tanh(), layers[1], Tanh(), layers[2])
    flat = pack(network, np.float64)

    def loss() -> float:
        y, cache = network.forward(x)
        value, dy = bce_with_logits(y, target)
        flat.zero_grads()
        network.backward(dy, cache)
        return value

    loss()
    hand, forgetful = (by_hand(layers, x, target, wrong=wrong) for wrong in (False, True))
    apart = float(np.abs(hand - flat.grads).max())
    print(f"The gradients by hand and by the library differ by at most {apart:.1e}.\n")
    report = check_gradients(network, x[:7], rng=rng)
    print(report)

    direction = rng.standard_normal(flat.values.size)
    claimed, false_claim = float(flat.grads @ direction), float(forgetful @ direction)
    steps = np.logspace(-13, 0, 27 if fast else 53)
    start, slopes = flat.values.copy(), np.empty_like(steps)
    for i, h in enumerate(steps):
        flat.values[:] = start + h * direction
        above = loss()
        flat.values[:] = start - h * direction
        slopes[i] = (above - loss()) / (2 * h)
    flat.values[:] = start
    errors, false_errors = (abs(slopes - each) / abs(claimed) for each in (claimed, false_claim))
    print(f"\nThe smallest error is {errors.min():.0e}, at h = {steps[np.argmin(errors)]:.0e};")
    print(f"without tanh' it is never below {false_errors.min():.2f}.")
    print("A correct gradient gives a V: errors of h^2 on the right, of rounding / h on the left.")

    optimizer, losses = Adam(), []  # its steps are those of lesson 3
    for _ in range(700 if fast else 2500):
        losses.append(loss())
        optimizer.step(flat.values, flat.grads, 0.02)
    right = float(((network.forward(x)[0] > 0) == (target > 0.5)).mean())
    change = f"loss {losses[0]:.3f} -> {losses[-1]:.4f}, {right:.1%} of the points are right"
    print(f"\n{len(losses)} steps of Adam: {change}")
    figure = picture(steps, errors, false_errors, network, x, target)
    found = {"apart": apart, "check": report.error, "valley": errors.min()}
    return figure, found | {"wrong": false_errors.min(), "loss": losses[-1], "right": right}


def picture(steps, errors, false_errors, network: Sequential, x: np.ndarray, target: np.ndarray):
    """Draw the V of the finite differences, and the network's output around the spirals."""
    valley, plane = (figure := canvas(11, 4.8)).subplots(1, 2)
    valley.loglog(steps, np.maximum(errors, 1e-13), ".-", color=GREEN, label="correct gradient")
    valley.loglog(steps, false_errors, ".-", color=RED, label="without tanh'")
    valley.loglog(steps, 1e-16 / steps, ":", color="grey", label="rounding / h")
    valley.set(title="Check of a gradient", xlabel="step h", ylabel="relative error")
    valley.set_ylim(1e-13, 30)
    valley.legend()
    a, b = np.meshgrid(np.linspace(-1.8, 1.8, 160), np.linspace(-1.8, 1.8, 160))
    logits = network.forward(np.stack([a.ravel(), b.ravel()], axis=1))[0].reshape(a.shape)
    chance = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    plane.contourf(a, b, chance, np.linspace(0, 1, 21), cmap="RdBu_r", alpha=0.55)
    for arm, colour in ((0, BLUE), (1, ORANGE)):
        plane.scatter(*x[target[:, 0] == arm].T, color=colour, edgecolor="white", s=20)
    plane.set(title="Two hidden layers of 24 units", aspect="equal", xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    found = run(main)
