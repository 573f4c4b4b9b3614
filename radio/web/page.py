"""The page: elements with Vue components in static/, each showing some parts of the session.

The components send commands (static/link.js, radio/web/commands.py) and receive changes as
properties, over the framework's websocket. The first content is in the page itself, so that there
is something to see before the socket is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from pathlib import Path
from typing import Any

from nicegui import ui

from radio.home import ACTIONS, HomeError
from radio.web.live_session import LiveSession
from radio.web.sessions import LiveSessions
from radio.web.songs.job import SongJob
from radio.web.training.job import TrainJob

STATIC = Path(__file__).parent / "static"
HEAD = """
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f4ef" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#15171c" media="(prefers-color-scheme: dark)">
<link rel="stylesheet" href="BASE/static/style.css">
<link rel="manifest" href="BASE/manifest.webmanifest" crossorigin="use-credentials">
<link rel="apple-touch-icon" href="BASE/static/icon-192.png">
<meta name="mobile-web-app-capable" content="yes">
<link rel="modulepreload" href="BASE/static/link.js">
<link rel="modulepreload" href="BASE/static/sound.js">
<link rel="modulepreload" href="BASE/static/keys.js">
<link rel="modulepreload" href="BASE/static/mend.js">
<link rel="modulepreload" href="BASE/static/draw.js">
<link rel="modulepreload" href="BASE/static/uploads.js">
"""


class Part(ui.element):
    """An element that shows parts of a session; each is one of its properties."""

    parts: tuple[str, ...] = ()

    def show(self, name: str, content: Any) -> None:
        """Show the new content of a part."""
        if name in self.parts:
            self._props[name] = content
            self.update()


class Deck(Part, component="static/deck.js"):
    """The song, its curves, the slider and the buttons."""

    parts = ("state", "song", "now", "drawn", "expected", "said", "saved")


class LatentMap(Part, component="static/map.js"):
    """The map of the latent space, and the final song."""

    parts = ("map", "now")


class Learning(Part, component="static/learning.js"):
    """What the radio has learned."""

    parts = ("learning",)


class History(Part, component="static/history.js"):
    """The ratings."""

    parts = ("history",)


class Saved(Part, component="static/saved.js"):
    """The saved songs."""

    parts = ("saved", "now")


class Songs(Part, component="static/songs.js"):
    """Songs of the listener that go on, or lie between two."""

    parts = ("songs", "now")


class Training(Part, component="static/training.js"):
    """Training on the listener's own music."""

    parts = ("training",)


def make_page(
    sessions: LiveSessions,
    training: TrainJob,
    songs: SongJob,
    *,
    base: str,
    keys: dict[str, str],
) -> None:
    """Add the page at /, whose query names station and listener.

    Args:
        sessions: that it shows.
        training: of a station, that it shows.
        songs: of the listener, that it shows.
        base: before its paths.
        keys: the action of each key.
    """
    texts = {action: text for action, (_, text) in ACTIONS.items()}
    shortcuts = [[key, action, texts.get(action, action)] for key, action in keys.items()]

    @ui.page("/", title="AI Radio")
    def page(station: str | None = None, listener: str | None = None) -> None:
        ui.add_head_html(HEAD.replace("BASE", base))
        try:
            session = sessions.get(station, listener)
        except HomeError as error:
            with ui.element("div").classes("radio"):
                ui.label(str(error)).classes("trouble")
                ui.link("Back to the radio", f"{base}/")
            return
        names = sessions.names() | {
            "station": session.station,
            "listener": session.listener,
            "shortcuts": shortcuts,
        }
        _lay_out(session, names, {"songs": songs, "training": training})


def _lay_out(
    session: LiveSession, names: dict[str, Any], jobs: dict[str, SongJob | TrainJob]
) -> None:
    with ui.element("div").classes("radio"):
        deck = Deck()
        with ui.element("div").classes("side"):
            panels = LatentMap, Learning, History, Saved, Songs, Training
            shown: list[Part] = [deck, *(panel() for panel in panels)]
    loop = asyncio.get_running_loop()

    def show(name: str, content: Any) -> None:
        for part in shown:
            part.show(name, content)

    def take(name: str, content: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(show, name, content)

    ends = [
        session.subscribe(take),
        *(job.subscribe(functools.partial(take, name)) for name, job in jobs.items()),
    ]
    # Read the contents only now: later changes arrive through the subscriptions.
    deck._props["names"] = names
    for part in shown:
        part._props.update(
            {name: session.parts[name] for name in part.parts if name in session.parts}
        )
    for name, job in jobs.items():
        show(name, job.state)

    def leave() -> None:
        for end in ends:
            end()

    ui.context.client.on_delete(leave)
