"""Keys as radio/home/settings.py names them, of what Textual makes of a terminal's."""

from __future__ import annotations

from textual import events


def key_of(event: events.Key) -> str:
    """Return a character as itself, another key by its name."""
    character = event.character
    if (
        character is not None
        and len(character) == 1
        and character.isprintable()
        and character != " "
    ):
        return character
    return event.key
