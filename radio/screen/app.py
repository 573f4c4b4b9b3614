"""The screen in the terminal: a Textual app that shows a session and handles keys and the mouse.

`play_on_screen(open_session, settings)` shows it until the listener quits; the terminal is always
restored.
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
from radio.home import Settings, Terminated
from radio.screen import panels
from radio.screen.driver import TerminalStream, textual_on_stdout
from radio.screen.explanation import explanation
from radio.screen.keys import key_of
from radio.screen.widgets import Panel, Track, Visualiser
from radio.screen.windows import DevicesWindow, HistoryWindow, TextWindow
from radio.session import Session, View, session_actions

FRAME_SECONDS = 1 / 15
HANG_UP = 1  # the signal's number, where there is such a signal
LINES = 50  # messages that are remembered; the latest that fit are shown
STYLE = """
Player { layout: vertical; }
Player > Panel { height: 1; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
#visualiser { height: 3fr; min-height: 2; max-height: 16; margin: 1 0 0 0; }
#curves { height: 1fr; min-height: 2; max-height: 8; }
#learning { height: 2fr; min-height: 2; margin: 1 0 0 0; }
#lines { height: 1fr; min-height: 2; max-height: 6; }
Window { align: center middle; background: $background 60%; }
.window { width: 78; max-width: 100%; height: auto; max-height: 100%; border: round $primary;
    padding: 0 1; background: $surface; }
.tall { height: 90%; }
.title { margin: 0 0 1 0; }
DataTable { height: 1fr; }
OptionList { height: auto; max-height: 14; }
"""


class Player(Screen[None], inherit_bindings=False):
    """The main screen.

    Args:
        app: whose screen it is.
    """

    def __init__(self, app: RadioApp) -> None:
        super().__init__()
        self._radio = app
        draw = app.draw_parts()
        self.visualiser = Visualiser(id="visualiser")
        self.form = Panel(draw["form"], id="form")
        self.parts: list[Panel] = [
            Panel(draw["header"], id="header"),
            Panel(draw["song"], id="song"),
            self.visualiser,
            Track(draw["progress"], app.point_at_time, id="progress"),
            self.form,
            Panel(draw["curves"], id="curves"),
            Track(draw["slider"], app.point_at_slider, id="slider"),
            Panel(draw["learning"], id="learning"),
            Panel(draw["lines"], id="lines"),
            Panel(draw["footer"], id="footer"),
        ]

    def compose(self) -> ComposeResult:
        """Lay out the parts, one below the other."""
        yield from self.parts

    def on_key(self, event: events.Key) -> None:
        """Execute the action of a key."""
        event.stop()
        event.prevent_default()
        self._radio.press(key_of(event))


class RadioApp(App[int], inherit_bindings=False):
    """The app.

    Args:
        open_session: makes the session, given a function that shows a line.
        settings: keys.
        title: of the station and the listener.
    """

    CSS = STYLE
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        open_session: Callable[[Callable[[str], None]], Session],
        settings: Settings,
        *,
        title: str = "",
    ) -> None:
        # In the terminal's own colours Textual can leave all of them out.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self._said: deque[str] = deque(maxlen=LINES)
        self._settings = settings
        self._heading = title
        self.session = open_session(self._said.append)
        self._actions = session_actions(self.session) | {
            "explain": self.explain,
            "history": lambda: self._open(HistoryWindow(self.session, settings)),
            "devices": self.choose_device,
            "visualiser": lambda: self.player.visualiser.change(),
            "help": lambda: self._open(
                TextWindow("Keys", self._closers("help"), lambda: panels.help_text(settings))
            ),
            "quit": lambda: self.exit(0),
        }
        self._keys = {
            key: self._actions[action]
            for key, action in settings.keys.items()
            if action in self._actions
        }
        self.player: Player = Player(self)
        self.view: View | None = None
        self.stream: TerminalStream | None = None

    def on_mount(self) -> None:
        """Handle signals and start the clock."""
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
        """Advance the session and show it; quit if the terminal is gone."""
        if self.stream is not None and self.stream.gone:
            self.exit(128 + HANG_UP)
            return
        self.session.tick()
        self.show()

    def show(self) -> None:
        """Show the session's current state."""
        self.view = view = self.session.view()
        song = self.session.song
        if song is not None:
            self.player.visualiser.samples, self.player.visualiser.sample_rate = (
                song.samples,
                song.sample_rate,
            )
        self.player.form.display = bool(view.form)
        for part in self.player.parts:
            part.show(view)

    def press(self, key: str) -> None:
        """Execute the action of a key and show its effect at once."""
        if key == "ctrl+z":
            self.action_suspend_process()
        action = self._keys.get(key)
        if action is not None:
            action()
            self.show()
            self.call_after_refresh(self.advance)

    def draw_parts(self) -> dict[str, Callable[[View, int, int], Text]]:
        """Return the function that draws each part."""
        return {
            "header": lambda view, width, height: panels.header(view, width, title=self._heading),
            "song": lambda view, width, height: panels.now_playing(view, width),
            "progress": lambda view, width, height: panels.progress(view, width),
            "form": panels.sections,
            "curves": panels.curve_lines,
            "slider": lambda view, width, height: panels.slider_line(view, width),
            "learning": panels.learning,
            "lines": self._draw_lines,
            "footer": lambda view, width, height: panels.footer(self._settings, width),
        }

    def point_at_slider(self, column: int, width: int) -> None:
        """Set the slider to the mouse's column."""
        self.session.set_slider(round(panels.slider_at(column, width), 1))
        self.show()
        self.call_after_refresh(self.advance)

    def point_at_time(self, column: int, width: int) -> None:
        """Seek to the mouse's column of the progress bar."""
        if self.view is not None and self.view.duration:
            share = panels.progress_at(column, self.view, width)
            self.session.playback.seek(share * self.view.duration - self.view.position)
            self.show()

    def explain(self) -> None:
        """Explain the current song."""
        self._open(
            TextWindow(
                "Explanation", self._closers("explain"), lambda: explanation(self.session.view())
            )
        )

    def choose_device(self) -> None:
        """Show the sound devices; if there is no sound, scan for new ones first."""
        names = output_devices(again=self.session.view().silent)
        self._open(DevicesWindow(names, self.session.playback.use_device, self._closers("devices")))

    def _closers(self, action: str) -> list[str]:
        return [*self._settings.keys_of(action), *self._settings.keys_of("quit")]

    def _open(self, window: Any) -> None:
        self.push_screen(window)

    def _draw_lines(self, view: View, width: int, height: int) -> Text:
        return panels.lines(list(self._said), width, height)

    def _fatal_error(self) -> None:
        """Quit without Textual's traceback; `play_on_screen` raises the error again."""
        self._close_messages_no_wait()


def play_on_screen(
    open_session: Callable[[Callable[[str], None]], Session],
    settings: Settings,
    *,
    title: str = "",
) -> None:
    """Play until the listener quits.

    Args:
        open_session: makes the session, given a function that shows a line.
        settings: keys.
        title: of the station and the listener.

    Raises:
        Terminated: if a signal ended it.
    """
    app = RadioApp(open_session, settings, title=title)
    try:
        with textual_on_stdout() as app.stream:
            code = app.run()
    finally:
        app.session.finish()
    if app._exception is not None:
        raise app._exception
    if code:
        raise Terminated(code - 128)
