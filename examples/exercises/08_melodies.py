"""Exercises of lesson 8: a point at every step, a code at the last.

Shapes: z and code (B, Z), states (T, B, H), logits (T, B, P) of P pitches.

Edit this file, and check it: python examples/check.py 8
"""

from __future__ import annotations

import numpy as np


def decoder_backward(dh, z, h, W, U) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dz, dW, dU of h_t = tanh(z W + h_{t-1} U): there is a mistake in it.

    The decoder gets the same z at every step. h (T + 1, B, H) begins with zeros, as in lesson 4.
    """
    dW, dU, later = np.zeros_like(W), np.zeros_like(U), np.zeros_like(h[0])
    for t in reversed(range(len(dh))):
        ds = (dh[t] + later) * (1 - h[t + 1] ** 2)
        dz = ds @ W.T
        dW += z.T @ ds
        dU += h[t].T @ ds
        later = ds @ U.T
    return dz, dW, dU


def code_backward(dcode, h, V) -> tuple[np.ndarray, np.ndarray]:
    """Return dh (T, B, H), dV (H, Z) of the encoder's end: code = h at the last step, times V.

    dh is what the loss says to each state of h (T, B, H); backpropagation through time does the
    rest.
    """


def note_loss(logits, pitch, sounds) -> tuple[float, np.ndarray]:
    """Return the cross entropy of the notes and dlogits (T, B, P); rests do not count.

    pitch (T, B) are whole numbers, the right pitches; sounds (T, B) is True where there is one. The
    loss is the mean of -log softmax(logits) at the right pitch over all steps that sound.
    """
