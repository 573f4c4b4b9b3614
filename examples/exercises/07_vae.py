"""Exercises of lesson 7: the gradients of a variational autoencoder.

All arrays are (B, Z): B songs with Z latents.

Edit this file, and check it: python examples/check.py 7
"""

from __future__ import annotations

import numpy as np


def draw_backward(dz, log_variance, epsilon) -> tuple[np.ndarray, np.ndarray]:
    """Return dmu, dlog_variance of z = mu + sigma epsilon, sigma^2 = exp(log_variance)."""


def divergence(mu, log_variance) -> tuple[float, np.ndarray, np.ndarray]:
    """Return KL(N(mu, sigma^2) || N(0, 1)) and its gradients dmu, dlog_variance.

    It is (mu^2 + sigma^2 - 1 - log sigma^2) / 2, summed over latents; the mean over songs.
    """


def free_bits(mu, log_variance, floor) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the divergence with free bits (Kingma et al. 2016), and dmu, dlog_variance.

    Each latent's divergence, the mean over songs, counts as `floor` at least. So a latent may tell
    that much for nothing, and is not silenced at the beginning of the training.
    """
