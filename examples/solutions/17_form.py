"""Answers to the exercises of lesson 17."""

from __future__ import annotations

import numpy as np


def choose(p, u) -> np.ndarray:
    """Return symbols: as many as have cumulated probabilities of u or less come before."""
    return (np.cumsum(p, axis=1) <= u[:, None]).sum(axis=1)


def compose(form, state, play, draw) -> list:
    """Return the notes of all parts: equal letters share innovations, not notes."""
    innovations, song = {}, []
    for letter in form:
        if letter not in innovations:
            innovations[letter] = draw()
        notes, state = play(innovations[letter], state)
        song.append(notes)
    return song


def varied(u, likeness, rng) -> np.ndarray:
    """Return innovations: variances add up to 1, not deviations."""
    return likeness * u + np.sqrt(1 - likeness**2) * rng.standard_normal(u.shape)
