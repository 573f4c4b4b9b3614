"""Answers to the exercises of lesson 8."""

from __future__ import annotations

import numpy as np


def decoder_backward(dh, z, h, W, U) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dz, dW, dU: what is used at every step has a gradient from every step."""
    dW, dU, later = np.zeros_like(W), np.zeros_like(U), np.zeros_like(h[0])
    dz = np.zeros_like(z)
    for t in reversed(range(len(dh))):
        ds = (dh[t] + later) * (1 - h[t + 1] ** 2)
        dz += ds @ W.T
        dW += z.T @ ds
        dU += h[t].T @ ds
        later = ds @ U.T
    return dz, dW, dU


def code_backward(dcode, h, V) -> tuple[np.ndarray, np.ndarray]:
    """Return dh, dV: all states but the last matter only through those that follow them."""
    dh = np.zeros_like(h)
    dh[-1] = dcode @ V.T
    return dh, h[-1].T @ dcode


def note_loss(logits, pitch, sounds) -> tuple[float, np.ndarray]:
    """Return the loss and dlogits: softmax less one at the right pitch, 0 at rests."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    right = np.eye(logits.shape[-1])[pitch] * sounds[..., None]
    count = sounds.sum()
    return float(-(right * log_p).sum() / count), (
        np.exp(log_p) * sounds[..., None] - right
    ) / count
