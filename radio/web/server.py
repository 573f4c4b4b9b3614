"""The server: the page and its routes behind the guard, on a port of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from radio.home import Settings
from radio.web.assets import Assets
from radio.web.page import Page
from radio.web.routes import radio_routes
from radio.web.sessions import LiveSessions
from radio.web.songs.job import SongJob
from radio.web.songs.routes import song_routes
from radio.web.training.job import TrainJob
from radio.web.training.routes import train_routes

TIDY_SECONDS = 10.0
SWITCH_SECONDS = 0.0005
GOODBYE_SECONDS = 3  # for open requests when the server ends


def build(
    sessions: LiveSessions,
    training: TrainJob,
    songs: SongJob,
    *,
    base: str = "",
    keys: dict[str, str] | None = None,
) -> Starlette:
    """Return the application, without its guard.

    Args:
        sessions: of the radio.
        training: of stations.
        songs: of the listener.
        base: before its paths, as '/radio'.
        keys: the action of each key; the default keys if None.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tidying = asyncio.create_task(_tidy(sessions))
        try:
            yield
        finally:
            tidying.cancel()

    assets = Assets()
    keys = Settings().keys if keys is None else keys
    page = Page(sessions, {"songs": songs, "training": training}, assets, base=base, keys=keys)
    routes = [
        *page.routes(),
        assets.route(),
        *radio_routes(sessions),
        *train_routes(training),
        *song_routes(songs),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _tidy(sessions: LiveSessions) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        await asyncio.to_thread(sessions.tidy)


def serve(app: Any, listening: socket.socket, *, began: Callable[[], None] = lambda: None) -> None:
    """Serve an application on a socket that listens, until SIGINT or SIGTERM.

    Args:
        app: the application, with its guard.
        listening: already bound, so that the caller has noticed a port in use.
        began: called once the server answers.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
        ws_max_size=1 << 20,
        server_header=False,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                began()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # An impatient second Ctrl-C would interrupt the shutdown with a traceback; it takes
            # GOODBYE_SECONDS at most.
            if not self.should_exit:
                super().handle_exit(sig, frame)

    # Sessions compute on their own threads; with Python's default a request would wait 5 ms for
    # each of them.
    sys.setswitchinterval(SWITCH_SECONDS)
    Server(config).run([listening])


def show(address: str) -> None:
    """Open the page in the listener's browser, if there is one."""
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(address)
