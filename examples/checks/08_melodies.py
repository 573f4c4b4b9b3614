"""The exercises of lesson 8: a point at every step, a code at the last."""

from __future__ import annotations

import numpy as np

from checks import answer, differences, same

SIZES = ((1, 1, 2, 3), (4, 1, 1, 2), (5, 3, 2, 4))  # steps, batch, latents, hidden


def _states(z, W, U, steps):
    h = np.zeros((steps + 1, len(z), len(U)))
    for t in range(steps):
        h[t + 1] = np.tanh(z @ W + h[t] @ U)
    return h


def decoder_backward(theirs, rng):
    """Check dz, dW and dU."""
    for steps, batch, latents, hidden in SIZES:
        z, W = rng.standard_normal((batch, latents)), rng.standard_normal((latents, hidden))
        U, dh = rng.standard_normal((hidden, hidden)), rng.standard_normal((steps, batch, hidden))
        h = _states(z, W, U, steps)
        dz, dW, dU = answer(theirs.decoder_backward, "dz dW dU", dh, z, h, W, U)
        differences(
            lambda: (dh * _states(z, W, U, steps)[1:]).sum(), dz=(dz, z), dW=(dW, W), dU=(dU, U)
        )


def code_backward(theirs, rng):
    """Check dh and dV."""
    for steps, batch, latents, hidden in SIZES:
        h, V = rng.standard_normal((steps, batch, hidden)), rng.standard_normal((hidden, latents))
        dcode = rng.standard_normal((batch, latents))
        dh, dV = answer(theirs.code_backward, "dh dV", dcode, h, V)
        differences(lambda: (dcode * (h[-1] @ V)).sum(), dh=(dh, h), dV=(dV, V))


def note_loss(theirs, rng):
    """Check the loss and dlogits, with rests and without."""
    for steps, batch, pitches, offset in ((1, 1, 2, 0), (3, 2, 4, 0), (4, 3, 3, 2000)):
        # far from 0, and steps far from each other
        apart = offset * np.arange(steps)[:, None, None]
        logits = 2 * rng.standard_normal((steps, batch, pitches)) + apart
        pitch = rng.integers(pitches, size=(steps, batch))
        sounds = rng.random((steps, batch)) < 0.6
        sounds[0, 0] = True

        def loss():
            shifted = logits - logits.max(axis=-1, keepdims=True)
            log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
            return -np.take_along_axis(log_p, pitch[..., None], -1)[..., 0][sounds].mean()

        found, dlogits = answer(theirs.note_loss, "loss dlogits", logits, pitch, sounds)
        same("loss", found, loss())
        differences(loss, dlogits=(dlogits, logits))
