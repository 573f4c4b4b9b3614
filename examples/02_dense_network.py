"""Lesson 2: a network of dense layers, its backward pass by hand, and how to know that it is right.

A layer is y = f(x W + b) for a whole batch at once: x (B, I), W (I, O), y (B, O). Backward, from
dy:

    ds = dy f'(s),   dW = x^T ds,   db = sum over the batch of ds,   dx = ds W^T

The library's layers must agree with it, and both with finite differences, which know nothing of any
rule.
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


def by_hand(
    layers: list[Dense], x: np.ndarray, target: np.ndarray, *, wrong: bool = False
) -> list[np.ndarray]:
    """Return dW, db of every layer of a tanh network whose last layer is linear, for the cross entropy of its sigmoid."""
    inputs = [x]
    for layer in layers[:-1]:
        inputs.append(np.tanh(inputs[-1] @ layer.weight.value + layer.bias.value))
    logits = inputs[-1] @ layers[-1].weight.value + layers[-1].bias.value
    # sigmoid and cross entropy together: y - target, over the mean's n
    ds = (1 / (1 + np.exp(-logits)) - target) / logits.size
    found = []
    for layer, values in zip(reversed(layers), reversed(inputs), strict=True):
        found = [values.T @ ds, ds.sum(axis=0), *found]
        if wrong:  # the step that beginners leave out: the bend of the tanh
            ds = ds @ layer.weight.value.T
        else:
            # values = tanh(s), so f'(s) = 1 - values^2
            ds = ds @ layer.weight.value.T * (1 - values * values)
    return found


def spirals(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return points (2 count, 2) on two arms of a spiral and which arm each is on (2 count, 1)."""
    turn = np.tile(np.sqrt(rng.random(count)) * 3 * np.pi, 2)
    arm = np.repeat([0.0, 1.0], count)
    points = (
        turn[:, None]
        * np.stack([np.cos(turn + np.pi * arm), np.sin(turn + np.pi * arm)], axis=1)
        / 6
    )
    return points + rng.normal(0, 0.05, points.shape), arm[:, None]


def main(fast: bool) -> tuple:
    """Check the gradients, measure how exact finite differences are, then learn to part two spirals."""
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
    hand = np.concatenate([part.ravel() for part in by_hand(layers, x, target)])
    forgetful = np.concatenate([part.ravel() for part in by_hand(layers, x, target, wrong=True)])
    apart = float(np.abs(hand - flat.grads).max())
    print(f"by hand and by the library: gradients differ by {apart:.1e} at most\n")
    report = check_gradients(network, x[:7], rng=rng)
    print(report)

    direction = rng.standard_normal(flat.values.size)
    claimed, false_claim, kept = (
        float(flat.grads @ direction),
        float(forgetful @ direction),
        flat.values.copy(),
    )
    steps = np.logspace(-13, 0, 27 if fast else 53)
    errors, false_errors = [], []
    for h in steps:
        flat.values[:] = kept + h * direction
        above = loss()
        flat.values[:] = kept - h * direction
        slope = (above - loss()) / (2 * h)
        errors.append(abs(slope - claimed) / abs(claimed))
        false_errors.append(abs(slope - false_claim) / abs(claimed))
    flat.values[:] = kept
    print(
        f"\nbest agreement, at h = {steps[np.argmin(errors)]:.0e}: {min(errors):.0e}; without tanh' never below {min(false_errors):.2f}"
    )
    print(
        "Right of the valley the error is of the size of h^2, left of it of rounding / h: a V, and only if the gradient is right."
    )

    optimizer, losses = Adam(), []
    for _ in range(700 if fast else 2500):
        losses.append(loss())
        optimizer.step(flat.values, flat.grads, 0.02)
    right = float(((network.forward(x)[0] > 0) == (target > 0.5)).mean())
    print(
        f"\n{len(losses)} steps of Adam: loss {losses[0]:.3f} -> {losses[-1]:.4f}, {right:.1%} of the points are right"
    )
    figure = picture(steps, errors, false_errors, network, x, target)
    found = {
        "apart": apart,
        "check": report.error,
        "valley": min(errors),
        "wrong": min(false_errors),
        "loss": losses[-1],
    }
    return figure, found | {"right": right}


def picture(
    steps: np.ndarray,
    errors: list,
    false_errors: list,
    network: Sequential,
    x: np.ndarray,
    target: np.ndarray,
):
    """Draw the V of the finite differences, and the spirals as the network sees them."""
    figure = canvas(11, 4.8)
    valley, plane = figure.subplots(1, 2)
    valley.loglog(steps, np.maximum(errors, 1e-13), ".-", color=GREEN, label="the right gradient")
    valley.loglog(steps, false_errors, ".-", color=RED, label="without tanh'")
    valley.loglog(steps, 1e-16 / steps, ":", color="grey", label="rounding / h")
    valley.set(
        xlabel="step h",
        ylabel="relative disagreement with differences",
        title="How you know",
        ylim=(1e-13, 30),
    )
    valley.legend()
    a, b = np.meshgrid(np.linspace(-1.8, 1.8, 160), np.linspace(-1.8, 1.8, 160))
    logits = network.forward(np.stack([a.ravel(), b.ravel()], axis=1))[0].reshape(a.shape)
    plane.contourf(
        a,
        b,
        1 / (1 + np.exp(-np.clip(logits, -50, 50))),
        np.linspace(0, 1, 21),
        cmap="RdBu_r",
        alpha=0.55,
    )
    for arm, colour in ((0, BLUE), (1, ORANGE)):
        plane.scatter(
            *x[target[:, 0] == arm].T, color=colour, edgecolor="black", linewidth=0.3, s=14
        )
    plane.set(title="What 24 + 24 bent lines can part", aspect="equal", xticks=[], yticks=[])
    return figure


if __name__ == "__main__":
    found = run(main)
