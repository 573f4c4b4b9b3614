"""The parts of the screen as Textual widgets, each redrawn only when its text changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rich.text import Text
from textual import events
from textual.widget import Widget

from radio.screen import curves, panels
from radio.session import View

FALL = 0.8  # factor by which a bar falls in a frame, slow enough for the eye
KINDS = ("spectrum", "waveform", "nothing")

Draw = Callable[[View, int, int], Text]
Point = Callable[[int, int], None]


class Panel(Widget, can_focus=False):
    """A widget that shows a function of the view.

    Args:
        draw: (view, width, height) -> text.
    """

    def __init__(self, draw: Draw, *, id: str) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._shown = Text()
        self.view: View | None = None

    def show(self, view: View) -> None:
        """Redraw if this view looks different."""
        self.view = view
        if not self.display:
            return
        text = self._draw(view, self.size.width, self.size.height)
        if text != self._shown:
            self._shown = text
            self.refresh()

    def render(self) -> Text:
        """Return the text."""
        return self._shown

    def on_resize(self) -> None:
        """Draw again at the new size."""
        if self.view is not None:
            self.show(self.view)


class Visualiser(Panel):
    """A moving spectrum or waveform of the sound, over the columns of the progress bar."""

    def __init__(self, *, id: str) -> None:
        super().__init__(self._picture, id=id)
        self.kind = KINDS[0]
        self.samples, self.sample_rate = np.zeros(0, np.float32), 22050
        self._levels = np.zeros(0)

    def change(self) -> None:
        """Switch to the next kind of picture."""
        self.kind = KINDS[(KINDS.index(self.kind) + 1) % len(KINDS)]

    def _picture(self, view: View, width: int, height: int) -> Text:
        count = panels.columns(width)[1]
        if self.kind == "nothing" or height < 1:
            return Text()
        if self.kind == "waveform":
            levels = curves.waveform(self.samples, self.sample_rate, view.position, count)
            return panels.picture(levels, height, width)
        levels = (
            curves.spectrum(self.samples, self.sample_rate, view.position, count)
            if view.duration
            else np.zeros(count)
        )
        if self._levels.size == count and not view.paused:
            levels = np.maximum(levels, self._levels * FALL)
        self._levels = levels
        return panels.picture(levels, height, width)


class Track(Panel):
    """A line that responds to the mouse: the slider, the progress bar, the footer.

    Args:
        draw: as in `Panel`.
        point: called with the mouse's column and the width, also while it is dragged.
        turn: called with 1 or -1 when the wheel turns up or down.
    """

    def __init__(
        self, draw: Draw, point: Point, *, id: str, turn: Callable[[int], None] | None = None
    ) -> None:
        super().__init__(draw, id=id)
        self._point = point
        self._turn = turn
        self._dragging = False

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start dragging."""
        self.capture_mouse()
        self._dragging = True
        self._point(event.x, self.size.width)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag."""
        if self._dragging:
            self._point(event.x, self.size.width)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End."""
        self._dragging = False
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Turn up."""
        if self._turn is not None:
            self._turn(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Turn down."""
        if self._turn is not None:
            self._turn(-1)


class Buttons(Panel):
    """A line of words that can be clicked.

    Args:
        draw: as in `Panel`.
        point: called with the mouse's column and the width.
    """

    def __init__(self, draw: Draw, point: Point, *, id: str) -> None:
        super().__init__(draw, id=id)
        self._point = point

    def on_click(self, event: events.Click) -> None:
        """Press what is under the mouse."""
        self._point(event.x, self.size.width)
