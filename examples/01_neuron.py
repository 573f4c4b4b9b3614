"""Lesson 1: one neuron and the chain rule.

A neuron weights its inputs, adds a bias and applies a curve: y = tanh(s), s = w1 x1 + w2 x2 + b.
The loss L = (y - target)^2 tells how far y is from what it should be. To learn, the neuron asks of
each weight how much the loss would grow if the weight were slightly larger: the derivative dL/dw.
All of them together are the gradient, and a small step against it makes the loss smaller.
"""

from __future__ import annotations

import math

import numpy as np
from lesson import BLUE, ORANGE, canvas, run

POINTS = 60
RATE = 0.2


def forward(w: list[float], x: list[float]) -> float:
    """Return y = tanh(w1 x1 + w2 x2 + b), the weights being [w1, w2, b]."""
    return math.tanh(w[0] * x[0] + w[1] * x[1] + w[2])


def gradient(w: list[float], x: list[float], target: float) -> tuple[float, list[float]]:
    """Return L = (y - target)^2 and [dL/dw1, dL/dw2, dL/db], by the chain rule from L backwards."""
    y = forward(w, x)
    loss = (y - target) ** 2
    dy = 2 * (y - target)  # dL/dy
    ds = dy * (1 - y * y)  # dL/ds = dL/dy dy/ds, and tanh'(s) = 1 - tanh(s)^2
    return loss, [ds * x[0], ds * x[1], ds]  # ds/dw1 = x1, ds/dw2 = x2, ds/db = 1


def difference(w: list[float], x: list[float], target: float, i: int, step: float = 1e-6) -> float:
    """Measure the slope of the loss along weight i without theory: (L(w + h) - L(w - h)) / 2h."""
    above, below = list(w), list(w)
    above[i] += step
    below[i] -= step
    return ((forward(above, x) - target) ** 2 - (forward(below, x) - target) ** 2) / (2 * step)


def main(fast: bool) -> tuple:
    """Check the chain rule at one point, then learn a line between two clouds of points."""
    rng = np.random.default_rng(1)
    w, x, target = [0.5, -1.0, 0.2], [1.5, 0.3], -1.0
    loss, claimed = gradient(w, x, target)
    print(f"y = {forward(w, x):.6f}, target = {target}, loss = {loss:.6f}\n")
    print("           chain rule      measured     they differ by")
    errors = []
    for i, name in enumerate(("dL/dw1", "dL/dw2", "dL/db")):
        measured = difference(w, x, target, i)
        errors.append(abs(claimed[i] - measured))
        print(f"{name:8} {claimed[i]:12.8f}  {measured:12.8f}  {errors[-1]:17.1e}")

    labels = np.repeat([-1.0, 1.0], POINTS // 2)
    points = rng.normal(0, 0.8, (POINTS, 2)) + labels[:, None] * [0.9, 0.7]
    data = list(zip(points.tolist(), labels.tolist(), strict=True))
    w, path, losses = [-1.2, 1.5, 0.0], [], []
    for _ in range(60 if fast else 200):
        results = [gradient(w, x, target) for x, target in data]
        path.append(list(w))
        losses.append(sum(loss for loss, _ in results) / POINTS)
        # the gradient of a mean is the mean of the gradients
        means = [sum(each[i] for _, each in results) / POINTS for i in range(3)]
        w = [value - RATE * mean for value, mean in zip(w, means, strict=True)]
    right = sum((forward(w, x) > 0) == (target > 0) for x, target in data) / POINTS
    print(f"\n{len(losses)} steps downhill: loss {losses[0]:.3f} -> {losses[-1]:.3f},")
    print(f"{right:.0%} of the points are on the right side of the line.\n")
    print(
        "Look at the left picture: steps are short where the surface is flat, and almost at right"
    )
    print("angles to the lines of equal loss (which are drawn for the final bias).")
    found = {"error": max(errors), "first": losses[0], "last": losses[-1], "right": right}
    return picture(np.array(path), w, points, labels), found


def picture(path: np.ndarray, w: list[float], points: np.ndarray, labels: np.ndarray):
    """Draw the loss over w1 and w2 with the path of descent, and the learned line."""
    figure = canvas(11, 4.6)
    hill, plane = figure.subplots(1, 2)
    w1, w2 = np.meshgrid(np.linspace(-2, 3.5, 110), np.linspace(-1.5, 3, 90))
    y = np.tanh(w1[..., None] * points[:, 0] + w2[..., None] * points[:, 1] + w[2])
    filled = hill.contourf(w1, w2, ((y - labels) ** 2).mean(axis=-1), 24, cmap="viridis")
    figure.colorbar(filled, ax=hill, label="loss")
    hill.plot(path[:, 0], path[:, 1], ".-", color="white", markersize=4, linewidth=0.8)
    hill.plot(*path[-1, :2], "o", color=ORANGE)
    title = "The loss; each step is -0.2 times its gradient"
    hill.set(xlabel="w1", ylabel="w2", title=title, aspect="equal")
    a, b = np.meshgrid(np.linspace(-3.2, 3.2, 100), np.linspace(-3, 3, 100))
    plane.contourf(
        a, b, np.tanh(w[0] * a + w[1] * b + w[2]), np.linspace(-1, 1, 21), cmap="RdBu_r", alpha=0.45
    )
    style = {"edgecolor": "black", "linewidth": 0.4, "s": 28}
    for label, colour in ((-1, BLUE), (1, ORANGE)):
        cloud = points[labels == label].T
        plane.scatter(*cloud, color=colour, label=f"target {label}", **style)
    plane.contour(a, b, w[0] * a + w[1] * b + w[2], [0], colors="black")
    plane.set(xlabel="x1", ylabel="x2", title="The neuron's output: 0 on the line")
    plane.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    found = run(main)
