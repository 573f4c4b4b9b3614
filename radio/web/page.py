"""The page: its document with the first content in it, and the socket that sends what changes.

Its components (static/) send commands (static/link.js, radio/web/commands.py) and receive parts of
the session over the websocket /live, each as a whole when it has changed. The first content is in
the document, so that there is something to see before the socket is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import html
import json
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from radio.home import ACTIONS, HomeError
from radio.web.assets import Assets, smaller
from radio.web.live_session import LiveSession
from radio.web.sessions import LiveSessions
from radio.web.songs.job import SongJob
from radio.web.training.job import TrainJob

SILENT_SECONDS = 10.0  # without a change, after which an empty message shows that the server lives
MANIFEST = {
    "name": "AI Radio",
    "short_name": "AI Radio",
    "description": "A radio that composes, and learns what you like",
    "start_url": "./",
    "scope": "./",
    "display": "standalone",
    "background_color": "#f6f4ef",
    "theme_color": "#1f6f6b",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>AI Radio</title>
<meta name="description" content="A radio that composes, and learns what you like">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f6f4ef" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#14161a" media="(prefers-color-scheme: dark)">
<link rel="stylesheet" href="STATIC/style.css">
<link rel="preload" href="STATIC/serif.woff2" as="font" type="font/woff2" crossorigin>
<link rel="icon" type="image/svg+xml" href="STATIC/icon.svg">
<link rel="manifest" href="BASE/manifest.webmanifest" crossorigin="use-credentials">
<link rel="apple-touch-icon" href="STATIC/icon-192.png">
<meta name="mobile-web-app-capable" content="yes">
HEAD</head><body><main class="radio">BODY</main></body></html>
"""


class Page:
    """The page at /, whose query names station and listener.

    Args:
        sessions: that it shows.
        jobs: what it shows besides, by the name of the part.
        assets: its files.
        base: before its paths.
        keys: the action of each key.
    """

    def __init__(
        self,
        sessions: LiveSessions,
        jobs: dict[str, SongJob | TrainJob],
        assets: Assets,
        *,
        base: str,
        keys: dict[str, str],
    ) -> None:
        self._sessions, self._jobs, self._assets, self._base = sessions, jobs, assets, base
        texts = {action: text for action, (_, text) in ACTIONS.items()}
        self._shortcuts = [[key, action, texts.get(action, action)] for key, action in keys.items()]

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the document and of the socket."""
        return [
            Route("/", self._document),
            Route("/manifest.webmanifest", self._manifest),
            WebSocketRoute("/live", self._follow),
        ]

    async def _document(self, request: Request) -> Response:
        query = request.query_params
        try:
            session = self._sessions.get(query.get("station"), query.get("listener"))
        except HomeError as error:
            line = html.escape(str(error))
            back = f'<p class="trouble">{line}</p><a href="{self._base}/">Back to the radio</a>'
            return self._page(request, "", back, status=400)
        names = self._sessions.names() | {
            "station": session.station,
            "listener": session.listener,
            "shortcuts": self._shortcuts,
        }
        first = {"version": self._assets.version, "names": names, "parts": self._parts(session)}
        # In a script a "<" might end it.
        data = json.dumps(first, separators=(",", ":")).replace("<", "\\u003c")
        head = [
            *(f'<link rel="modulepreload" href="STATIC/{name}">' for name in self._assets.modules),
            f'<script type="application/json" id="first">{data}</script>',
            '<script type="module" src="STATIC/page.js"></script>',
        ]
        return self._page(request, "\n".join(head), "")

    async def _manifest(self, request: Request) -> Response:
        """Return what a phone needs to install the page."""
        icons = [
            {
                "src": f"static/{self._assets.version}/icon-{size}.png",
                "sizes": f"{size}x{size}",
                "type": "image/png",
            }
            for size in (192, 512)
        ]
        return JSONResponse({**MANIFEST, "icons": icons}, media_type="application/manifest+json")

    def _page(self, request: Request, head: str, body: str, status: int = 200) -> Response:
        text = PAGE.replace("BODY", body)
        static = f"{self._base}/static/{self._assets.version}"
        before, after = text.replace("BASE", self._base).split("HEAD")
        content = before.replace("STATIC", static) + head.replace("STATIC", static) + after
        answer = smaller(
            request,
            content.encode(),
            gzip.compress(content.encode(), 1),
            "text/html",
            {"Cache-Control": "no-store"},
        )
        answer.status_code = status
        return answer

    def _parts(self, session: LiveSession) -> dict[str, Any]:
        return {**session.published.parts, **{name: job.state for name, job in self._jobs.items()}}

    async def _follow(self, socket: WebSocket) -> None:
        """Send all parts, and then those that change, until the page ends."""
        query = socket.query_params
        try:
            session = self._sessions.get(query.get("station"), query.get("listener"))
        except HomeError:
            await socket.close(1008)
            return
        await socket.accept()
        with self._changes(session) as (changes, changed):
            # Read only now: later changes arrive through the subscriptions.
            first = {"version": self._assets.version, "parts": self._parts(session)}
            sending = asyncio.create_task(_send(socket, first, changes, changed))
            try:
                while (await socket.receive())["type"] != "websocket.disconnect":
                    pass
            finally:
                sending.cancel()

    @contextlib.contextmanager
    def _changes(self, session: LiveSession) -> Iterator[tuple[dict[str, Any], asyncio.Event]]:
        """Collect the latest content of each part that changes, and say so by an event."""
        loop = asyncio.get_running_loop()
        changes: dict[str, Any] = {}
        changed = asyncio.Event()

        def note(name: str, content: Any) -> None:
            changes[name] = content
            changed.set()

        def take(name: str, content: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(note, name, content)

        ends = [
            session.published.subscribe(take),
            *(job.subscribe(functools.partial(take, name)) for name, job in self._jobs.items()),
        ]
        try:
            yield changes, changed
        finally:
            for end in ends:
                end()


async def _send(
    socket: WebSocket, first: dict[str, Any], changes: dict[str, Any], changed: asyncio.Event
) -> None:
    """Send the first message, then changes as they come; a slow page gets only the latest."""
    told = first
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the page has ended
        while True:
            await socket.send_text(json.dumps(told, separators=(",", ":")))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), SILENT_SECONDS)
            changed.clear()
            told = {"parts": dict(changes)} if changes else {}
            changes.clear()
