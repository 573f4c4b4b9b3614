"""The row of a song's sections under its progress bar: A A B A, each where it begins."""

from __future__ import annotations

from rich.text import Text

from radio.session import View

QUIET = "dim"


def section_row(view: View, first: int, room: int) -> Text:
    """Return the letters of a song's form, the one that plays bright; empty without a form.

    Args:
        view: of the session.
        first: column at which the progress bar begins.
        room: its columns.
    """
    count = len(view.form)
    row = Text(" " * first, no_wrap=True)
    playing = int(count * view.position / view.duration) if view.duration else 0
    for number, letter in enumerate(view.form):
        begin, end = number * room // count, (number + 1) * room // count
        style = "bold cyan" if number == min(playing, count - 1) else QUIET
        row.append(f"{letter:<{end - begin}}"[: end - begin], style)
    return row
