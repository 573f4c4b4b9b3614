"""The routes besides the page: commands, sounds and covers. No page can name a path."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.parse
from collections import OrderedDict
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from radio.station import ShareCodeError, cover, is_share_code, read_share_code
from radio.web.commands import CommandError, Later
from radio.web.saved import find_saved
from radio.web.sessions import LiveSessions
from radio.web.sounds import byte_range, wav_of

LARGEST_COMMAND = 200_000  # bytes
ANSWER_SECONDS = 15.0
PRIVATE = {"Cache-Control": "private, max-age=3600"}
SOUNDS_KEPT = 4  # latest songs as WAV, 1.3 MB each


def radio_routes(sessions: LiveSessions) -> list[BaseRoute]:
    """Return the routes."""
    sounds: OrderedDict[str, bytes] = OrderedDict()

    async def do(request: Request) -> Response:
        """Execute a command: 200 with its answer, 400 if invalid, 503 to send it again later."""
        try:
            command = await command_of(request)
            session = sessions.running(str(command.get("station")), str(command.get("listener")))
            if session is None:
                return refused("the session is not running", 503)
            answer = session.do(lambda commands: commands.execute(command))
            return JSONResponse(await asyncio.wait_for(asyncio.wrap_future(answer), ANSWER_SECONDS))
        except (Later, TimeoutError) as error:
            return refused(str(error) or "the session is busy", 503)
        except (CommandError, ValueError) as error:
            return refused(" ".join(str(error).split()), 400)

    async def sound(request: Request) -> Response:
        """Return a song of a running session, by the key of its play."""
        key = request.path_params["key"]
        song = sessions.song(key)
        if song is None:
            return refused("there is no song with that key", 404)
        if key not in sounds:
            sounds[key] = await asyncio.to_thread(wav_of, song.samples, song.sample_rate)
            while len(sounds) > SOUNDS_KEPT:
                sounds.popitem(last=False)
        return ranged(sounds.get(key, b""), request.headers.get("range"))

    async def cover_of(request: Request) -> Response:
        """Return the cover of a song of a running session, by the key of its play."""
        key = request.path_params["key"]
        coordinate = sessions.coordinate(key)
        if coordinate is None:
            return refused("there is no song with that key", 404)
        picture = await asyncio.to_thread(cover, coordinate)
        return Response(picture, media_type="image/png", headers=PRIVATE)

    async def saved(request: Request) -> Response:
        """Return a saved song, by the name of its file."""
        name = request.path_params["name"]
        song = await asyncio.to_thread(find_saved, sessions.home.path / "songs", name)
        if song is None:
            return refused("there is no such saved song", 404)
        return FileResponse(
            song.path, filename=song.path.name, headers={"Cache-Control": "no-cache"}
        )

    async def play(request: Request) -> Response:
        """Lead to the page that plays the song of a share code, on its station if that is here."""
        code = request.path_params["code"]
        if not is_share_code(code):
            return refused("that is not a share code", 404)
        query = {"play": code}
        with contextlib.suppress(ShareCodeError):
            shared = read_share_code(code)
            if shared.station in sessions.home.stations():
                query["station"] = shared.station
        return RedirectResponse(f"../?{urllib.parse.urlencode(query)}", 303)

    return [
        Route("/do", do, methods=["POST"]),
        Route("/sound/{key}.wav", sound),
        Route("/cover/{key}.png", cover_of),
        Route("/saved/{name}", saved),
        Route("/play/{code}", play),
    ]


def ranged(content: bytes, header: str | None) -> Response:
    """Return a WAV, or the range of its bytes that the header asks for."""
    headers = {"Accept-Ranges": "bytes", **PRIVATE}
    try:
        asked = byte_range(header, len(content))
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    if asked is None:
        return Response(content, media_type="audio/wav", headers=headers)
    first, end = asked
    headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(content)}"
    return Response(content[first:end], 206, media_type="audio/wav", headers=headers)


async def command_of(request: Request) -> dict[str, Any]:
    """Read a command.

    Raises:
        CommandError: if it is not one.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise CommandError("a command is JSON")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_COMMAND:
            raise CommandError(f"a command must have at most {LARGEST_COMMAND} bytes")
    try:
        command = json.loads(body)
    except (ValueError, RecursionError):
        raise CommandError("a command is JSON") from None
    if not isinstance(command, dict):
        raise CommandError("a command must be a JSON object")
    return command


def whole_number(text: str) -> int:
    """Return the number in a path, or -1."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def refused(line: str, status: int) -> Response:
    """Return an answer that says in one line why a request is refused."""
    return JSONResponse({"ok": False, "line": line}, status)
