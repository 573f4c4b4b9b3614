"""The guard around everything the server answers: who may ask, from which page, and with which password. A plain ASGI application.

Any page of the web can make a browser send requests to this machine, and a name of its own can be made to lead here (DNS rebinding). So:

    Host      has to be an address, or a name that is this machine's; a name of somebody else's page is none
    Origin    has to be the page's own where it is sent, and has to be sent with everything that changes something, and with a websocket
    Sec-Fetch-Site   from elsewhere only a link to the page itself may lead here
    password  asked for where other machines can reach the port; what proves that it was given is a cookie that no other page can send

What is sent back may not be framed, guessed at, or take anything from another host.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from radio.web.login import COOKIE, LOGIN, login_page

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
SAFE = ("GET", "HEAD")
LARGEST_FORM = 4096  # bytes
WRONG_SECONDS = 1.0  # after a wrong password, for all who ask: nobody tries thousands
SESSION_SECONDS = 30 * 24 * 3600
MOST_SESSIONS = 100
HEADERS = {
    # Vue compiles templates in the page, and the framework's page begins with a script in it: hence unsafe-eval and unsafe-inline.
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """See the module's contract.

    Args:
        app: that answers.
        host: the address that is listened on.
        port: the port.
        password: that other machines have to give; None if none can ask.
        clock: seconds that never go back; tests hand in their own.
    """

    def __init__(
        self, app: Any, *, host: str, port: int, password: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self._port = port
        self._loopback = password is None
        self._names = {"localhost"} if self._loopback else {"localhost", host.lower(), socket.gethostname().lower()}
        self._salt = secrets.token_bytes(16)
        self._password = None if password is None else self._digest(password)
        self._sessions: dict[str, float] = {}  # digest of each cookie and when it ends
        self._clock = clock
        self._closed_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = _headers(scope)
        refused = "it was not understood" if headers is None else self._refused(scope, headers)
        if headers is None or refused:
            await _refuse(scope, send, 403, refused)
        elif self._password is not None and not self._known(headers):
            await self._ask_for_password(scope, receive, send)
        else:
            await self.app(scope, receive, send if scope["type"] == "websocket" else _with_headers(send))

    def _refused(self, scope: Scope, headers: dict[str, str]) -> str:
        """Return why a request is refused; nothing if it is not."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return "the page was asked for under a name that is not this machine's"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        if origin is None and changes:
            return "it did not say which page it comes from"
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return "it comes from another page"
        if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
            # NOTE: another port of this machine is the same site, but another program's page.
            link = headers.get("sec-fetch-mode") == "navigate" and scope.get("path") == "/" and not changes
            if not link or headers.get("sec-fetch-dest", "document") != "document":
                return "it comes from another site"
        return ""

    def _is_ours(self, host: str) -> bool:
        """Return whether a Host header names this machine and this port: rebinding needs a name, so other addresses than ours do no harm."""
        name, bracket, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "80")
        if int(port) != self._port or len(port) > 5:
            return False
        name = name.lower().removesuffix(".")
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
        except ValueError:
            return False
        return not self._loopback or address.is_loopback

    def _known(self, headers: dict[str, str]) -> bool:
        now = time.time()
        for part in headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == f"{COOKIE}-{self._port}" and self._sessions.get(_token_digest(value), 0.0) > now:
                return True
        return False

    async def _ask_for_password(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _refuse(scope, send, 403, "the password has not been given")
        elif scope["path"] == LOGIN and scope["method"] == "POST":
            await self._log_in(receive, send)
        elif scope["path"] == "/" and scope["method"] in SAFE:
            await _answer(send, 200, login_page())
        else:
            await _refuse(scope, send, 401, "the password has not been given")

    async def _log_in(self, receive: Receive, send: Send) -> None:
        if self._clock() < self._closed_until:
            await _answer(send, 429, login_page("Wait a moment, then try again."))
            return
        given = parse_qs((await _body(receive)).decode("utf-8", "replace")).get("password", [""])[0]
        assert self._password is not None
        if not hmac.compare_digest(self._digest(given), self._password):
            self._closed_until = self._clock() + WRONG_SECONDS
            await _answer(send, 403, login_page("That is not the password."))
            return
        token = secrets.token_urlsafe(32)
        now = time.time()
        self._sessions = {key: until for key, until in self._sessions.items() if until > now}
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=self._sessions.__getitem__)]
        self._sessions[_token_digest(token)] = now + SESSION_SECONDS
        cookie = f"{COOKIE}-{self._port}={token}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Strict"
        await _answer(send, 303, "", {"location": "/", "set-cookie": cookie})

    def _digest(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode(), salt=self._salt, n=1 << 13, r=8, p=1)


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _headers(scope: Scope) -> dict[str, str] | None:
    """Return the headers by their names; None if one that decides is there twice."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in found and key in ("host", "origin", "sec-fetch-site"):
            return None
        found[key] = f"{found[key]}; {value.decode('latin-1')}" if key in found else value.decode("latin-1")
    return found


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= LARGEST_FORM:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return body
    return b""


def _with_headers(send: Send) -> Send:
    """Add our headers to an answer."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", []) if name.decode("latin-1").lower() not in HEADERS]
            message = {**message, "headers": kept + [(name.encode(), value.encode()) for name, value in HEADERS.items()]}
        await send(message)

    return sent


async def _answer(send: Send, status: int, text: str, more: dict[str, str] | None = None) -> None:
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", **(more or {})}
    content = text.encode()
    headers["content-length"] = str(len(content))
    sent = _with_headers(send)
    await sent(
        {"type": "http.response.start", "status": status, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    )
    await sent({"type": "http.response.body", "body": content})


async def _refuse(scope: Scope, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why})
        return
    await _answer(send, status, f"Refused: {why}.\n", {"content-type": "text/plain; charset=utf-8"})
