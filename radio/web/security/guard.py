"""An ASGI guard: only the server's own page may send requests, from other machines with a password.

    app = Guard(app, host="127.0.0.1", port=8017, password=None)

Every HTTP request and websocket passes here before the application sees it. Answers get the headers
of SAFE, against framing, type guessing and foreign content.
"""

from __future__ import annotations

import asyncio
import http.cookies
import secrets
import urllib.parse
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from radio.web.security.login import PAGE, SESSION_SECONDS, Attempts, Sessions
from radio.web.security.origin import Refused, check, headers_of
from radio.web.security.password import Password

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

LARGEST_FORM = 4096  # bytes of the login form
HEALTH = "/health"  # for what watches a container: answered without the password
POLICY = (
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
LOGIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
SAFE = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # NOTE: with no-referrer browsers would send this page's form with the Origin "null". Other
    # sites get no referrer with this value either.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class Guard:
    """The guard around an application.

    Args:
        app: the guarded application.
        host: address that the server listens on.
        port: port that the server listens on.
        password: required password, as text or hashed. None admits everybody, as is right on this
            machine's own address.
        secret: from `kept_secret`, so that logins survive a restart; random if None.
        origins: where the page is opened besides this server's own address, as
            'https://radio.example.org': a proxy or a tunnel leads from there to this server.
        base: path below which a proxy shows this server, as '/radio'; '' for the root. Requests
            with and without it are answered, for some proxies take it off.
    """

    def __init__(
        self,
        app: Application,
        *,
        host: str,
        port: int,
        password: Password | str | None = None,
        secret: bytes | None = None,
        origins: Iterable[str] = (),
        base: str = "",
    ) -> None:
        self._app, self._host, self._port = app, host, port
        self._origins, self._base = frozenset(origins), base
        self._password = Password.of(password) if isinstance(password, str) else password
        self._sessions = (
            None
            if self._password is None
            else Sessions(self._password, secret or secrets.token_bytes(32))
        )
        self._attempts = Attempts()
        self._checking = asyncio.Semaphore(1)  # each check takes 16 MB
        self._cookie = f"ai_radio_{port}"  # cookies belong to a host, whatever the port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it to the guarded application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            return
        websocket = scope["type"] == "websocket"
        if not websocket:
            send = _safely(send)
        try:
            scope = _without(scope, self._base)
            check(dict(scope), self._host, self._port, self._origins)
            if not scope["path"]:
                await _answer(send, 308, "", [("Location", f"{self._base}/")])
                return
            if scope["path"] == HEALTH and not websocket:
                await _answer(send, 200, "ok\n")
                return
            if self._sessions is not None and not self._is_known(scope):
                await self._ask(scope, receive, send)
                return
            if (
                self._sessions is not None
                and scope["path"] in ("/login", "/logout")
                and not websocket
            ):
                await self._leave_or_go_on(scope, send)
                return
            await self._app(_below(scope, self._base), receive, send)
        except Refused as refused:
            if websocket:  # closed before it is accepted: the browser gets a 403
                await send({"type": "websocket.close", "code": 1008, "reason": refused.line[:120]})
            else:
                await _answer(send, refused.status, refused.line)

    def _is_known(self, scope: Scope) -> bool:
        assert self._sessions is not None
        for header in headers_of(dict(scope), "cookie"):
            try:
                found = http.cookies.SimpleCookie(header).get(self._cookie)
            except http.cookies.CookieError:
                continue
            if found is not None and self._sessions.holds(found.value):
                return True
        return False

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a visitor without a login: send the login page, or check its form."""
        if scope["type"] == "websocket":
            raise Refused(401, "the password is missing")
        if scope["path"] == "/login" and scope["method"] == "POST":
            await self._log_in(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD") and scope["path"] in ("/", "/login"):
            await self._page(send, 200 if scope["path"] == "/login" else 401, "")
        else:
            raise Refused(401, "the password is missing")

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._password is not None and self._sessions is not None
        address = str((scope.get("client") or ("",))[0])
        given = await _password_of(receive)
        if (left := self._attempts.wait(address)) > 0:
            again = [("Retry-After", str(int(left) + 1))]
            await self._page(
                send, 429, f"Too many wrong passwords; try again in {int(left) + 1} seconds.", again
            )
            return
        self._attempts.began(address)
        async with self._checking:
            right = await asyncio.to_thread(self._password.matches, given)
        if not right:
            await self._page(send, 403, "Wrong password.")
            return
        self._attempts.right(address)
        secure = "; Secure" if headers_of(dict(scope), "origin")[0].startswith("https:") else ""
        cookie = (
            f"{self._cookie}={self._sessions.open()}; Path={self._base}/;"
            f" Max-Age={int(SESSION_SECONDS)}; HttpOnly; SameSite=Strict{secure}"
        )
        await _answer(send, 303, "", [("Location", f"{self._base}/"), ("Set-Cookie", cookie)])

    async def _page(
        self, send: Send, status: int, line: str, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Answer with the login page and a line on it."""
        own = [("Content-Security-Policy", LOGIN_POLICY), *headers]
        page = PAGE.replace("LINE", line).replace("BASE", self._base)
        await _answer(send, status, page, own, kind="text/html")

    async def _leave_or_go_on(self, scope: Scope, send: Send) -> None:
        """Redirect a visitor with a login to the page; POST /logout ends the login."""
        headers = [("Location", f"{self._base}/")]
        if scope["path"] == "/logout" and scope["method"] == "POST":
            headers.append(
                (
                    "Set-Cookie",
                    f"{self._cookie}=; Path={self._base}/; Max-Age=0; HttpOnly; SameSite=Strict",
                )
            )
        await _answer(send, 303, "", headers)


def _without(scope: Scope, base: str) -> Scope:
    """Return the scope of a request without the base of its path."""
    path = scope["path"]
    below = bool(base) and (path == base or path.startswith(f"{base}/"))
    return {**scope, "path": path[len(base) :]} if below else scope


def _below(scope: Scope, base: str) -> Scope:
    """Return the scope for the application: its path begins with the base, as ASGI has it."""
    return {**scope, "path": base + scope["path"], "root_path": base}


async def _password_of(receive: Receive) -> str:
    """Read the password from the login form.

    Raises:
        Refused: if it is malformed.
    """
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "the form is incomplete")
        body += message.get("body", b"")
        if len(body) > LARGEST_FORM:
            raise Refused(413, "that is too long for a password")
        if not message.get("more_body"):
            break
    try:
        return urllib.parse.parse_qs(body.decode("ascii"), max_num_fields=4).get("password", [""])[
            0
        ]
    except ValueError:
        raise Refused(400, "that is not a form with a password") from None


def _safely(send: Send) -> Send:
    """Return a `send` that adds the headers of SAFE to an answer, unless it has its own."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            own = {bytes(name).lower() for name, _ in headers}
            headers += [
                (name.encode(), value.encode())
                for name, value in SAFE.items()
                if name.lower().encode() not in own
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sending


async def _answer(
    send: Send,
    status: int,
    text: str,
    headers: Iterable[tuple[str, str]] = (),
    *,
    kind: str = "text/plain",
) -> None:
    body = text.encode()
    own = [
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *headers,
    ]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in own],
        }
    )
    await send({"type": "http.response.body", "body": body})
