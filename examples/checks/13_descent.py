"""The exercises of lesson 13: descent on a song's coordinate."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same


def coordinate_gradient(theirs, rng):
    """Check the losses and the gradient with respect to the coordinates."""
    for moments, batch, size, values, hidden in ((1, 1, 1, 1, 1), (4, 1, 3, 2, 2), (3, 4, 2, 3, 2)):
        P, A = rng.standard_normal((batch, size)), rng.standard_normal((moments, size, values))
        W, v = rng.standard_normal((values, hidden)), rng.standard_normal(hidden)

        def losses():
            return -np.mean([np.tanh(np.tanh(P @ A_t) @ W) @ v for A_t in A], axis=0)

        loss, dP = answer(theirs.coordinate_gradient, "loss dP", P, A, W, v)
        same("loss", loss, losses())
        differences(lambda: losses().sum(), dP=(dP, P))


def hinge(theirs, rng):
    """Check starts inside and outside of the hinge."""
    for batch, size, far in ((1, 1, 3.0), (1, 2, 0.3), (6, 3, 1.2)):
        P, mean = far * rng.standard_normal((batch, size)), 0.1 * rng.standard_normal(size)
        deviation, weight = rng.uniform(0.5, 2, size), rng.uniform(1, 10)
        P[-1] = mean + rng.uniform(1.02, 1.3, size) * deviation

        def penalties():
            return weight * np.maximum(0, (((P - mean) / deviation) ** 2).mean(axis=1) - 1)

        found, dP = answer(theirs.hinge, "penalty dP", P, mean, deviation, weight)
        same("penalty", found, penalties())
        differences(lambda: penalties().sum(), dP=(dP, P))


def descend(theirs, rng):
    """Check rates that lead down, rates that swing across, and one that leads away."""
    for size, rate, steps in ((1, 0.3, 1), (3, 0.1, 8), (2, 0.95, 7), (2, 1.2, 6)):
        curvature, start = rng.uniform(0.8, 2, size), rng.standard_normal(size)

        def loss(P):
            return float(np.sin(4 * P).sum() + P @ (curvature * P)), 4 * np.cos(4 * P) + (
                2 * curvature * P
            )

        best, lowest = answer(theirs.descend, "P loss", loss, start, rate, steps)
        path = [start]
        for _ in range(steps):
            path.append(path[-1] - rate * loss(path[-1])[1])
        values = [loss(P)[0] for P in path]
        same(f"the lowest loss of {steps} steps", lowest, min(values))
        same("its P", best, path[int(np.argmin(values))])
