"""`ai-radio now` and `send`: see and control the radio that plays in this home."""

from __future__ import annotations

import argparse
import json
import string
import sys
from typing import Any

from radio.errors import UsageError, meant
from radio.home import Home


def now(options: argparse.Namespace) -> None:
    """Print what plays: one line, a line of a chosen format, or JSON."""
    from radio.remote import ask

    facts = ask(Home(options.home).path, "")["now"]
    if options.json:
        json.dump(facts, sys.stdout, indent=2)
        print()
    elif options.format is not None:
        print(formatted(options.format, facts))
    else:
        print(line_of(facts))


def send(options: argparse.Namespace) -> None:
    """Send a command, and print what the radio had to say."""
    from radio.remote import ask

    answer = ask(Home(options.home).path, " ".join(options.words))
    if options.json:
        json.dump(answer, sys.stdout, indent=2)
        print()
        return
    for line in answer["said"]:
        print(line)


def line_of(facts: dict[str, Any]) -> str:
    """Return the state as one line."""
    if not facts["duration"]:
        return "composing the next song"
    parts = [
        facts["title"],
        f"{facts['station']} / {facts['listener']}",
        f"{_clock(facts['position'])} / {_clock(facts['duration'])}",
        "paused" if facts["paused"] else "",
        "" if facts["rating"] is None else f"rating {facts['rating']:+.2f}",
        "" if facts["predicted"] is None else f"predicted {facts['predicted']:+.2f}",
    ]
    return "   ".join(part for part in parts if part)


class _Format(string.Formatter):
    """Formats fields by their name alone; a field without a value is empty in any format."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if field_name not in kwargs:
            known = ", ".join(kwargs)
            raise UsageError(
                f"there is no field {field_name!r}{meant(field_name, kwargs)}; {known}"
            )
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        return "" if value is None else super().format_field(value, format_spec)


def formatted(text: str, facts: dict[str, Any]) -> str:
    """Return a format with its {fields} filled in.

    Raises:
        UsageError: if there is no such field, or the format is invalid.
    """
    try:
        return _Format().vformat(text, (), facts)
    except UsageError:
        raise
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise UsageError(f"{text!r} is not a format: {' '.join(str(error).split())}") from error


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
