"""The explanation of a song: which moments the taste network and the critic like, by gradients."""

from __future__ import annotations

import textwrap

import numpy as np
from rich.text import Text

from radio.screen import curves, panels, words
from radio.session import View
from radio.taste import highlights, in_a_line

MARGIN = 4  # columns before a curve


def explanation(view: View, width: int) -> Text:
    """Return the explanation of the song that plays, for a width."""
    if not len(view.taste):
        return Text("There is no explanation of this song yet.")
    text = Text(no_wrap=True)
    if view.final_song:
        text.append("This song was composed for you, from all of your ratings.\n\n", "magenta")
    room = max(10, width - MARGIN)
    for name, effect, causes, what in (
        ("Your taste", view.taste, view.causes, "raises or lowers your predicted rating"),
        ("The training music", view.critic, None, "resembles it more or less"),
    ):
        largest = float(np.abs(effect).max())
        if largest < 1e-9:
            text.append(f"{name}: no moment differs from the others yet.\n\n")
            continue
        text.append(f"{name}", "bold").append(f": each moment {what}.\n", panels.QUIET)
        scaled = curves.resampled(effect, room) / largest
        for row in curves.rating_cells(scaled, 1):
            text.append(" " * MARGIN)
            for glyph, style in row:
                text.append(glyph, panels.STYLES[style])
            text.append("\n")
        place = int(min(room - 1, view.position / view.duration * room)) if view.duration else 0
        text.append(" " * (MARGIN + place) + "▲\n", panels.QUIET)
        for seconds, mean, why in highlights(effect, view.duration, causes):
            line = f"    {panels.clock(seconds)}  {in_a_line(mean, why)} "
            if len(line) + len("+0.00") > width:
                line = f"  {panels.clock(seconds)}  {why} "  # the sign says the rest
            text.append(line).append(f"{mean:+.2f}\n", panels.tint(mean))
        text.append("\n")
    ratings, gain = view.adapter
    notes = [
        f"New songs have been adapted to {words.counted(ratings, 'rating')} of yours: that raised"
        f" your predicted rating by {gain:+.2f}."
        if ratings
        else "",
        "The curves are gradients: the change of the predicted rating, and of the critic's score,"
        " with each moment. The search for your final song follows them.",
    ]
    for note in notes:
        if note:
            text.append("\n".join(textwrap.wrap(note, max(20, width))) + "\n", panels.QUIET)
    return text
