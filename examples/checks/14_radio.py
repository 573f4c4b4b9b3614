"""The exercises of lesson 14: from the slider to the final song."""

from __future__ import annotations

import numpy as np

from checks import Wrong, answer, differences, same


def rating(theirs, rng):
    """Check sliders that moved once, some times, and in the last second."""
    for count in (1, 2, 5):
        time, end = np.sort(rng.uniform(0, 20, count)), 21.0
        slider = rng.uniform(-1, 1, count)
        (found,) = answer(theirs.rating, "rating", np.stack([time, slider], axis=1), end)
        lasted = [*time[1:], end] - time
        same(f"the rating of {count} points", found, (lasted * slider).sum() / lasted.sum())


def valid(theirs, rng):
    """Check undo at the beginning, in a row, and of a song that was rated twice."""
    a, b, c = rng.uniform(-1, 1, 3)
    for journal, expected in (
        ([("rate", "x", a), ("rate", "y", b)], {"x": a, "y": b}),
        ([("rate", "x", a), ("rate", "y", b), ("undo",)], {"x": a}),
        ([("undo",), ("rate", "x", a)], {"x": a}),
        ([("rate", "x", a), ("rate", "y", b), ("rate", "x", c), ("undo",)], {"x": a, "y": b}),
        ([("rate", "x", a), ("rate", "y", b), ("undo",), ("undo",), ("rate", "z", c)], {"z": c}),
        ([("rate", "x", a), ("rate", "x", b), ("undo",), ("undo",)], {}),
    ):
        result = theirs.valid(list(journal))
        if result is None:
            raise Wrong("returns nothing yet")
        if result != expected:
            did = " ".join(f"{what} {rated[0]}" if rated else what for what, *rated in journal)
            counts = ", ".join(f"{song}: {value:.2f}" for song, value in result.items())
            right = ", ".join(f"{song}: {value:.2f}" for song, value in expected.items())
            raise Wrong(f"after {did}: {{{counts}}} instead of {{{right}}}")


def cautious(theirs, rng):
    """Check the prediction and its gradient."""
    for size, caution in ((1, 0.5), (3, 0.0), (4, 1.5)):
        f, mean = rng.standard_normal((2, size))
        root = rng.standard_normal((size, size))
        covariance = np.eye(size) + root @ root.T

        def value():
            return f @ mean - caution * np.sqrt(f @ covariance @ f)

        r, df = answer(theirs.cautious, "r df", f, mean, covariance, caution)
        same("r", r, value())
        differences(value, df=(df, f))
