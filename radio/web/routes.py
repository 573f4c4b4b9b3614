"""What a page asks for beside itself: orders, songs as sound, its scripts and styles. Nothing here is a path that a page names."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from radio.web.commands import Later, OrderError
from radio.web.page import STATIC
from radio.web.sessions import Programmes
from radio.web.sounds import byte_range, wav_of

LARGEST_ORDER = 200_000  # bytes
ANSWER_SECONDS = 15.0
SOUNDS_KEPT = 4  # of the latest songs as bytes, 1.3 MB each


def add_routes(app: FastAPI, programmes: Programmes) -> None:
    """Add the routes to an application."""
    sounds: OrderedDict[str, bytes] = OrderedDict()
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.post("/do")
    async def do(request: Request) -> Response:
        """Have an order done: 200 with its answer, 400 if it makes no sense, 503 if it is to be sent again later."""
        try:
            order = await order_of(request)
            programme = programmes.running(str(order.get("station")), str(order.get("listener")))
            if programme is None:
                return _answer(503, "the programme is not on")
            answer = programme.do(lambda orders: orders.obey(order))
            return JSONResponse(await asyncio.wait_for(asyncio.wrap_future(answer), ANSWER_SECONDS))
        except (Later, TimeoutError) as error:
            return _answer(503, str(error) or "the programme is busy")
        except (OrderError, ValueError) as error:
            return _answer(400, " ".join(str(error).split()))

    @app.get("/sound/{key}.wav")
    async def sound(key: str, request: Request) -> Response:
        """Return a song of a running programme, by the key of its play."""
        song = programmes.song(key)
        if song is None:
            return _answer(404, "no song of that key is on")
        if key not in sounds:
            sounds[key] = await asyncio.to_thread(wav_of, song.samples, song.sample_rate)
            while len(sounds) > SOUNDS_KEPT:
                sounds.popitem(last=False)
        return ranged(sounds.get(key, b""), request.headers.get("range"))


def ranged(content: bytes, header: str | None) -> Response:
    """Return a WAV, or the range of its bytes that the header asks for."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
    try:
        asked = byte_range(header, len(content))
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    if asked is None:
        return Response(content, media_type="audio/wav", headers=headers)
    first, end = asked
    headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(content)}"
    return Response(content[first:end], 206, media_type="audio/wav", headers=headers)


async def order_of(request: Request) -> dict[str, Any]:
    """Read an order.

    Raises:
        OrderError: if it is none.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise OrderError("an order is JSON")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_ORDER:
            raise OrderError(f"an order has at most {LARGEST_ORDER} bytes")
    try:
        order = json.loads(body)
    except (ValueError, RecursionError):
        raise OrderError("an order is JSON") from None
    if not isinstance(order, dict):
        raise OrderError("an order is a JSON object")
    return order


def _answer(status: int, line: str) -> Response:
    return JSONResponse({"ok": False, "line": line}, status)
