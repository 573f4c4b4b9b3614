"""The slider's line: what it looks like, and which value is where on it."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from radio.screen.panels import NARROW, QUIET, columns, tint
from radio.session import View

TRACK = 29  # positions of the slider at 80 columns


def slider_line(view: View, width: int) -> Text:
    """Return the slider as a knob on a track, and its value."""
    text = Text.assemble((dislike(width), QUIET), no_wrap=True)
    places = track_places(width)
    knob = None if view.slider is None else round((view.slider + 1) / 2 * (places - 1))
    ends = {0: "├", places - 1: "┤", places // 2: "┼"}
    for place in range(places):
        if place == knob:
            text.append("●", f"{tint(view.slider)} bold")
        else:
            text.append(ends.get(place, "─"), QUIET)
    text.append(" love   ", QUIET)
    value = "unrated" if view.slider is None else f"{view.slider:+.2f}"
    return text.append(value, f"{tint(view.slider)} bold" if view.slider is not None else QUIET)


def dislike(width: int) -> str:
    """Return what is left of the slider."""
    return "dislike ".rjust(columns(width)[0] + 2) if width >= NARROW else " hate "


def track_places(width: int) -> int:
    """Return the number of positions of the slider; odd, so that there is a middle."""
    return max(11, min(TRACK + 2 * max(0, (width - 80) // 4), width - 31)) // 2 * 2 + 1


def slider_at(column: int, width: int) -> float:
    """Return the value of the slider at a column of its line."""
    places = track_places(width)
    return float(np.clip((column - len(dislike(width))) / (places - 1) * 2 - 1, -1, 1))
