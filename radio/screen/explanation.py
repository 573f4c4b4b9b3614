"""The explanation of a song: which moments the taste network and the critic like, by gradients."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from radio.screen import curves, panels
from radio.session import View
from radio.taste import highlights

WIDTH = 64  # columns of a curve


def explanation(view: View) -> Text:
    """Return the explanation of the song that plays."""
    if not len(view.taste):
        return Text("There is no explanation of this song yet.")
    text = Text()
    duration = view.duration
    for name, effect, what in (
        ("taste network", view.taste, "changes about your predicted rating"),
        ("critic", view.critic, "changes about its likeness to the training music"),
    ):
        largest = float(np.abs(effect).max())
        if largest < 1e-9:
            text.append(f"The {name} can't tell moments apart yet.\n\n")
            continue
        text.append(f"The {name}", "bold").append(f": what each moment {what}.\n", panels.QUIET)
        scaled = curves.resampled(effect, WIDTH) / largest
        for part, style in ((scaled, panels.GOOD), (-scaled, panels.BAD)):
            text.append("  + " if style == panels.GOOD else "  - ", style).append(
                curves.bars(np.maximum(part, 0), 1)[0] + "\n", style
            )
        place = int(min(WIDTH - 1, view.position / duration * WIDTH)) if duration else 0
        text.append("    " + " " * place + "▲\n", panels.QUIET)
        for seconds, mean in highlights(effect, duration):
            word = "liked" if mean > 0 else "disliked"
            text.append(f"    {panels.clock(seconds)}  {word} ", "").append(
                f"{mean:+.2f}\n", panels.tint(mean)
            )
        text.append("\n")
    ratings, gain = view.adapter
    if ratings:
        learned = (
            f" has adapted to {ratings} ratings: your predicted rating rose by {gain:+.2f}.\n\n"
        )
        text.append("The generator", "bold").append(learned, panels.QUIET)
    return text.append(
        "The curves are gradients of the predicted rating and of the critic's score with respect to"
        " each moment, as in the search for the final song.",
        panels.QUIET,
    )
