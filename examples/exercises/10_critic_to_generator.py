"""Exercises of lesson 10: from a song's score to the weights.

Shapes: songs and states (T, B, F), T moments of B songs; z (B, Z).

Edit this file, and check it: python examples/check.py 10
"""

from __future__ import annotations

import numpy as np


def song_gradient(songs, W, v) -> tuple[float, np.ndarray]:
    """Return the loss and dsongs (T, B, F), the gradient at every moment.

    critic D = mean over moments of tanh(song_t W) v,  one score a song;   loss = mean over B of -D
    """


def shares(dsongs, z, h, A, U) -> np.ndarray:
    """Return what each moment tells the weights A (Z, F): shares (T, Z, F) of dL/dA.

    generator h_t = tanh(z A + h_{t-1} U), song = h[1:], h (T + 1, B, F) begins with zeros.
    Share i is what dL/dA would be without dsongs of the other moments: it goes back through moment
    i and all before it. The sum of all shares is dL/dA.
    """


def past_the_critic(songs, W, v, dloss) -> np.ndarray:
    """Return dsongs (T, B, F), given dloss (B,), the gradient at the scores: a mistake is in it.

    The critic is that of `song_gradient`. This is the famous mistake of the lesson.
    """
    return np.broadcast_to(dloss[:, None], songs.shape)
