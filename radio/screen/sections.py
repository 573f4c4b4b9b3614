"""The row of a song's sections under its progress bar: A A B A, each where it begins."""

from __future__ import annotations

from rich.text import Text

from radio.screen import panels
from radio.screen.widgets import Panel
from radio.session import View


class Sections(Panel):
    """The row; there is none for a song without a form."""

    def __init__(self) -> None:
        super().__init__(section_row, id="form")

    def show(self, view: View) -> None:
        """Redraw, and take no room without a form."""
        self.display = bool(view.form)
        super().show(view)


def section_row(view: View, width: int, height: int = 1) -> Text:
    """Return the letters of a song's form, the one that plays bright."""
    first, room = panels.columns(width)
    count = len(view.form)
    row = Text(" " * first, no_wrap=True)
    playing = int(count * view.position / view.duration) if view.duration else 0
    for number, letter in enumerate(view.form):
        begin, end = number * room // count, (number + 1) * room // count
        style = "bold cyan" if number == min(playing, count - 1) else panels.QUIET
        row.append(f"{letter:<{end - begin}}"[: end - begin], style)
    return row
