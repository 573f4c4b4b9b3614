"""Logging in: signed sessions that are not stored, and a limit on the rate of attempts.

A session is EXPIRY.NONCE.SIGNATURE. The signature is made with the server's secret and the
password's hash: a new password ends every session. After wrong guesses an address has to wait,
longer each time; all addresses together are limited too.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from radio.web.security.password import Password

SESSION_SECONDS = 7 * 24 * 3600.0
FREE_ATTEMPTS = 5  # wrong attempts of an address before it has to wait
FREE_TOGETHER = 50
FIRST_WAIT, LONGEST_WAIT = 2.0, 900.0  # seconds; doubled with each wrong attempt
MAX_ADDRESSES = 1000  # with wrong attempts that are remembered

STYLE = """
:root { color-scheme: light dark; --paper: #f6f4ef; --card: #fffdf9; --ink: #22252b }
:root { --line: #ddd8cd; --accent: #1f6f6b; --on: #fffdf9; --low: #a8471f }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14161a; --card: #1b1e24; --ink: #ebe8e1; --line: #31353d }
  :root { --accent: #72c9bd; --on: #10201f; --low: #eb9567 }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center }
body { background: var(--paper); color: var(--ink) }
body { font: 16px/1.5 system-ui, sans-serif }
form { display: grid; gap: 1rem; width: min(20rem, 84vw) }
h1 { margin: 0; font: 400 2.2rem/1.1 "Iowan Old Style", Palatino, Georgia, serif }
label { display: grid; gap: .3rem }
input, button { font: inherit; padding: .7rem 1rem; border-radius: 12px }
input, button { border: 1px solid var(--line); background: var(--card) }
input { color: inherit }
button { background: var(--accent); color: var(--on); border: 0; cursor: pointer }
p { margin: 0; color: var(--low) }
"""
PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AI Radio: password</title><style>{STYLE}</style></head>
<body><main><form method="post" action="BASE/login"><h1>AI Radio</h1>
<label>Password <input type="password" name="password" autocomplete="current-password" required
autofocus></label>
<p role="alert">LINE</p><button>Listen</button></form></main></body></html>
"""


class Sessions:
    """Sign and check sessions.

    Args:
        password: the current one.
        secret: random bytes; a new secret ends every session.
        clock: seconds since 1970.
    """

    def __init__(
        self, password: Password, secret: bytes, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = hmac.digest(secret, password.salt + password.hashed, hashlib.sha256)
        self._clock = clock

    def open(self) -> str:
        """Return a new session."""
        text = f"{int(self._clock() + SESSION_SECONDS)}.{secrets.token_urlsafe(18)}"
        return f"{text}.{self._sign(text)}"

    def holds(self, session: str) -> bool:
        """Return whether a session is genuine and has not expired."""
        text, _, signature = session.rpartition(".")
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            return False
        return self._clock() < int(text.partition(".")[0])

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


class Attempts:
    """Count wrong attempts, by address and in total.

    Args:
        clock: seconds that never decrease.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # by address: number, time of the last one
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._together = (0, clock())

    def wait(self, address: str) -> float:
        """Return the seconds that an address has to wait; 0 if it may try now."""
        count, last = self._wrong.get(_network(address), (0, 0.0))
        return max(
            self._left(count - FREE_ATTEMPTS, last),
            self._left(self._together[0] - FREE_TOGETHER, self._together[1]),
        )

    def began(self, address: str) -> None:
        """Count an attempt as wrong before it is checked, so that many at once don't pass."""
        now, network = self._clock(), _network(address)
        count, last = self._wrong.pop(network, (0, now))
        self._wrong[network] = (1 if now - last > LONGEST_WAIT else count + 1, now)
        while len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)
        count, last = self._together
        self._together = (1 if now - last > LONGEST_WAIT else count + 1, now)

    def right(self, address: str) -> None:
        """Clear the wrong attempts of an address after a correct password."""
        self._wrong.pop(_network(address), None)
        self._together = (max(0, self._together[0] - 1), self._together[1])

    def _left(self, beyond: int, last: float) -> float:
        if beyond < 0:
            return 0.0
        return max(
            0.0, last + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(beyond, 20)) - self._clock()
        )


def _network(address: str) -> str:
    """Return an IPv4 address, or an IPv6 address's 64-bit network, which one person may own."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return (
        str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64))) if parsed.version == 6 else address
    )
