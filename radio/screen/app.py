"""The screen of the radio: a Textual app that is a face of a running programme, and knows nothing that the programme does not.

`play_on_screen(open_broadcast, settings)` shows it until the listener quits; the terminal is then
as it was, whatever ended it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable
from typing import Any

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.screen import Screen

from audio_parsing.devices import output_devices
from radio.home.settings import Settings
from radio.home.signals import Terminated
from radio.screen import panels
from radio.screen.driver import Drawing, drawing_on_stdout
from radio.screen.explanation import why
from radio.screen.keys import key_of
from radio.screen.widgets import Panel, Track, Visualiser
from radio.screen.windows import DevicesWindow, HistoryWindow, TextWindow
from radio.session.actions import actions
from radio.session.session import Broadcast
from radio.session.view import View

FRAME_SECONDS = 1 / 15
HANG_UP = 1  # the signal's number, where there is such a signal
LINES = 50  # that are remembered; as many as there is room for are shown
STYLE = """
Player { layout: vertical; }
Player > Panel { height: 1; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
#visualiser { height: 3fr; min-height: 2; max-height: 16; margin: 1 0 0 0; }
#curves { height: 1fr; min-height: 2; max-height: 8; }
#learning { height: 2fr; min-height: 2; margin: 1 0 0 0; }
#lines { height: 1fr; min-height: 2; max-height: 6; }
Window { align: center middle; background: $background 60%; }
.window { width: 78; max-width: 100%; height: auto; max-height: 100%; border: round $primary; padding: 0 1; background: $surface; }
.tall { height: 90%; }
.title { margin: 0 0 1 0; }
DataTable { height: 1fr; }
OptionList { height: auto; max-height: 14; }
"""


class Player(Screen[None], inherit_bindings=False):
    """The main screen: keys go to the programme, its view comes back.

    Args:
        app: whose screen it is.
    """

    def __init__(self, app: RadioApp) -> None:
        super().__init__()
        self._radio = app
        draw = app.draw_parts()
        self.visualiser = Visualiser(id="visualiser")
        self.parts: list[Panel] = [
            Panel(draw["header"], id="header"),
            Panel(draw["song"], id="song"),
            self.visualiser,
            Track(draw["progress"], app.point_at_time, id="progress"),
            Panel(draw["curves"], id="curves"),
            Track(draw["slider"], app.point_at_slider, id="slider"),
            Panel(draw["learning"], id="learning"),
            Panel(draw["lines"], id="lines"),
            Panel(draw["footer"], id="footer"),
        ]

    def compose(self) -> ComposeResult:
        """Lay the parts out, one below the other."""
        yield from self.parts

    def on_key(self, event: events.Key) -> None:
        """Do what a key is for."""
        event.stop()
        event.prevent_default()
        self._radio.press(key_of(event))


class RadioApp(App[int], inherit_bindings=False):
    """The app.

    Args:
        open_broadcast: makes the programme; handed what shows a line.
        settings: keys.
        title: of the station and the listener.
    """

    CSS = STYLE
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        open_broadcast: Callable[[Callable[[str], None]], Broadcast],
        settings: Settings,
        *,
        title: str = "",
    ) -> None:
        # In the terminal's own colours Textual can leave all of them out.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self._said: deque[str] = deque(maxlen=LINES)
        self._settings = settings
        self._heading = title
        self.broadcast = open_broadcast(self._said.append)
        self._actions = actions(self.broadcast) | {
            "explain": self.explain,
            "history": lambda: self._open(HistoryWindow(self.broadcast, settings)),
            "devices": self.choose_device,
            "visualiser": lambda: self.player.visualiser.change(),
            "help": lambda: self._open(
                TextWindow("Keys", self._closers("help"), lambda: panels.help_text(settings))
            ),
            "quit": lambda: self.exit(0),
        }
        self.player: Player = Player(self)
        self.view: View | None = None
        self.drawing: Drawing | None = None

    def on_mount(self) -> None:
        """Begin."""
        self.push_screen(self.player)
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    number = getattr(signal, name)
                    loop.add_signal_handler(number, self.exit, 128 + number)
        self.set_interval(FRAME_SECONDS, self.advance)
        self.advance()

    def advance(self) -> None:
        """Let the programme do what is due, and show it; end if there is nothing left to show it on."""
        if self.drawing is not None and self.drawing.gone:
            self.exit(128 + HANG_UP)
            return
        self.broadcast.tick()
        self.show()

    def show(self) -> None:
        """Show the programme as it is now."""
        self.view = view = self.broadcast.view()
        song = self.broadcast.song
        if song is not None:
            self.player.visualiser.samples, self.player.visualiser.sample_rate = (
                song.samples,
                song.sample_rate,
            )
        for part in self.player.parts:
            part.show(view)

    def press(self, key: str) -> None:
        """Do what a key is for, and show it at once."""
        if key == "ctrl+z":
            self.action_suspend_process()
        action = self._settings.keys.get(key)
        if action is not None:
            self._actions[action]()
            self.show()
            self.call_after_refresh(self.advance)

    def draw_parts(self) -> dict[str, Callable[[View, int, int], Text]]:
        """Return how each part of the screen is drawn."""
        return {
            "header": lambda view, width, height: panels.header(view, width, title=self._heading),
            "song": lambda view, width, height: panels.now_playing(view, width),
            "progress": lambda view, width, height: panels.progress(view, width),
            "curves": panels.curve_lines,
            "slider": lambda view, width, height: panels.slider_line(view, width),
            "learning": panels.learning,
            "lines": self._draw_lines,
            "footer": lambda view, width, height: panels.footer(self._settings, width),
        }

    def point_at_slider(self, column: int, width: int) -> None:
        """Put the slider where the mouse is."""
        self.broadcast.set_slider(round(panels.slider_at(column, width), 1))
        self.show()
        self.call_after_refresh(self.advance)

    def point_at_time(self, column: int, width: int) -> None:
        """Seek to where the mouse is on the progress bar."""
        if self.view is not None and self.view.duration:
            share = panels.progress_at(column, self.view, width)
            self.broadcast.seek(share * self.view.duration - self.view.position)
            self.show()

    def explain(self) -> None:
        """Show why the song that plays is liked."""
        self._open(TextWindow("Why", self._closers("explain"), lambda: why(self.broadcast.view())))

    def choose_device(self) -> None:
        """Show the sound devices; where there is no sound it is looked for new ones first."""
        names = output_devices(again=self.broadcast.view().silent)
        self._open(DevicesWindow(names, self.broadcast.use_device, self._closers("devices")))

    def _closers(self, action: str) -> list[str]:
        return [*self._settings.keys_of(action), *self._settings.keys_of("quit")]

    def _open(self, window: Any) -> None:
        self.push_screen(window)

    def _draw_lines(self, view: View, width: int, height: int) -> Text:
        return panels.lines(list(self._said), width, height)

    def _fatal_error(self) -> None:
        """End without Textual's traceback over the terminal; `play_on_screen` raises the error again."""
        self._close_messages_no_wait()


def play_on_screen(
    open_broadcast: Callable[[Callable[[str], None]], Broadcast],
    settings: Settings,
    *,
    title: str = "",
) -> None:
    """Play until the listener quits.

    Args:
        open_broadcast: makes the programme; handed what shows a line.
        settings: keys.
        title: of the station and the listener.

    Raises:
        Terminated: if a signal ended it.
    """
    app = RadioApp(open_broadcast, settings, title=title)
    try:
        with drawing_on_stdout() as app.drawing:
            code = app.run()
    finally:
        app.broadcast.finish()
    if app._exception is not None:
        raise app._exception
    if code:
        raise Terminated(code - 128)
