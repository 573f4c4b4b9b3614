"""The routes of training: upload files; begin, stop, resume or clear a training; get samples.

Files and samples are numbered: nothing that a page sends becomes a path.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from radio.home import HomeError
from radio.web.commands import CommandError
from radio.web.routes import command_of, ranged, refused, whole_number
from radio.web.training.job import TrainError, TrainJob
from radio.web.training.uploads import UploadError, Uploads

LONGEST_NAME = 2000  # characters of the header


def train_routes(job: TrainJob) -> list[BaseRoute]:
    """Return the routes."""

    async def state(request: Request) -> Response:
        """Return the state of the training."""
        return JSONResponse(job.state)

    async def receive(request: Request) -> Response:
        """Receive a file: the body is its content, the header X-Name its percent-encoded name."""
        try:
            entry = await received(job.uploads, request)
        except UploadError as error:
            return refused(str(error), error.status)
        job.changed()
        return JSONResponse({"ok": True, "file": entry})

    async def remove(request: Request) -> Response:
        """Delete a file."""
        number = request.path_params["number"]
        try:
            job.uploads.remove(whole_number(number))
        except UploadError as error:
            return refused(str(error), error.status)
        job.changed()
        return JSONResponse({"ok": True})

    async def act(request: Request) -> Response:
        """Begin, stop, resume or clear the training."""
        action = request.path_params["action"]
        try:
            command = await command_of(request)
            if action == "begin":
                await asyncio.to_thread(
                    job.begin,
                    _name(command),
                    minutes=_number(command, "minutes", 10.0),
                    beats=_beats(command),
                )
            elif action in ("stop", "resume", "clear"):
                await asyncio.to_thread(getattr(job, action))
            else:
                return refused("there is no such action", 404)
        except (CommandError, TrainError, HomeError) as error:
            return refused(" ".join(str(error).split()), 400)
        except OSError as error:
            return refused(f"it can't be saved: {(error.strerror or str(error)).lower()}", 507)
        return JSONResponse({"ok": True})

    async def sample(request: Request) -> Response:
        """Return a sample song."""
        number = request.path_params["number"]
        content = await asyncio.to_thread(job.sample, whole_number(number))
        if content is None:
            return refused("there is no such sample", 404)
        return ranged(content, request.headers.get("range"))

    return [
        Route("/train", state),
        Route("/train/file", receive, methods=["PUT"]),
        Route("/train/file/{number}", remove, methods=["DELETE"]),
        Route("/train/{action}", act, methods=["POST"]),
        Route("/train/sample/{number}.wav", sample),
    ]


async def received(uploads: Uploads, request: Request) -> dict[str, Any]:
    """Receive the file of a request and return its entry; raise UploadError if it is refused."""
    name = urllib.parse.unquote(request.headers.get("x-name", "")[:LONGEST_NAME])
    length = request.headers.get("content-length", "")
    known = length.isascii() and length.isdigit()
    return await uploads.add(name, int(length) if known else None, request.stream())


def _name(command: dict[str, Any]) -> str:
    name = command.get("station")
    if not isinstance(name, str):
        raise CommandError("the new station needs a name")
    return name


def _number(command: dict[str, Any], name: str, default: float) -> float:
    value = command.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CommandError(f"{name} must be a number")
    return float(value)


def _beats(command: dict[str, Any]) -> int:
    value = command.get("beats", 64)
    if isinstance(value, bool) or not isinstance(value, int):
        raise CommandError("beats must be a whole number")
    return value
