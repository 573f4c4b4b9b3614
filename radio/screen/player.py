"""The main screen: its parts, one below the other, and on a wide screen beside each other."""

from __future__ import annotations

from typing import Protocol

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from radio.home import Settings
from radio.screen import keys, panels, slider
from radio.screen.keys import key_of
from radio.screen.side import side
from radio.screen.widgets import Buttons, Panel, Track, Visualiser
from radio.session import View

STYLE = """
Player { layout: vertical; }
Panel { height: 1; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
#body { height: 1fr; }
#left { width: 1fr; height: 100%; }
#side { display: none; width: 1fr; height: 100%; margin: 1 1 0 3; }
#song { margin: 1 0 0 0; }
#visualiser { height: 3fr; min-height: 1; max-height: 24; }
#curves { height: 4; }
#slider { margin: 1 0 0 0; }
#learning { height: 2; margin: 1 0 0 0; }
#recent { height: 1fr; max-height: 6; }
#lines { height: 1fr; min-height: 1; max-height: 8; margin: 1 0 0 0; }
.wide #side { display: block; }
.wide #recent { display: none; }
.wide #song { height: 2; }
.wide #learning { height: 3; }
.short #song, .short #slider, .short #learning, .short #lines { margin: 0; }
.short #curves { height: 2; }
.short #recent { display: none; }
.tall #curves { height: 8; }
Window { align: center middle; background: $background 60%; }
Window:ansi { background: transparent; }
.window { width: 78; max-width: 100%; height: auto; max-height: 100%; border: round $primary;
    padding: 0 1; background: $surface; }
.window:ansi { background: ansi_default; border: round ansi_blue; }
.table { height: 90%; }
.title { margin: 0 0 1 0; }
DataTable { height: 1fr; }
OptionList { height: auto; max-height: 14; }
"""
WIDE, SHORT, TALL = 120, 20, 36  # columns and rows from which the screen is laid out otherwise


class Controls(Protocol):
    """What the main screen needs of its app."""

    settings: Settings
    heading: str

    def press(self, key: str) -> None:
        """Execute the action of a key."""

    def point_at_time(self, column: int, width: int) -> None:
        """Take the mouse on the progress bar."""

    def point_at_slider(self, column: int, width: int) -> None:
        """Take the mouse on the slider."""

    def turn_slider(self, direction: int) -> None:
        """Take the wheel on the slider."""

    def point_at_footer(self, column: int, width: int) -> None:
        """Take a click on the footer."""

    def draw_lines(self, view: View, width: int, height: int) -> Text:
        """Return the latest messages."""


class Player(Screen[None], inherit_bindings=False):
    """The main screen.

    Args:
        app: whose screen it is.
    """

    def __init__(self, app: Controls) -> None:
        super().__init__()
        self._radio = app
        self.visualiser = Visualiser(id="visualiser")
        self.form = Panel(panels.sections, id="form")
        self._header = Panel(
            lambda view, width, height: panels.header(view, width, title=app.heading), id="header"
        )
        self._left: list[Panel] = [
            Panel(panels.now_playing, id="song"),
            self.visualiser,
            Track(
                lambda view, width, height: panels.progress(view, width),
                app.point_at_time,
                id="progress",
            ),
            self.form,
            Panel(panels.curve_lines, id="curves"),
            Track(
                lambda view, width, height: slider.slider_line(view, width),
                app.point_at_slider,
                id="slider",
                turn=app.turn_slider,
            ),
            Panel(
                lambda view, width, height: panels.learning(
                    view,
                    width,
                    height,
                    settings=app.settings,
                    beside=self.has_class("wide"),
                ),
                id="learning",
            ),
            Panel(panels.recent, id="recent"),
            Panel(app.draw_lines, id="lines"),
        ]
        self._side = Panel(side, id="side")
        self._footer = Buttons(
            lambda view, width, height: keys.footer(app.settings, width),
            app.point_at_footer,
            id="footer",
        )
        self.parts = [self._header, *self._left, self._side, self._footer]

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield self._header
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield from self._left
            yield self._side
        yield self._footer

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for a size."""
        self.set_class(event.size.width >= WIDE, "wide")
        self.set_class(event.size.height < SHORT, "short")
        self.set_class(event.size.height >= TALL, "tall")

    def on_key(self, event: events.Key) -> None:
        """Execute the action of a key."""
        event.stop()
        event.prevent_default()
        self._radio.press(key_of(event))
