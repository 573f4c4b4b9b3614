"""The row of a song's sections under its progress bar: A A B A, each where it begins."""

from __future__ import annotations

from rich.text import Text

from radio.session import View

QUIET = "dim"


def section_row(view: View, first: int, room: int) -> Text:
    """Return the letters of the form of the song that plays, the current one bright.

    Args:
        view: of the session.
        first: column at which the progress bar begins.
        room: its columns.
    """
    form = view.form if view.duration else ""
    count = len(form)
    row = Text(" " * first, no_wrap=True)
    playing = int(count * view.position / view.duration) if form else 0
    for number, letter in enumerate(form):
        begin, end = number * room // count, (number + 1) * room // count
        style = "bold cyan" if number == min(playing, count - 1) else QUIET
        row.append(f"{letter:<{end - begin}}"[: end - begin], style)
    return row
