"""Check Host, Origin and Sec-Fetch-Site against CSRF and DNS rebinding, and check the path.

A page of another site can make a browser send any request to this server, but it can't forge these
headers:

    Host             the server's name in the address; reveals DNS rebinding, where a foreign name
                     resolves to this machine
    Origin           the site of the page; sent with websockets and all methods but GET and HEAD
    Sec-Fetch-Site   whether that page is on this server; newer browsers always send it
"""

from __future__ import annotations

import ipaddress
import re
import socket
import urllib.parse
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LINKED_TO = ("/", "/login")  # where a link on another site may lead
SHARED = "/play/"  # with a share code behind it, likewise
# No path of this server holds these; a server that decodes twice, or Windows, might leave a folder
# through them.
UNSOUND = re.compile(r"[\x00-\x1f\x7f\\%]|(?:^|/)\.\.?(?:/|$)|//")


class Refused(Exception):
    """The request is refused; holds an HTTP status and one line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def headers_of(scope: dict[str, Any], name: str) -> list[str]:
    """Return the values of all headers of a name."""
    wanted = name.lower().encode()
    return [
        value.decode("latin-1").strip() for key, value in scope["headers"] if key.lower() == wanted
    ]


def check(
    scope: dict[str, Any], host: str, port: int, origins: frozenset[str] = frozenset()
) -> None:
    """Check a request or a websocket's handshake to a server on a host and a port.

    Args:
        scope: of the request, its path without the server's base.
        host: address that the server listens on.
        port: that it listens on.
        origins: from which it may be asked besides its own, as 'https://radio.example.org'.

    Raises:
        Refused: if a page of another site may have sent it, or it is malformed.
    """
    if UNSOUND.search(scope["path"]) or scope["path"][:1] not in ("/", ""):
        raise Refused(400, "this server has no such path")
    if scope.get("query_string", b"").find(b"%00") >= 0:
        raise Refused(400, "this server has no such query")
    named = _only(scope, "host")
    own = set(origins)
    if named is not None and _is_ours(named.lower(), host, port):
        own |= {f"http://{named.lower()}", f"https://{named.lower()}"}
    elif named is None or not any(named.lower() == one.partition("://")[2] for one in origins):
        raise Refused(
            421,
            "this server has another name; open it by the address that it printed, or start it with"
            " --origin",
        )
    websocket = scope["type"] == "websocket"
    reads = not websocket and scope["method"] in ("GET", "HEAD")
    origin = _only(scope, "origin")
    if origin is None and not reads:
        raise Refused(403, "the Origin is missing: only this server's own page may send this")
    if origin is not None and origin.lower() not in own:
        raise Refused(403, "a page of another site asked for this")
    site = _only(scope, "sec-fetch-site")
    if site not in (None, "same-origin", "none") and not (reads and _is_link(scope)):
        raise Refused(403, "a page of another site asked for this")


def _only(scope: dict[str, Any], name: str) -> str | None:
    """Return the value of a header, or None.

    Raises:
        Refused: if it occurs twice, as different programs might use different ones.
    """
    found = headers_of(scope, name)
    if len(found) > 1:
        raise Refused(400, f"there is more than one {name.title()}")
    return found[0] if found else None


def _is_link(scope: dict[str, Any]) -> bool:
    """Return whether a person followed a link: a page in its own tab, not in a frame."""
    whole = (
        _only(scope, "sec-fetch-mode") == "navigate"
        and _only(scope, "sec-fetch-dest") == "document"
    )
    path = str(scope["path"])
    return whole and (path in LINKED_TO or path.startswith(SHARED))


def _is_ours(named: str, host: str, port: int) -> bool:
    """Return whether a Host header, in lower case, names this server."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?", named)
    if found is None or int(found[2] or 80) != port:
        return False
    name = found[1]
    if name in LOOPBACK:
        return True
    if is_loopback(host):
        return name == host
    try:  # a number can't be rebound to another machine
        ipaddress.ip_address(name.strip("[]"))
        return True
    except ValueError:
        own = socket.gethostname().lower()
        return name in (
            host.lower(),
            own,
            f"{own}.local",
            own.partition(".")[0],
            f"{own.partition('.')[0]}.local",
        )


def origin_of(address: str) -> str:
    """Return the origin of a URL as browsers write it, as 'https://radio.example.org'.

    Raises:
        ValueError: if it is no http or https URL, or has more than an origin.
    """
    parts = urllib.parse.urlsplit(address)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or parts.username is not None
    ):
        raise ValueError(f"{address!r} is not an origin such as https://radio.example.org")
    name = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    name = f"[{name}]" if ":" in name else name
    standard = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, standard) else f":{parts.port}"
    return f"{parts.scheme}://{name}{port}"
