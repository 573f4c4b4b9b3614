"""The exercises of lesson 9: two losses, and a generator that gets worse."""

from __future__ import annotations

import numpy as np

from checks import Wrong, answer, differences, same


def hinge(theirs, rng):
    """Check the critic's hinge loss and its gradients."""
    for reals, fakes in ((1, 1), (3, 5), (6, 2)):
        real, fake = 2 * rng.standard_normal(reals), 2 * rng.standard_normal(fakes)

        def loss():
            return np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()

        found, dreal, dfake = answer(theirs.hinge, "loss dreal dfake", real, fake)
        same("loss", found, loss())
        differences(loss, dreal=(dreal, real), dfake=(dfake, fake))


def generator_gradient(theirs, rng):
    """Check the way from the generator's loss through the critic to the generator's weights."""
    for batch, noise, hidden in ((1, 1, 1), (4, 3, 2), (3, 2, 5)):
        z, A = rng.standard_normal((batch, noise)), rng.standard_normal((noise, 2))
        c, W, v = (rng.standard_normal(size) for size in (2, (2, hidden), hidden))

        def loss():
            scores = np.tanh((z @ A + c) @ W) @ v
            return np.logaddexp(0, -scores).mean()

        dA, dc = answer(theirs.generator_gradient, "dA dc", z, A, c, W, v)
        differences(loss, dA=(dA, A), dc=(dc, c))


def worse(theirs, rng):
    """Train a critic of 200 random features on half of the points; it must tell the other half."""
    angle = rng.integers(8, size=4000) * np.pi / 4
    points = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points += 0.12 * rng.standard_normal(points.shape)
    real, taken = points[:2000], points[2000:]
    (fake,) = answer(lambda x: theirs.worse(x, np.random.default_rng(0)), "points", taken)
    fake = np.asarray(fake, np.float64)
    if fake.shape != taken.shape:
        raise Wrong(f"points has shape {fake.shape} instead of {taken.shape}")
    for name, measure in (("mean", np.mean), ("standard deviation", np.std)):
        off = np.abs(measure(fake, axis=0) - measure(taken, axis=0)).max()
        if not off < 0.01:
            raise Wrong(f"the {name} of the points changes by {off:.3f}, more than 0.01")
    W, b = 2 * rng.standard_normal((2, 200)), rng.uniform(-3, 3, 200)
    x, label = np.tanh(np.concatenate([real, fake]) @ W + b), np.repeat([1.0, -1.0], 2000)
    learned, tested = x[::2], x[1::2]
    weights = np.linalg.solve(learned.T @ learned + np.eye(200), learned.T @ label[::2])
    share = float(np.mean(np.sign(tested @ weights) == label[1::2]))
    if share < 0.65:
        raise Wrong(f"the critic is right for {share:.0%} of the points; 50% is chance, 65% needed")
