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
from textual.app import App

from audio_parsing.devices import output_devices
from radio.composer import ComposerProcess
from radio.home import Settings, Terminated
from radio.screen import keys, panels, slider, words
from radio.screen.driver import TerminalStream, textual_on_stdout, title_sequence
from radio.screen.explanation import explanation
from radio.screen.player import STYLE, Player
from radio.screen.tables import HistoryWindow, SavedWindow
from radio.screen.tuning import Tuning
from radio.screen.windows import ListWindow, QuestionWindow, TextWindow
from radio.session import Session, Tuner, View, session_actions, share_line

FRAME_SECONDS = 1 / 15
HANG_UP = 1  # the signal's number, where there is such a signal
LINES = 50  # messages that are remembered; the latest that fit are shown
WHEEL_STEP = 0.1  # of the slider
# the names of Textual's themes; the terminal's colours are those of no theme in old versions of it
THEMES = {"terminal": "ansi-dark", "dark": "textual-dark", "light": "textual-light"}


class RadioApp(App[int], inherit_bindings=False):
    """The app.

    Args:
        open_session: makes the session, given a function that shows a line.
        settings: keys, colours, title.
        tuner: changes station and listener; None if they can't be changed.
        title: of the station and the listener.
    """

    CSS = STYLE
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        open_session: Callable[[Callable[[str], None]], Session],
        settings: Settings,
        *,
        tuner: Tuner | None = None,
        title: str = "",
    ) -> None:
        # In the terminal's colours Textual can leave all of them out.
        ansi = settings.theme == "terminal" or bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=ansi)
        theme = THEMES["terminal" if ansi else settings.theme]
        if theme in self.available_themes:
            self.theme = theme
        self.said: deque[str] = deque(maxlen=LINES)
        self.settings = settings
        self.heading = title
        self._tuning = Tuning(tuner, self) if tuner is not None else None
        self._shown_title = ""
        self.session = open_session(self.said.append)
        self._bind()
        self.player = Player(self)
        self.view: View | None = None
        self.stream: TerminalStream | None = None

    def _bind(self) -> None:
        """Give every key its action on the session."""
        settings = self.settings
        self.actions = session_actions(self.session) | {
            "reset": self.ask_reset,
            "explain": self.explain,
            "share": self.share,
            "history": lambda: self._open(HistoryWindow(self.session, settings)),
            "saved": lambda: self._open(SavedWindow(self.session, settings, self.said.append)),
            "devices": self.choose_device,
            "visualiser": lambda: self.player.visualiser.change(),
            "help": lambda: self._open(
                TextWindow(
                    "Keys", self._closers("help"), lambda width: keys.help_text(settings, width)
                )
            ),
            "quit": lambda: self.exit(0),
        }
        if self._tuning is not None:
            self.actions |= {
                "station": self._tuning.choose_station,
                "listener": self._tuning.choose_listener,
            }

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
        title = f"{view.name} - AI Radio" if view.duration else "AI Radio"
        if self.settings.title and title != self._shown_title and self._driver is not None:
            self._shown_title = title
            self._driver.write(title_sequence(title))

    def press(self, key: str) -> None:
        """Execute the action of a key and show its effect at once."""
        if key == "ctrl+z":
            self.action_suspend_process()
        self.do(self.settings.keys.get(key, ""))

    def do(self, action: str) -> None:
        """Execute an action and show its effect at once."""
        if action in self.actions:
            self.actions[action]()
            self._refresh_soon()

    def _refresh_soon(self) -> None:
        self.show()
        self.call_after_refresh(self.advance)

    def point_at_slider(self, column: int, width: int) -> None:
        """Set the slider to the mouse's column."""
        self.session.set_slider(round(slider.slider_at(column, width), 1))
        self._refresh_soon()

    def turn_slider(self, direction: int) -> None:
        """Move the slider by the wheel."""
        self.session.move_slider(WHEEL_STEP * direction)
        self._refresh_soon()

    def point_at_time(self, column: int, width: int) -> None:
        """Seek to the mouse's column of the progress bar."""
        if self.view is not None and self.view.duration:
            share = panels.progress_at(column, width)
            self.session.playback.seek(share * self.view.duration - self.view.position)
            self.show()

    def point_at_footer(self, column: int, width: int) -> None:
        """Execute the action that the mouse clicked in the footer."""
        for part in keys.footer_parts(self.settings, width):
            if part.start <= column < part.start + len(part.key) + len(part.word) + 1:
                self.do(part.action)

    def explain(self) -> None:
        """Explain the current song."""
        self._open(
            TextWindow(
                "Why this song",
                self._closers("explain"),
                lambda width: explanation(self.session.view(), width),
            )
        )

    def share(self) -> None:
        """Show the share code of the current song, and copy it if the terminal can."""
        view = self.session.view()
        line = share_line(view)
        if view.code:
            self.copy_to_clipboard(view.code)
        self._open(TextWindow("Share this song", self._closers("share"), lambda width: Text(line)))

    def ask_reset(self) -> None:
        """Reset what the generator learned, if the listener is sure."""
        if not self.session.view().adapter[0]:
            self.session.reset()  # says that there is nothing to reset
            return
        question = "Reset the generator? It forgets how it adapted to you; your ratings stay."
        self._open(QuestionWindow(question, self.session.reset))

    def choose_device(self) -> None:
        """Show the sound devices; if there is no sound, scan for new ones first."""
        view = self.session.view()
        names = output_devices(again=view.silent)

        def choose(number: int) -> None:
            self.session.playback.use_device([None, *names][number])

        interrupted = words.counted(view.underruns, "interruption")
        title = "Sound device" + (f"   {interrupted} of the sound so far" if view.underruns else "")
        self._open(
            ListWindow(
                title,
                ["System default", *names],
                choose,
                self._closers("devices"),
                hint="enter select or rescan   escape close",
            )
        )

    def change_session(self, tuner: Tuner, composer: ComposerProcess) -> None:
        """Go on with the session of another station or listener."""
        self.session.finish()
        self.session.composer.close()
        self.session = tuner.open(composer, self.said.append, after=self.session)
        self.heading = tuner.title
        self._bind()
        self.advance()

    def _closers(self, action: str) -> list[str]:
        return [*self.settings.keys_of(action), *self.settings.keys_of("quit")]

    def _open(self, window: Any) -> None:
        self.push_screen(window)

    def draw_lines(self, view: View, width: int, height: int) -> Text:
        """Return the latest messages."""
        return panels.lines(list(self.said), width, height)

    def _fatal_error(self) -> None:
        """Quit without Textual's traceback; `play_on_screen` raises the error again."""
        self._close_messages_no_wait()


def play_on_screen(
    open_session: Callable[[Callable[[str], None]], Session],
    settings: Settings,
    *,
    tuner: Tuner | None = None,
    title: str = "",
) -> None:
    """Play until the listener quits.

    Args:
        open_session: makes the session, given a function that shows a line.
        settings: keys, colours, title.
        tuner: changes station and listener.
        title: of the station and the listener.

    Raises:
        Terminated: if a signal ended it.
    """
    app = RadioApp(open_session, settings, tuner=tuner, title=title)
    try:
        with textual_on_stdout(titled=settings.title) as app.stream:
            code = app.run()
        farewell = words.farewell(app.session.view())
    finally:
        app.session.finish()
    if app._exception is not None:
        raise app._exception
    if code:
        raise Terminated(code - 128)
    print(farewell)
