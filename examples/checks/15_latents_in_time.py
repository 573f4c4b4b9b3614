"""The exercises of lesson 15: a prior over time, and gradients through its draws."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 1, 1), (4, 1, 2), (5, 3, 2))  # steps, batch, latents


def _drawn(e, A, s):
    w, before = np.zeros_like(e), np.zeros_like(e[0])
    for t in range(len(e)):
        before = w[t] = np.tanh(before @ A) + np.exp(s) * e[t]
    return w


def _draw(rng, size):
    return (
        rng.standard_normal(size),
        rng.standard_normal((size[2], size[2])),
        rng.normal(size=size[2]),
    )


def innovations(theirs, rng):
    """Check that innovations come out as they went in."""
    for size in SIZES:
        e, A, s = _draw(rng, size)
        (found,) = answer(theirs.innovations, "e", _drawn(e, A, s), A, s)
        same("e", found, e)


def draw_backward(theirs, rng):
    """Check de, dA and ds."""
    for size in SIZES:
        e, A, s = _draw(rng, size)
        dw, w = rng.standard_normal(size), _drawn(e, A, s)
        de, dA, ds = answer(theirs.draw_backward, "de dA ds", dw, w, e, A, s)
        differences(lambda: (dw * _drawn(e, A, s)).sum(), de=(de, e), dA=(dA, A), ds=(ds, s))


def divergence(theirs, rng):
    """Check the divergence of two Gaussians, and its four gradients."""
    for size in ((1, 1), (1, 3), (4, 2)):
        m, s, p, q = 0.7 * rng.standard_normal((4, *size))

        def loss():
            each = q - s + (np.exp(s) ** 2 + (m - p) ** 2) / (2 * np.exp(q) ** 2) - 0.5
            return each.sum() / len(m)

        value, *gradients = answer(theirs.divergence, "value dm ds dp dq", m, s, p, q)
        same("the value", value, loss())
        pairs = zip(gradients, (m, s, p, q), strict=True)
        differences(loss, **dict(zip(("dm", "ds", "dp", "dq"), pairs, strict=True)))


def mixture(theirs, rng):
    """Check the density near its Gaussians, and far from all of them."""
    for batch, count, size, far in ((1, 1, 1, 0), (4, 3, 2, 0), (3, 2, 3, 40)):
        w, mu = rng.standard_normal((batch, size)), rng.standard_normal((count, size))
        w += far * np.arange(batch)[:, None]
        logits, s = rng.standard_normal(count), 0.3 * rng.standard_normal(size)

        def loss():
            u = (w[:, None] - mu) / np.exp(s)
            log_p = logits - np.logaddexp.reduce(logits)
            parts = log_p - (u**2 / 2 + s + np.log(2 * np.pi) / 2).sum(axis=2)
            return -np.logaddexp.reduce(parts, axis=1).mean()

        names = "loss dw dlogits dmu"
        found, *gradients = answer(theirs.mixture, names, w, logits, mu, s)
        same("loss", found, loss())
        pairs = zip(gradients, (w, logits, mu), strict=True)
        differences(loss, **dict(zip(names.split()[1:], pairs, strict=True)))
