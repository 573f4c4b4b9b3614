"""Keys: Textual's names, how they are shown, the footer and the help."""

from __future__ import annotations

import textwrap
from itertools import zip_longest
from typing import NamedTuple

from rich.text import Text
from textual import events

from radio.home import ACTIONS, Settings

QUIET = "dim"
TWO_COLUMNS = 70  # width from which the help has two
FOOTER = {
    "pause": "pause",
    "next": "next",
    "up": "rate",
    "save": "save",
    "undo": "undo",
    "final": "final song",
    "station": "station",
    "explain": "explain",
    "history": "history",
    "saved": "saved",
    "help": "help",
    "quit": "quit",
}
# the first of two actions that share a line of the help -> the second, and what both do
TOGETHER = {
    "next": ("previous", "next, previous song"),
    "back": ("forward", "back, forward 5 seconds"),
    "louder": ("softer", "louder, quieter"),
    "up": ("down", "like it more, less"),
    "love": ("ban", "love it; ban it, go on"),
    "more-like-this": ("less-like-this", "next: more, less like it"),
    "keep": ("discard", "keep the mended, the old"),
}
LAST = ("help", "quit")  # are always shown
RATING = (
    "The slider rates the current moment of the song. The song's rating is the mean from your first"
    " touch on, without the first 3 seconds, as opinions take time. If you don't touch it, the song"
    " stays unrated; skipping it after 3 seconds counts as a mild dislike. Click or drag slider and"
    " bar; the wheel moves the slider, a click on a word below is its key."
)


class FooterPart(NamedTuple):
    """A key of the footer.

    Attributes:
        start: its first column.
        key: as displayed.
        word: what it does.
        action: that a click executes.
    """

    start: int
    key: str
    word: str
    action: str


def key_of(event: events.Key) -> str:
    """Return a key's character, or its name if it has none, as in radio/home/settings.py."""
    character = event.character
    if (
        character is not None
        and len(character) == 1
        and character.isprintable()
        and character != " "
    ):
        return character
    return event.key


def key_name(key: str) -> str:
    """Return a key as it is displayed."""
    return {"up": "↑", "down": "↓", "left": "←", "right": "→"}.get(key, key)


def footer_parts(settings: Settings, width: int) -> list[FooterPart]:
    """Return the most important keys, as many as there is room for."""
    named = {}
    for action, word in FOOTER.items():
        keys = settings.keys_of(action)[:1]
        if action == "up":
            keys += settings.keys_of("down")[:1]
        if keys:
            named[action] = "/".join(key_name(key) for key in keys), word
    sizes = {action: len(key) + len(word) + 3 for action, (key, word) in named.items()}
    room = width - 1 - sum(sizes.get(action, 0) for action in LAST)
    shown, start = [], 1
    for action, (key, word) in named.items():
        if action not in LAST:
            if sizes[action] > room:
                continue
            room -= sizes[action]
        shown.append(FooterPart(start, key, word, action))
        start += sizes[action]
    return shown


def footer(settings: Settings, width: int) -> Text:
    """Return the footer."""
    text = Text(" ", no_wrap=True)
    for part in footer_parts(settings, width):
        text.append(part.key, "bold").append(f" {part.word}  ", QUIET)
    return text


def help_text(settings: Settings, width: int) -> Text:
    """Return every action with its keys, and how a song is rated, for a width."""
    seconds = [second for second, _ in TOGETHER.values()]
    rows = []
    for action, (_, what) in ACTIONS.items():
        if not action.startswith("rate") and action not in seconds:
            second, what = TOGETHER.get(action, ("", what))
            keys = [*settings.keys_of(action), *settings.keys_of(second)]
            rows.append((" ".join(map(key_name, keys)) or "no key", what))
    ends = [key_name(key) for action in ("rate1", "rate9") for key in settings.keys_of(action)[:1]]
    rows.append((" to ".join(ends) or "no key", "set the slider, -1 to +1"))
    half = (len(rows) + 1) // 2 if width >= TWO_COLUMNS else len(rows)
    text = Text(no_wrap=True)
    for pair in zip_longest(rows[:half], rows[half:]):
        room = width // 2 if rows[half:] else width
        for row in pair:
            if row is not None:
                text.append(f"{row[0]:<10.10} ", "bold")
                text.append(f"{row[1]:<{max(0, room - 11)}.{max(1, room - 12)}}")
        text.append("\n")
    return text.append("\n" + "\n".join(textwrap.wrap(RATING, max(20, width))), QUIET)
