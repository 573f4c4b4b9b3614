"""Change the station or the listener; the song that plays goes on until the other one is open."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from radio.composer import ComposerProcess
from radio.errors import explain
from radio.home import Settings
from radio.screen.windows import ListWindow, NameWindow, Window
from radio.session import Tuner

NEW_LISTENER = "someone new ..."


class Receiver(Protocol):
    """What the change needs of the app."""

    settings: Settings
    said: deque[str]

    def push_screen(self, screen: Window) -> Any:
        """Open a window."""

    def run_worker(self, work: Coroutine[Any, Any, None]) -> Any:
        """Run a coroutine beside the screen."""

    def change_session(self, tuner: Tuner, composer: ComposerProcess) -> None:
        """Go on with another session."""


class Tuning:
    """See the module's sentence.

    Args:
        tuner: opens the composers.
        app: whose session changes.
    """

    def __init__(self, tuner: Tuner, app: Receiver) -> None:
        self._tuner = tuner
        self._app = app
        self._running = False

    def choose_station(self) -> None:
        """Show the stations."""
        names = self._tuner.stations()
        self._show("Station", names, self._tuner.station, "station", lambda name: self.tune(name))

    def choose_listener(self) -> None:
        """Show the listeners, and a line for a new one."""

        def choose(name: str) -> None:
            if name == NEW_LISTENER:
                self._app.push_screen(
                    NameWindow("Who listens?", lambda typed: self.tune(listener=typed))
                )
            else:
                self.tune(listener=name)

        names = [*self._tuner.listeners(), NEW_LISTENER]
        self._show("Who listens?", names, self._tuner.listener, "listener", choose)

    def tune(self, station: str = "", *, listener: str = "") -> None:
        """Open a station, or a listener's session of this one, unless it is open."""
        now = self._tuner.station, self._tuner.listener
        wanted = station or now[0], listener or now[1]
        if self._running or wanted == now:
            return
        self._running = True
        self._app.said.append(f"Tuning in {wanted[0]} for {wanted[1]} ...")
        self._app.run_worker(self._open(*wanted))

    async def _open(self, station: str, listener: str) -> None:
        try:
            composer = await asyncio.to_thread(self._tuner.compose, station, listener)
            self._app.change_session(self._tuner, composer)
        except Exception as error:
            line = explain(error)
            if line is None:
                raise
            self._app.said.append(f"Not changed: {line}")
        finally:
            self._running = False

    def _show(
        self, title: str, names: list[str], now: str, action: str, act: Callable[[str], None]
    ) -> None:
        closing = [key for what in (action, "quit") for key in self._app.settings.keys_of(what)]
        chosen = names.index(now) if now in names else 0
        self._app.push_screen(
            ListWindow(title, names, lambda number: act(names[number]), closing, chosen=chosen)
        )
