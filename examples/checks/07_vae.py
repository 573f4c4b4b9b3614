"""The exercises of lesson 7: the draw, the divergence, and free bits."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 1), (1, 3), (4, 2))  # batch, latents


def draw_backward(theirs, rng):
    """Check dmu and dlog_variance of z = mu + exp(log_variance / 2) epsilon."""
    for size in SIZES:
        mu, log_variance, epsilon, dz = rng.standard_normal((4, *size))
        results = answer(theirs.draw_backward, "dmu dlog_variance", dz, log_variance, epsilon)
        differences(
            lambda: (dz * (mu + np.exp(log_variance / 2) * epsilon)).sum(),
            dmu=(results[0], mu),
            dlog_variance=(results[1], log_variance),
        )


def _divergences(mu, log_variance):
    return (mu**2 + np.exp(log_variance) - 1 - log_variance) / 2


def divergence(theirs, rng):
    """Check the mean divergence of a batch, and its gradients."""
    for size in SIZES:
        mu, log_variance = rng.standard_normal((2, *size))

        def loss():
            return _divergences(mu, log_variance).sum() / len(mu)

        found = answer(theirs.divergence, "value dmu dlog_variance", mu, log_variance)
        same("the value", found[0], loss())
        differences(loss, dmu=(found[1], mu), dlog_variance=(found[2], log_variance))


def free_bits(theirs, rng):
    """Check the divergence with a floor for each latent."""
    for batch, latents, floor in ((1, 1, 0.01), (4, 5, 0.8), (3, 4, 2.0)):
        mu = rng.standard_normal((batch, latents)) * np.linspace(0.2, 2, latents)
        log_variance = 0.3 * rng.standard_normal((batch, latents))

        def loss():
            return np.maximum(_divergences(mu, log_variance).mean(axis=0), floor).sum()

        names = "value dmu dlog_variance"
        found = answer(theirs.free_bits, names, mu, log_variance, floor)
        same("the value", found[0], loss())
        differences(loss, dmu=(found[1], mu), dlog_variance=(found[2], log_variance))
