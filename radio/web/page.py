"""The page: elements whose Vue components lie in static/, each given the parts of the programme that it shows.

The components send what a listener does as orders (static/link.js, radio/web/commands.py); what
changes comes to them as properties, by the framework's websocket. The first parts are in the page
itself, so that there is something to see before the socket is open.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from nicegui import ui

from radio.home.folder import HomeError
from radio.web.live_session import Programme
from radio.web.sessions import Programmes
from radio.web.training.job import TrainJob

STATIC = Path(__file__).parent / "static"
HEAD = """
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f4ef" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#15171c" media="(prefers-color-scheme: dark)">
<link rel="stylesheet" href="/static/style.css">
<link rel="modulepreload" href="/static/link.js">
<link rel="modulepreload" href="/static/draw.js">
"""


class Part(ui.element):
    """An element that shows parts of a programme; each is one of its properties."""

    parts: tuple[str, ...] = ()

    def show(self, name: str, content: Any) -> None:
        """Show what a part holds now."""
        if name in self.parts:
            self._props[name] = content
            self.update()


class Deck(Part, component="static/deck.js"):
    """The song, its curves, the slider and the buttons."""

    parts = ("state", "song", "now", "drawn", "expected", "said")


class LatentMap(Part, component="static/map.js"):
    """The map of the latent space, and the final song."""

    parts = ("map", "now")


class Learning(Part, component="static/learning.js"):
    """What the radio has learned."""

    parts = ("learning",)


class History(Part, component="static/history.js"):
    """What was rated."""

    parts = ("history",)


class Training(Part, component="static/training.js"):
    """Train your own."""

    parts = ("training",)


def make_page(programmes: Programmes, training: TrainJob) -> None:
    """Make the page at /; its station and listener are in its query."""

    @ui.page("/", title="AI Radio")
    def page(station: str | None = None, listener: str | None = None) -> None:
        ui.add_head_html(HEAD)
        try:
            programme = programmes.get(station, listener)
        except HomeError as error:
            with ui.element("div").classes("radio"):
                ui.label(str(error)).classes("trouble")
                ui.link("Back to the radio", "/")
            return
        _lay_out(programme, programmes, training)


def _lay_out(programme: Programme, programmes: Programmes, training: TrainJob) -> None:
    names = programmes.names() | {"station": programme.station, "listener": programme.listener}
    with ui.element("div").classes("radio"):
        deck = Deck()
        with ui.element("div").classes("side"):
            shown: list[Part] = [deck, LatentMap(), Learning(), History(), Training()]
    loop = asyncio.get_running_loop()

    def show(name: str, content: Any) -> None:
        for part in shown:
            part.show(name, content)

    def take(name: str, content: Any) -> None:
        loop.call_soon_threadsafe(show, name, content)

    ends = [
        programme.subscribe(take),
        training.subscribe(lambda content: take("training", content)),
    ]
    # Only now is read what there is: what changes from here on is told, and shown after this.
    deck._props["names"] = names
    for part in shown:
        part._props.update(
            {name: programme.parts[name] for name in part.parts if name in programme.parts}
        )
    shown[-1]._props["training"] = training.state

    def leave() -> None:
        for end in ends:
            end()

    ui.context.client.on_delete(leave)
