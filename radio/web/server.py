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
from fastapi import FastAPI
from nicegui import ui

from radio.home import Settings
from radio.web.page import make_page
from radio.web.routes import add_routes
from radio.web.sessions import LiveSessions
from radio.web.songs.job import SongJob
from radio.web.songs.routes import add_song_routes
from radio.web.training.job import TrainJob
from radio.web.training.routes import add_train_routes

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
) -> FastAPI:
    """Return the application, without its guard.

    Args:
        sessions: of the radio.
        training: of stations.
        songs: of the listener.
        base: before its paths, as '/radio'.
        keys: the action of each key; the default keys if None.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tidying = asyncio.create_task(_tidy(sessions))
        try:
            yield
        finally:
            tidying.cancel()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    add_routes(app, sessions)
    add_train_routes(app, training)
    add_song_routes(app, songs)
    keys = Settings().keys if keys is None else keys
    make_page(sessions, training, songs, base=base, keys=keys)
    ui.run_with(
        app,
        dark=None,
        tailwind=False,
        favicon=ICON,
        show_welcome_message=False,
        reconnect_timeout=8.0,
        language="en-US",
        # compressing half a megabyte for every page takes longer than sending it
        gzip_middleware_factory=None,
    )
    return app


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


ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="9" fill="#1f6f6b"/>'
    '<g stroke="#f6f4ef" stroke-width="2.6" stroke-linecap="round">'
    '<path d="M8 14v4M12 10v12M16 6v20M20 11v10M24 14v4"/></g></svg>'
)
