"""The exercises of lesson 17: choosing by an innovation, and parts that return."""

from __future__ import annotations

import numpy as np

from checks import Wrong, answer, same


def choose(theirs, rng):
    """Check symbols of innovations within and at the borders of their ranges."""
    p = np.array([[0.25, 0.25, 0.5], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.125, 0.625, 0.25]])
    for u in (np.zeros(4), np.array([0.25, 0.5, 0.5, 0.75]), np.full(4, 0.999), rng.random(4)):
        (found,) = answer(theirs.choose, "symbols", p, u)
        expected = [
            int(np.searchsorted(np.cumsum(row), x, "right")) for row, x in zip(p, u, strict=True)
        ]
        same(f"symbols for u = {np.round(u, 3).tolist()},", found, expected)


def compose(theirs, rng):
    """Check what is played, and from where, in several forms."""
    for form in ("A", "ABAC", "AABA", "ABCABC"):
        played = []

        def play(u, state, played=played):
            notes = state + np.cumsum(u)
            played.append((u, state, notes))
            return notes, float(np.tanh(notes[-1]))

        song = theirs.compose(form, 0.5, play, lambda: rng.standard_normal(3))
        if song is None:
            raise Wrong("returns nothing yet")
        if len(played) != len(form):
            raise Wrong(f"{form}: {len(played)} parts were played instead of {len(form)}")
        state = 0.5
        for number, (u, given, notes) in enumerate(played):
            place = f"{form}, part {number + 1}"
            if given != state:
                raise Wrong(f"{place} does not begin in the state in which the part before ended")
            state = float(np.tanh(notes[-1]))
            for letter, (other, *_) in zip(form[:number], played, strict=False):
                if np.array_equal(other, u) != (letter == form[number]):
                    which = "other" if letter == form[number] else "the same"
                    raise Wrong(f"{place} has {which} innovations than an {letter} before it")
        if len(song) != len(form):
            raise Wrong(f"{form}: returns {len(song)} parts instead of {len(form)}")
        for number, (notes, (_, _, expected)) in enumerate(zip(song, played, strict=True)):
            same(f"{form}, the notes of part {number + 1}", notes, expected)


def varied(theirs, rng):
    """Measure deviation and correlation on many innovations."""
    for likeness in (0.0, 0.8, 1.0):
        u = rng.standard_normal((200, 100))
        (found,) = answer(theirs.varied, "u", u, likeness, np.random.default_rng(1))
        found = np.asarray(found, np.float64)
        if found.shape != u.shape:
            raise Wrong(f"u has shape {found.shape} instead of {u.shape}")
        correlation = float(np.corrcoef(found.ravel(), u.ravel())[0, 1])
        for name, value, expected in (
            ("mean", found.mean(), 0.0),
            ("standard deviation", found.std(), 1.0),
            ("correlation", correlation, likeness),
        ):
            if not abs(value - expected) < 0.04:
                raise Wrong(f"the {name} is {value:.2f} for likeness {likeness}, not {expected:g}")
