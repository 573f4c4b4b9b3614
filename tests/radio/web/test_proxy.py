"""The page behind a real nginx with TLS, at another name, port and path; and what stays refused."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_browser import RadioServer, chromium, open_page

from radio.web import origin_of
from radio.web.assets import STATIC

__all__ = ["chromium"]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_nginx = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None,
    reason="nginx or openssl is not installed (Debian: nginx-light, openssl)",
)
NAME = "radio.example.org"
# The lines of docs/web.md, and one that takes the path off; both with TLS.
CONFIGURATION = """
daemon off; pid FOLDER/pid; error_log FOLDER/log; worker_processes 1; USER
events {}
http {
  access_log off; client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:PROXY ssl; ssl_certificate FOLDER/cert.pem; ssl_certificate_key FOLDER/key.pem;
    client_max_body_size 0;
    location /radio/ {
      proxy_pass http://127.0.0.1:RADIO;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
    location /stripped/ {
      proxy_pass http://127.0.0.1:RADIO/;
    }
  }
}
"""


class Proxy:
    """A running nginx; `address` is where a browser opens the page."""

    def __init__(self, folder: Path, server: RadioServer, port: int) -> None:
        self.port, self.address = port, f"https://localhost:{port}"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}"]
            + ["-days", "2", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
            check=True,
            capture_output=True,
        )
        text = CONFIGURATION.replace("FOLDER", str(folder)).replace("PROXY", str(port))
        text = text.replace("USER", "user root;" if os.geteuid() == 0 else "")
        (folder / "nginx.conf").write_text(text.replace("RADIO", str(server.port)))
        self._trust = ssl.create_default_context(cafile=folder / "cert.pem")
        self._trust.check_hostname = False
        self._process = subprocess.Popen(
            [str(NGINX), "-c", folder / "nginx.conf", "-e", folder / "log"]
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail((folder / "log").read_text())

    def ask(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Request a path, with POST if there is an Origin; return status and body."""
        data = b"{}" if "Origin" in headers else None
        request = urllib.request.Request(self.address + path, data, headers)  # noqa: S310
        try:
            opened = urllib.request.urlopen(request, timeout=30, context=self._trust)  # noqa: S310
            with opened as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ("--base-path", "/radio/", "--origin", f"https://localhost:{port}")
    arguments += ("--origin", f"https://{NAME}")
    with RadioServer(tmp_path_factory.mktemp("home"), *arguments) as server:
        running = Proxy(tmp_path_factory.mktemp("nginx"), server, port)
        try:
            yield running
        finally:
            running.end()


@needs_nginx
def test_requests_through_nginx(proxy: Proxy) -> None:
    status, page = proxy.ask("/radio/")
    assert status == 200 and re.search(rb'href="/radio/static/\w+/style.css"', page)
    assert b'"/static/' not in page
    for path in ("/radio/static/x/link.js", "/radio/songs", "/stripped/static/x/link.js"):
        assert proxy.ask(path)[0] == 200, path
    # 400: the order was let in, and is none
    for origin in (proxy.address, f"https://{NAME}"):
        assert proxy.ask("/radio/do", Origin=origin)[0] == 400
        assert proxy.ask("/stripped/do", Origin=origin)[0] == 400
    assert proxy.ask("/radio/", Host=NAME)[0] == 200


@needs_nginx
def test_scripts_below_a_path_find_each_other(proxy: Proxy) -> None:
    _, page = proxy.ask("/radio/")
    waiting = set(re.findall(r"/radio/static/[^\"']+\.js", page.decode()))
    asked: set[str] = set()
    while waiting:
        address = waiting.pop()
        asked.add(address)
        status, script = proxy.ask(address)
        assert status == 200, address
        imported = re.findall(r'^import .* from "(\..*)";$', script.decode(), re.MULTILINE)
        waiting |= {urllib.parse.urljoin(address, one) for one in imported} - asked
    names = {address.rpartition("/")[2] for address in asked}
    assert names == {script.name for script in STATIC.glob("*.js")}


@needs_nginx
def test_all_else_stays_refused(proxy: Proxy) -> None:
    for origin in (
        "https://evil.example",
        f"http://{NAME}",
        f"https://{NAME}.evil.example",
        "null",
    ):
        assert proxy.ask("/radio/do", Origin=origin)[0] == 403, origin
    assert proxy.ask("/radio/", Host="evil.example")[0] == 421
    assert proxy.ask("/radio/", Host=f"{NAME}:8443")[0] == 421
    _, page = proxy.ask("/radio/", **{"X-Forwarded-Prefix": "/claimed"})
    assert b"claimed" not in page


@needs_nginx
@pytest.mark.slow
def test_the_page_plays_behind_nginx(proxy: Proxy, chromium: Any) -> None:
    with open_page(chromium, proxy, "/radio", ignore_https_errors=True) as page:  # type: ignore[arg-type]
        bad: list[str] = []
        page.on("response", lambda one: bad.append(one.url) if one.status >= 400 else None)
        page.locator(".seek:enabled").wait_for()
        page.click(".play")
        page.wait_for_function("document.querySelector('.deck audio').currentTime > 0.3")
        page.focus("#moment")
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(1000)
        assert page.url == f"{proxy.address}/radio/" and bad == []


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Radio.Example.org/", "https://radio.example.org"),
        ("https://radio.example.org:443", "https://radio.example.org"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://müsik.example", "https://xn--msik-0ra.example"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    ["radio.example.org", "ftp://a.b", "https://a.b/radio", "https://u@a.b", "https://a.b:99999"],
)
def test_what_is_no_origin(url: str) -> None:
    with pytest.raises(ValueError):
        origin_of(url)
