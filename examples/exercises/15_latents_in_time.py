"""Exercises of lesson 15: a prior over time, and gradients through its draws.

Shapes: latents w and innovations e (T, B, Z), weights A (Z, Z), logarithms of deviations s (Z,).
The prior: w_t = tanh(w_{t-1} A) + exp(s) e_t, with w = 0 before the first step.

Edit this file, and check it: python examples/check.py 15
"""

from __future__ import annotations

import numpy as np


def innovations(w, A, s) -> np.ndarray:
    """Return e (T, B, Z) of which the prior makes these latents: what it did not know of each."""


def draw_backward(dw, w, e, A, s) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return de, dA, ds, given dw, the loss's own gradient at each latent: a mistake is in it."""
    de, dA, ds, later = np.zeros_like(e), np.zeros_like(A), np.zeros_like(s), np.zeros_like(w[0])
    for t in reversed(range(len(w))):
        dstep = dw[t] + later
        de[t] = dstep * np.exp(s)
        ds += (dstep * e[t]).sum(axis=0)
        before = w[t - 1] if t else np.zeros_like(w[0])
        dsum = dstep * (1 - np.tanh(before @ A) ** 2)
        dA += before.T @ dsum
        later = dsum @ A.T
    return de, dA, ds


def divergence(m, s, p, q) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return KL(N(m, exp(s)^2) || N(p, exp(q)^2)), and its gradients dm, ds, dp, dq, all (B, Z).

    q - s + (exp(s)^2 + (m - p)^2) / (2 exp(q)^2) - 1/2, summed over latents; the mean over B. What
    the encoder says is compared with what the prior expects here, and both learn from it.
    """


def mixture(w, logits, mu, s) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return the loss, and dw (B, Z), dlogits (K,), dmu (K, Z), of a prior of K Gaussians.

    A melody may go on in several ways: the density of w (B, Z) is the sum over k of
    p_k N(w; mu_k, exp(s)^2), p = softmax(logits), s (Z,), and the loss the mean over B of -log
    density. log N(w; mu, exp(s)^2) = -sum over Z of ((w - mu)^2 / exp(s)^2 + 2 s + log 2 pi) / 2.
    Far from all Gaussians each density is 0 in the computer; their logarithms are not.
    """
