"""The routes of the listener's songs: upload them, let one go on or morph two, get the results.

Files and results are numbered: nothing that a page sends becomes a path.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from radio.web.commands import CommandError, number_of
from radio.web.routes import command_of, ranged, refused, whole_number
from radio.web.songs.job import SongError, SongJob
from radio.web.training.routes import received
from radio.web.training.uploads import UploadError

BEATS = (16, 256)


def song_routes(job: SongJob) -> list[BaseRoute]:
    """Return the routes."""

    async def state(request: Request) -> Response:
        """Return the state of the songs."""
        return JSONResponse(job.state)

    async def receive(request: Request) -> Response:
        """Receive a file: the body is its content, the header X-Name its percent-encoded name."""
        try:
            entry = await received(job.uploads, request)
            if entry["problem"]:  # there is only room for files that can be used
                job.uploads.remove(entry["number"])
                raise UploadError(entry["problem"])
        except UploadError as error:
            return refused(str(error), error.status)
        job.changed()
        return JSONResponse({"ok": True, "file": entry})

    async def remove(request: Request) -> Response:
        """Delete a file."""
        number = request.path_params["number"]
        try:
            await asyncio.to_thread(job.remove, whole_number(number))
        except UploadError as error:
            return refused(str(error), error.status)
        return JSONResponse({"ok": True})

    async def act(request: Request) -> Response:
        """Let a song go on, morph two, or cancel that."""
        action = request.path_params["action"]
        try:
            command = await command_of(request)
            if action == "cancel":
                await asyncio.to_thread(job.cancel)
            elif action in OPTIONS:
                options = OPTIONS[action](command)
                await asyncio.to_thread(job.begin, action, str(command.get("station")), *options)
            else:
                return refused("there is no such action", 404)
        except (CommandError, SongError) as error:
            return refused(str(error), 400)
        except OSError as error:
            return refused(f"it can't begin: {(error.strerror or str(error)).lower()}", 507)
        return JSONResponse({"ok": True})

    async def song(request: Request) -> Response:
        """Return a result."""
        number = request.path_params["number"]
        content = await asyncio.to_thread(job.song, whole_number(number))
        if content is None:
            return refused("there is no such song", 404)
        return ranged(content, request.headers.get("range"))

    return [
        Route("/songs", state),
        Route("/songs/file", receive, methods=["PUT"]),
        Route("/songs/file/{number}", remove, methods=["DELETE"]),
        Route("/songs/{action}", act, methods=["POST"]),
        Route("/songs/{number}.wav", song),
    ]


def _length(command: dict[str, Any]) -> tuple[str, ...]:
    return "--beats", f"{number_of(command, 'beats', *BEATS):.0f}"


def _way(command: dict[str, Any]) -> tuple[str, ...]:
    song, events = (number_of(command, name, 0, 1) for name in ("song", "events"))
    return "--song", f"{song:.4f}", "--events", f"{events:.4f}"


OPTIONS = {"continue": _length, "morph": _way}
