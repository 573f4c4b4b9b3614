"""The right half of a wide screen: what was learned, the next songs, and the latest ones."""

from __future__ import annotations

from rich.text import Text

from radio.screen import panels, words
from radio.session import View

UPCOMING = 3  # songs


def side(view: View, width: int, height: int) -> Text:
    """Return the three parts, one below the other."""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("What it has learned\n", "bold")
    known = [words.knowledge(view), words.accuracy(view.judged), _adapted(view)]
    for line in known:
        if line:
            text.append(f"  {line}\n")
    text.append("\nNext\n", "bold").append_text(_upcoming(view))
    text.append("\nRecent\n", "bold")
    if not view.judged:
        return text.append("  songs that you rate are listed here", panels.QUIET)
    room = height - text.plain.count("\n")
    return text.append_text(panels.rated_songs(view, room, margin=2, name=20))


def _adapted(view: View) -> str:
    ratings, gain = view.adapter
    if not ratings:
        return ""
    return f"new songs are {gain:+.2f} more to your taste than at first"


def _upcoming(view: View) -> Text:
    text = Text()
    if not view.upcoming:
        return text.append("  is being composed\n", panels.QUIET)
    for name, expected, wish in view.upcoming[:UPCOMING]:
        mean = None if expected is None else expected[0]
        value = (
            ("  new ", panels.QUIET) if mean is None else (panels.signed(mean), panels.tint(mean))
        )
        text.append(f"  {name:<20.20} ").append(*value)
        text.append(f"  {wish or words.reason(expected)}\n", panels.QUIET)
    return text
