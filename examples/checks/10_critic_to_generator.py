"""The exercises of lesson 10: from a song's score to the weights."""

from __future__ import annotations

import numpy as np

from checks import Wrong, answer, differences, same

SIZES = ((1, 1, 2, 3), (4, 1, 1, 2), (5, 3, 2, 4))  # moments, batch, values, hidden


def song_gradient(theirs, rng):
    """Check the loss and the gradient at every moment."""
    for moments, batch, size, hidden in SIZES:
        songs, W = rng.standard_normal((moments, batch, size)), rng.standard_normal((size, hidden))
        v = rng.standard_normal(hidden)

        def loss():
            return -(np.tanh(songs @ W) @ v).mean()

        found, dsongs = answer(theirs.song_gradient, "loss dsongs", songs, W, v)
        same("loss", found, loss())
        differences(loss, dsongs=(dsongs, songs))


def shares(theirs, rng):
    """Check the share of each moment by itself."""
    for moments, batch, latents, size in SIZES:
        z, A = rng.standard_normal((batch, latents)), rng.standard_normal((latents, size))
        U, dsongs = rng.standard_normal((size, size)), rng.standard_normal((moments, batch, size))

        def states():
            h = np.zeros((moments + 1, batch, size))
            for t in range(moments):
                h[t + 1] = np.tanh(z @ A + h[t] @ U)
            return h

        (found,) = answer(theirs.shares, "shares", dsongs, z, states(), A, U)
        if np.shape(found) != (moments, *A.shape):
            raise Wrong(f"shares have shape {np.shape(found)} instead of {(moments, *A.shape)}")
        for moment in range(moments):
            differences(
                lambda i=moment: (dsongs[i] * states()[i + 1]).sum(),
                **{f"the share of moment {moment}": (found[moment], A)},
            )


def past_the_critic(theirs, rng):
    """Check the gradient at every moment, for a gradient of the scores that is given."""
    for moments, batch, size, hidden in SIZES:
        songs, W = rng.standard_normal((moments, batch, size)), rng.standard_normal((size, hidden))
        v, dloss = rng.standard_normal(hidden), rng.standard_normal(batch)
        (dsongs,) = answer(theirs.past_the_critic, "dsongs", songs, W, v, dloss)
        differences(
            lambda: (dloss * (np.tanh(songs @ W) @ v).mean(axis=0)).sum(), dsongs=(dsongs, songs)
        )
