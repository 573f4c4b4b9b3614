"""The routes of train-your-own: files come, a training is begun, stopped, gone on with or forgotten, its samples are heard.

Files are named by numbers of ours and samples by theirs: nothing that a page sends becomes a path.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from radio.home.folder import HomeError
from radio.web.commands import OrderError
from radio.web.routes import order_of, ranged
from radio.web.training.job import TrainError, TrainJob
from radio.web.training.uploads import UploadError

LONGEST_NAME = 2000  # letters of a header


def add_train_routes(app: FastAPI, job: TrainJob) -> None:
    """Add the routes to an application."""

    @app.get("/train")
    async def state() -> Response:
        """Return how the training stands."""
        return JSONResponse(job.state)

    @app.put("/train/file")
    async def receive(request: Request) -> Response:
        """Take a file: its content is the body, its name the header X-Name, percent-encoded."""
        name = urllib.parse.unquote(request.headers.get("x-name", "")[:LONGEST_NAME])
        length = request.headers.get("content-length", "")
        try:
            entry = await job.uploads.add(
                name,
                int(length) if length.isascii() and length.isdigit() else None,
                request.stream(),
            )
        except UploadError as error:
            return _refused(str(error), error.status)
        job.changed()
        return JSONResponse({"ok": True, "file": entry})

    @app.delete("/train/file/{number}")
    async def remove(number: str) -> Response:
        """Forget a file."""
        try:
            job.uploads.remove(_whole(number))
        except UploadError as error:
            return _refused(str(error), error.status)
        job.changed()
        return JSONResponse({"ok": True})

    @app.post("/train/{action}")
    async def act(action: str, request: Request) -> Response:
        """Begin, stop, resume or clear the training."""
        try:
            order = await order_of(request)
            if action == "begin":
                await asyncio.to_thread(
                    job.begin,
                    _name(order),
                    minutes=_number(order, "minutes", 10.0),
                    beats=_beats(order),
                )
            elif action in ("stop", "resume", "clear"):
                await asyncio.to_thread(getattr(job, action))
            else:
                return _refused("a training knows no such thing", 404)
        except (OrderError, TrainError, HomeError) as error:
            return _refused(" ".join(str(error).split()), 400)
        except OSError as error:
            return _refused(f"it can't be kept: {(error.strerror or str(error)).lower()}", 507)
        return JSONResponse({"ok": True})

    @app.get("/train/sample/{number}.wav")
    async def sample(number: str, request: Request) -> Response:
        """Return a song that was made while it learned."""
        content = await asyncio.to_thread(job.sample, _whole(number))
        if content is None:
            return _refused("there is no such sample", 404)
        return ranged(content, request.headers.get("range"))


def _whole(text: str) -> int:
    """Return a number of ours as it stands in a path; -1 is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _name(order: dict[str, Any]) -> str:
    name = order.get("station")
    if not isinstance(name, str):
        raise OrderError("the new station needs a name")
    return name


def _number(order: dict[str, Any], name: str, default: float) -> float:
    value = order.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise OrderError(f"{name} has to be a number")
    return float(value)


def _beats(order: dict[str, Any]) -> int:
    value = order.get("beats", 64)
    if isinstance(value, bool) or not isinstance(value, int):
        raise OrderError("beats has to be a whole number")
    return value


def _refused(line: str, status: int) -> Response:
    return JSONResponse({"ok": False, "line": line}, status)
