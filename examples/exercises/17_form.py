"""Exercises of lesson 17: choosing by an innovation, and parts that return.

Edit this file, and check it: python examples/check.py 17
"""

from __future__ import annotations

import numpy as np


def choose(p, u) -> np.ndarray:
    """Return symbols (N,), whole numbers, for probabilities p (N, S) and innovations u (N,).

    Each is the first symbol at which the cumulated probability of its row is above u, 0 <= u < 1.
    """


def compose(form, state, play, draw) -> list:
    """Return the notes of all parts of a form such as "AABA", in order: there is a mistake in it.

    notes, state = play(u, state) plays innovations u from a state, and returns the state at the
    end; u = draw() are new innovations. A part that returns must follow from where the music is.
    """
    parts, song = {}, []
    for letter in form:
        if letter not in parts:
            parts[letter], state = play(draw(), state)
        song.append(parts[letter])
    return song


def varied(u, likeness, rng) -> np.ndarray:
    """Return innovations for a part that returns a little varied: there is a mistake in it.

    u, of any shape, are standard normal and so must be the result, whose correlation with u is
    `likeness`, 0 to 1. Others would be innovations such as the model has never seen.
    """
    return likeness * u + (1 - likeness) * rng.standard_normal(u.shape)
