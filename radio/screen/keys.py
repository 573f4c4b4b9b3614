"""Translate Textual's keys into the names of radio/home/settings.py."""

from __future__ import annotations

from textual import events


def key_of(event: events.Key) -> str:
    """Return a key's character, or its name if it has none."""
    character = event.character
    if (
        character is not None
        and len(character) == 1
        and character.isprintable()
        and character != " "
    ):
        return character
    return event.key
