"""Who asks: whether a request or a websocket comes from a page of this server, by Host, Origin and Sec-Fetch-Site, and for a sound path.

A page of another site can make a browser ask this server for anything. What it can't do is lie in
these headers:

    Host             names where the browser thinks it is: a name that was turned to this machine's address (DNS rebinding) is told by it
    Origin           names the page that asks; browsers send it with every websocket and with everything that is not GET or HEAD
    Sec-Fetch-Site   says whether that page is of this server; newer browsers send it with everything
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LINKED_TO = ("/", "/login")  # where a link on another site may lead
# Nothing of ours has these in its path: a server that decodes twice, or Windows, would take them
# for the way out of a folder.
UNSOUND = re.compile(r"[\x00-\x1f\x7f\\%]|(?:^|/)\.\.?(?:/|$)|//")


class Refused(Exception):
    """A request that is not answered: status of HTTP and one line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def headers_of(scope: dict[str, Any], name: str) -> list[str]:
    """Return what the headers of a name hold, as they were sent."""
    wanted = name.lower().encode()
    return [
        value.decode("latin-1").strip() for key, value in scope["headers"] if key.lower() == wanted
    ]


def check(scope: dict[str, Any], host: str, port: int) -> None:
    """Look at a request or a websocket's handshake, of a server that listens on a host and a port.

    Raises:
        Refused: if a page of another site may be behind it, or it is malformed.
    """
    if UNSOUND.search(scope["path"]) or not scope["path"].startswith("/"):
        raise Refused(400, "no path of this server looks like that")
    if scope.get("query_string", b"").find(b"%00") >= 0:
        raise Refused(400, "no query of this server looks like that")
    named = _only(scope, "host")
    if named is None or not _is_ours(named.lower(), host, port):
        raise Refused(421, "this server is not called that; open it by the address that it printed")
    websocket = scope["type"] == "websocket"
    reads = not websocket and scope["method"] in ("GET", "HEAD")
    origin = _only(scope, "origin")
    if origin is None and not reads:
        raise Refused(403, "an Origin is missing: only this server's own page may ask for this")
    if origin is not None and origin.lower() not in (
        f"http://{named.lower()}",
        f"https://{named.lower()}",
    ):
        raise Refused(403, "a page of another site asked for this")
    site = _only(scope, "sec-fetch-site")
    if site not in (None, "same-origin", "none") and not (reads and _is_link(scope)):
        raise Refused(403, "a page of another site asked for this")


def _only(scope: dict[str, Any], name: str) -> str | None:
    """Return what a header holds, None if it is not there.

    Raises:
        Refused: if it is there twice: two programs might each believe another one.
    """
    found = headers_of(scope, name)
    if len(found) > 1:
        raise Refused(400, f"there is more than one {name.title()}")
    return found[0] if found else None


def _is_link(scope: dict[str, Any]) -> bool:
    """Return whether a person followed a link here: a page of its own in a tab, not in a frame."""
    whole = (
        _only(scope, "sec-fetch-mode") == "navigate"
        and _only(scope, "sec-fetch-dest") == "document"
    )
    return whole and scope["path"] in LINKED_TO


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
    try:  # nobody can turn a number to another machine
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
