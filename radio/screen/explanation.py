"""What `e` shows: which moments of this song the taste network and the critic like, from their gradients at each moment."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from radio.screen import curves, panels
from radio.session.view import View
from radio.taste.insight import highlights

WIDTH = 64  # columns of a curve


def why(view: View) -> Text:
    """Return the explanation of the song that plays."""
    if not len(view.taste):
        return Text("Nothing is known of this song yet.")
    text = Text()
    duration = view.duration
    for name, effect, what in (
        ("taste network", view.taste, "adds to, or takes from, the rating it expects of you"),
        ("critic", view.critic, "makes it sound more, or less, like the music the station learned"),
    ):
        largest = float(np.abs(effect).max())
        if largest < 1e-9:
            text.append(f"The {name} has learned nothing yet that tells moments apart.\n\n")
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
    ratings, gain = view.layers
    if ratings:
        learned = f" has learned from {ratings} ratings: you should like its songs by {gain:+.2f} more.\n\n"
        text.append("The generator", "bold").append(learned, panels.QUIET)
    return text.append(
        "Each is (G - average moment) dr/dG: the gradient of the rating, or score, at\n"
        "every moment G of the song, by which the final song descends.",
        panels.QUIET,
    )
