"""Support for tests of the page: the real server in its own process and home, and Chromium.

    with RadioServer(home) as server:    .address .request("GET", "/") .stop() .kill() .start()
    chromium                             a fixture: the browser, one a test file, or a skipped test
    open_page(chromium, server)          a context manager: a page in a separate context, whose
                                         faults and requests to other hosts fail the test

NOTE: Playwright keeps an event loop in the thread of the tests while it runs, so its fixture ends
with the file: others start loops too.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_station import tiny_station

ROOT = Path(__file__).parents[2]
SECONDS = 60.0  # in which a server has started, on a machine that is busy with other tests

pytest.importorskip("starlette", reason="the page needs the extra `web`")


class RadioServer:
    """`ai-radio web` as a process.

    Args:
        home: of this server; gets a tiny station unless it has one, whose songs last some 16 s.
        arguments: of the command, behind those that every test needs.
        environment: what is different in it.
    """

    def __init__(
        self, home: Path, *arguments: str, environment: dict[str, str] | None = None
    ) -> None:
        self.home, self.log = home, home / "server.log"
        self._arguments = list(arguments)
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        if not (home / "stations/tiny").exists():
            # songs of 16 s, so that something can be done in them
            tiny_station(beats=32, bpm=120.0).save(home / "stations/tiny")

    @property
    def address(self) -> str:
        """Where a browser of this machine finds it, without a slash."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> RadioServer:
        """Start it, at the port that it had before."""
        call = [
            sys.executable,
            "-m",
            "radio",
            "web",
            "--no-open",
            "--home",
            str(self.home),
            "--port",
            str(self.port),
        ]
        if "--station" not in self._arguments:
            call += ["--station", "tiny"]
        with self.log.open("ab") as log:
            began = log.tell()
            self.process = subprocess.Popen(
                [*call, *self._arguments], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with self.log.open("rb") as log:
                log.seek(began)
                found = re.search(rb"plays at http://\S+:(\d+)/", log.read())
            if found:
                self.port = int(found[1])
                return self
            time.sleep(0.05)
        said = self.log.read_text(errors="replace")
        self.kill()
        pytest.fail(f"the server did not start: {said}")

    def stop(self) -> int:
        """End it as Ctrl-C does and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the server did not end: {self.log.read_text(errors='replace')}")

    def kill(self) -> None:
        """End it as a power cut would, all but what it started."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(SECONDS)

    def __enter__(self) -> RadioServer:
        return self.start()

    def __exit__(self, *details: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.kill()

    def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request with its path and headers unchanged; Host is this server unless given.

        Returns:
            Status, headers by their names in small letters, body.
        """
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if not any(name.lower() == "host" for name, _ in pairs):
                connection.putheader("Host", f"127.0.0.1:{self.port}")
            if body is not None and not any(name.lower() == "content-length" for name, _ in pairs):
                connection.putheader("Content-Length", str(len(body)))
            for name, value in pairs:
                if value is not None:
                    connection.putheader(name, value)
            # refused before all of it was sent
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(body)
            answer = connection.getresponse()
            return (
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> tuple[int, Any]:
        """Send JSON as the page does, and return status and answer."""
        own = {"Origin": self.address, "Content-Type": "application/json", **headers}
        status, _, body = self.request(
            method, path, own, None if content is None else json.dumps(content).encode()
        )
        return status, json.loads(body) if body.startswith((b"{", b"[")) else body

    def handshake(self, path: str, **headers: str | None) -> int:
        """Request a websocket with changed headers (None removes one); return the status."""
        own: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.port}",
            "Origin": self.address,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
            **headers,
        }
        lines = [
            f"GET {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in own.items() if value is not None),
        ]
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            return int(connection.recv(4096).split()[1])


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        pytest.skip("Chromium is not installed (Debian: chromium)")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed (the extra `test`)"
    )
    # Root has no sandbox. Sound goes nowhere, but its clock runs.
    options = [
        "--no-sandbox",
        "--disable-gpu",
        "--autoplay-policy=document-user-activation-required",
        "--mute-audio",
    ]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=options)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def open_page(
    browser: Any,
    server: RadioServer,
    path: str = "/",
    *,
    width: int = 1440,
    height: int = 900,
    dark: bool = False,
    **context: Any,
) -> Iterator[Any]:
    """Open a page in a separate context; script errors and requests to other hosts fail the test.

    Args:
        browser: of the fixture `chromium`.
        server: that runs.
        path: of the page.
        width: of the window, in pixels.
        height: likewise.
        dark: whether the system is.
        context: more options of Playwright's `new_context`.
    """
    # Playwright waits for conditions by evaluating texts, which the page's policy forbids.
    context.setdefault("bypass_csp", True)
    opened = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        **context,
    )
    opened.set_default_timeout(1000 * SECONDS)
    page = opened.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda request: faults.append(request.url) if not _is_own(request.url, server) else None,
    )
    try:
        page.goto(server.address + path)
        yield page
        assert faults == []
    finally:
        opened.close()


def _is_own(url: str, server: RadioServer) -> bool:
    return url.startswith(
        (server.address, server.address.replace("http", "ws", 1), "data:", "blob:", "about:")
    )
