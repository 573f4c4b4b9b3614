"""Attacks on the page: foreign Hosts and Origins, missing passwords, paths out of folders."""

from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from web_browser import RadioServer, chromium, open_page

from radio.web.security.login import FREE_ATTEMPTS, FREE_TOGETHER, LONGEST_WAIT, Attempts, Sessions
from radio.web.security.password import Password, PasswordError, given_password, kept_secret

__all__ = ["chromium"]
WEBSOCKET = "/live"
PASSWORD = "correct horse battery"  # noqa: S105


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadioServer]:
    """A server that other machines can reach, its password in the environment."""
    arguments = ("--host", "0.0.0.0")  # noqa: S104
    with RadioServer(
        tmp_path_factory.mktemp("home"), *arguments, environment={"AI_RADIO_PASSWORD": PASSWORD}
    ) as running:
        yield running


def log_in(server: RadioServer, password: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    form = f"password={password.replace(' ', '+')}".encode()
    own = {"Origin": server.address, "Content-Type": "application/x-www-form-urlencoded", **headers}
    return server.request("POST", "/login", own, form)


def test_its_own_page_is_answered(server: RadioServer) -> None:
    for host in (
        f"127.0.0.1:{server.port}",
        f"localhost:{server.port}",
        f"LOCALHOST:{server.port}",
        f"[::1]:{server.port}",
    ):
        assert server.request("GET", "/", {"Host": host})[0] == 200, host
    script = {"Sec-Fetch-Site": "same-origin"}
    assert server.request("GET", "/static/x/link.js", script)[0] == 200
    assert server.handshake(WEBSOCKET) == 101
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert server.request("GET", "/", link)[0] == 200
    status, headers, _ = server.request("GET", "/play/air1.x", link)
    assert (status, headers["location"]) == (303, "../?play=air1.x")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1:{port}@evil.example",
        "192.168.0.1:{port}",
        "0.0.0.0:{port}",
        "",
        "127.0.0.1:{port}, evil.example",
        "[::1]",
        "a:b:c",
    ],
)
def test_another_host_gets_nothing(server: RadioServer, host: str) -> None:
    """DNS rebinding: a foreign name for this machine is in Host and in Origin."""
    name = host.format(port=server.port)
    for path in ("/", "/static/x/link.js", "/train", "/songs", "/nothing"):
        status, _, body = server.request(
            "GET", path, {"Host": name, "Sec-Fetch-Site": "same-origin"}
        )
        assert status in (400, 421) and b"<" not in body, path
    own = {"Host": name, "Origin": f"http://{name}", "Content-Type": "application/json"}
    assert server.request("POST", "/do", own, b"{}")[0] in (400, 421)
    assert server.handshake(WEBSOCKET, Host=name, Origin=f"http://{name}") in (400, 403)


def test_its_health_needs_no_password(server: RadioServer, locked: RadioServer) -> None:
    for one in (server, locked):
        assert one.request("GET", "/health")[::2] == (200, b"ok\n")
        assert one.request("GET", "/health", {"Host": "evil.example"})[0] in (400, 421)


def test_two_hosts_or_origins_are_none(server: RadioServer) -> None:
    own = f"127.0.0.1:{server.port}"
    for more in ([("Host", own), ("Host", "evil.example")], [("Host", own), ("Host", own)]):
        assert server.request("GET", "/", more)[0] == 400
    assert (
        server.request(
            "POST",
            "/do",
            [("Host", own), ("Origin", server.address), ("Origin", "http://evil.example")],
            b"{}",
        )[0]
        == 400
    )


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "file://",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}@evil.example",
        "ftp://127.0.0.1:{port}",
        "127.0.0.1:{port}",
    ],
)
def test_another_origin_gets_nothing(server: RadioServer, origin: str) -> None:
    name = origin.format(port=server.port)
    for path in ("/", "/static/x/link.js", "/train", "/songs"):
        assert server.request("GET", path, {"Origin": name})[0] == 403, path
    for method, path in (
        ("POST", "/do"),
        ("PUT", "/train/file"),
        ("POST", "/train/begin"),
        ("DELETE", "/train/file/0"),
        ("PUT", "/songs/file"),
        ("POST", "/songs/continue"),
        ("DELETE", "/songs/file/0"),
    ):
        assert (
            server.request(
                method, path, {"Origin": name, "Content-Type": "application/json"}, b"{}"
            )[0]
            == 403
        ), path
    assert server.handshake(WEBSOCKET, Origin=name) == 403


def test_what_changes_something_needs_an_origin(server: RadioServer) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert (
            server.request(method, "/do", {"Content-Type": "application/json"}, b"{}")[0] == 403
        ), method
    assert server.handshake(WEBSOCKET, Origin=None) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_a_page_of_another_site_gets_nothing(server: RadioServer, site: str) -> None:
    """Another port is the same site but another page; only this header reveals forms and frames."""
    for path in ("/", "/play/air1.x", "/static/x/link.js", "/train", "/songs"):
        for mode, destination in (
            ("no-cors", "image"),
            ("no-cors", "script"),
            ("navigate", "iframe"),
            ("cors", "empty"),
        ):
            headers = {
                "Sec-Fetch-Site": site,
                "Sec-Fetch-Mode": mode,
                "Sec-Fetch-Dest": destination,
            }
            assert server.request("GET", path, headers)[0] == 403, (path, mode)
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert server.request("GET", "/train", link)[0] == 403
    assert server.request("POST", "/do", {**link, "Origin": server.address}, b"{}")[0] == 403


def test_a_page_of_another_port_in_a_browser(server: RadioServer, chromium: Any) -> None:
    """What a foreign page can try in a browser: the server refuses all, the page reads nothing."""
    tries = """async (address) => {
      const told = [];
      const command = { method: "POST", body: "{}", mode: "no-cors" };
      const page = { mode: "no-cors" };
      const routes = [["/do", command], ["/train/clear", command], ["/train", {}], ["/", page]];
      for (const [path, how] of routes)
        told.push(await fetch(address + path, how).then((answer) => answer.type, () => "failed"));
      const one = (make) => new Promise((end) => {
        const it = make();
        it.onload = it.onopen = () => end("opened");
        it.onerror = () => end("failed");
      });
      const script = () => document.head.appendChild(
        Object.assign(document.createElement("script"), { src: address + "/static/x/link.js" }));
      told.push(await one(() => new WebSocket(address.replace("http", "ws") + "SOCKET")));
      const style = address + "/static/x/style.css";
      told.push(await one(() => Object.assign(new Image(), { src: style })));
      told.push(await one(script));
      const frame = document.body.appendChild(
        Object.assign(document.createElement("iframe"), { src: address + "/" }));
      await new Promise((end) => (frame.onload = end));
      return told;
    }""".replace("SOCKET", WEBSOCKET)
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        context = chromium.new_context()
        try:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{elsewhere.server_port}/")
            statuses = []
            page.on(
                "response",
                lambda answer: (
                    statuses.append(answer.status)
                    if answer.url.startswith(server.address)
                    else None
                ),
            )
            told = page.evaluate(tries, server.address)
            assert told == ["failed"] * 7 and set(statuses) == {403}
            assert page.frames[1].url.startswith("chrome-error:")
        finally:
            context.close()
            elsewhere.shutdown()


class Elsewhere(BaseHTTPRequestHandler):
    """A site of somebody else: one empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><body>")

    def log_message(self, *details: object) -> None:
        pass


def test_an_order_has_to_be_json(server: RadioServer) -> None:
    """A form of another site could send text, but no JSON; and it would have the wrong Origin."""
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ):
        assert (
            server.request("POST", "/do", {"Origin": server.address, "Content-Type": kind}, b"{}")[
                0
            ]
            == 400
        ), kind
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"id": 1}', b'"' + b"x" * 300_000):
        status, answer = server.request(
            "POST", "/do", {"Origin": server.address, "Content-Type": "application/json"}, body
        )[::2]
        assert status in (400, 503) and json.loads(answer)["ok"] is False


def test_answers_are_safe(server: RadioServer) -> None:
    for path in ("/", "/static/x/link.js", "/nothing", "/live"):
        headers = server.request("GET", path)[1]
        policy = headers["content-security-policy"]
        assert (
            "frame-ancestors 'none'" in policy
            and "unsafe" not in policy
            and "default-src 'self'" in policy
            and "http" not in policy
            and "*" not in policy
        )
        assert (
            headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        )
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers, path


def test_files_are_kept_and_compressed(server: RadioServer) -> None:
    page = server.request("GET", "/")[2].decode()
    path = re.findall(r'"(/static/\w+/render.js)"', page)[0]
    status, headers, plain = server.request("GET", path)
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in headers["cache-control"] and "content-encoding" not in headers
    headers, zipped = server.request("GET", path, {"Accept-Encoding": "gzip, br"})[1:]
    assert headers["content-encoding"] == "gzip" and headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(zipped) == plain and len(zipped) < len(plain) / 2
    other = re.sub(r"/static/\w+", "/static/0", path)
    assert server.request("GET", other)[1]["cache-control"] == "no-cache"
    status, headers, zipped = server.request("GET", "/", {"Accept-Encoding": "gzip"})
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert b"<!doctype html>" in gzip.decompress(zipped)


@pytest.mark.slow
def test_the_page_needs_no_exception_from_its_policy(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server, bypass_csp=False) as page:
        said: list[str] = []
        page.on("console", lambda line: said.append(line.text))
        page.reload()
        page.locator(".seek:enabled").wait_for()
        page.locator(".play").click()
        page.locator(".play[aria-label=Pause]").wait_for()
        page.keyboard.press("9")
        page.get_by_text("+1.00").first.wait_for()
        page.keyboard.press("?")
        page.locator("dialog dt").first.wait_for()
        page.keyboard.press("Escape")
        assert said == []
        # Later: what a debugger itself runs is exempt.
        evaluates = """() => new Promise((tell) => setTimeout(() => {
          try { tell((0, eval)("1")); } catch (error) { tell(error.name); }
        }))"""
        script = (
            "() => document.body.append(Object.assign(document.createElement('script'),"
            " { textContent: 'window.evil = true' }))"
        )
        page.evaluate(script)
        assert page.evaluate("window.evil") is None
        assert page.evaluate(evaluates) == "EvalError"


def outside(home: Path) -> tuple[Path, bytes]:
    """Write a secret beside the home and a link to it in each of its folders."""
    secret = b"nobody may read this"
    file = home.parent / f"{home.name}-secret.txt"
    file.write_bytes(secret)
    for folder in ("", "songs", "stations", "stations/tiny", "web"):
        (home / folder).mkdir(exist_ok=True)
        link = home / folder / "link.wav"
        if not link.is_symlink():
            link.symlink_to(file)
    return file, secret


def test_no_route_leads_out_of_its_folder(server: RadioServer) -> None:
    """Every route with a name is tried with files of the machine, the home and the program."""
    file, secret = outside(server.home)
    routes = routes_of(server)
    named = {"/static/x/{}", "/sound/{}.wav", "/train/sample/{}.wav", "/songs/{}.wav"}
    assert named <= routes and len(routes) > 7
    up = [
        "../" * 12 + "etc/passwd",
        "..%2f" * 12 + "etc/passwd",
        "%2e%2e/" * 12 + "etc/passwd",
        "%252e%252e%252f" * 12 + "etc/passwd",
        "..%5c" * 12 + "etc/passwd",
        "....//" * 12 + "etc/passwd",
        "%c0%ae%c0%ae/" * 12 + "etc/passwd",
        "..;/" * 12 + "etc/passwd",
    ]
    absolute = [
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "file:///etc/passwd",
        "C:/Windows/win.ini",
        "C:%5cWindows%5cwin.ini",
    ]
    own = [
        str(file),
        f"%2f{file}",
        f"../../../../..{file}",
        str(server.home / "ratings.db"),
        "link",
        "link.wav",
        "../link.wav",
        "..%2fradio%2fcli.py",
        "../page.py",
        "%2e%2e/page.py",
        "..%2fpage.py",
    ]
    broken = [
        "x%00.js",
        "link.js%00.wav",
        "%00",
        "%0d%0aX-Injected:%201",
        "%ff%fe",
        "a" * 5000,
        ".",
        "..",
        "%2e",
        "%",
        "%zz",
    ]
    for route in sorted(routes):
        for name in up + absolute + own + broken:
            status, headers, body = server.request("GET", route.format(name))
            assert status in (400, 404, 405, 414, 422), (route, name, status)
            assert not any(
                mark in body
                for mark in (b"root:x:", secret, b"SQLite format", b"from __future__", b"[fonts]")
            ), (route, name)
            assert "x-injected" not in headers


@pytest.mark.parametrize("name", ["../../x", "..", "/etc", "a/b", "C:\\x", "x\n", "<b>", "x" * 65])
def test_no_name_leads_out_of_the_home(server: RadioServer, name: str) -> None:
    """Stations and listeners become folders and rows; the page shows why a name is invalid."""
    before = {path for path in server.home.parent.rglob("*") if "tiny" not in path.parts}
    for key in ("station", "listener"):
        status, _, body = server.request("GET", f"/?{key}={urllib.parse.quote(name, safe='')}")
        assert status in (200, 400) and b"<b>" not in body
        command = {
            "id": "1",
            "station": "tiny",
            "listener": "me",
            "action": "next",
            "page": "f",
            key: name,
        }
        assert server.ask("POST", "/do", command)[0] in (400, 503)
    new = {path for path in server.home.parent.rglob("*") if "tiny" not in path.parts} - before
    # The page of listener 'me' and station 'tiny', opened by a test before, may begin its session
    # while this one runs.
    begun = re.compile(r"ratings\.db-(wal|shm)|listeners(/me(/tiny-[0-9a-f]+(/learner\.lock)?)?)?")
    found = {str(path.relative_to(server.home.parent)) for path in new if "web" not in path.parts}
    assert {
        name for name in found if not begun.fullmatch(name.removeprefix(f"{server.home.name}/"))
    } == set()


def routes_of(server: RadioServer) -> set[str]:
    """Return every route with a parameter, replaced by {}, from the application itself."""
    import subprocess
    import sys

    code = (
        "import re\nfrom radio.home.folder import Home\n"
        "from radio.web.sessions import LiveSessions\n"
        "from radio.web.server import build\n"
        "from radio.web.songs.job import SongJob\n"
        "from radio.web.training.job import TrainJob\n"
        "home = Home()\nsessions = LiveSessions(home, ('tiny', 'me'))\n"
        "app = build(sessions, TrainJob(home), SongJob(home))\n"
        "for route in app.routes:\n"
        "    path = getattr(route, 'path', '')\n"
        "    if '{' in path: print(re.sub(r'\\{[^}]*\\}', '{}', path))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 0, done.stderr
    return {re.sub(r"\{\}(?=.*\{\})", "x", line) for line in done.stdout.split()}


def test_without_the_password_there_is_nothing(locked: RadioServer) -> None:
    status, headers, body = locked.request("GET", "/")
    assert status == 401 and b"<form" in body and b"script" not in body.lower()
    assert "'unsafe-eval'" not in headers["content-security-policy"]
    for method, path in (
        ("GET", "/static/x/link.js"),
        ("GET", "/train"),
        ("GET", "/songs/0.wav"),
        ("GET", "/sound/x.wav"),
        ("POST", "/do"),
        ("PUT", "/train/file"),
        ("POST", "/train/begin"),
        ("PUT", "/songs/file"),
        ("POST", "/songs/morph"),
        ("GET", "/nothing"),
    ):
        status, _, body = locked.request(
            method, path, {"Origin": locked.address, "Content-Type": "application/json"}, b"{}"
        )
        assert status == 401 and body == b"the password is missing", path
    assert locked.handshake(WEBSOCKET) == 403


def test_other_names_than_the_machines_own_are_refused_there_too(locked: RadioServer) -> None:
    own = socket.gethostname()
    for name in (own, own.upper(), "127.0.0.1", "localhost", "192.168.7.7", "[fe80::1]"):
        assert locked.request("GET", "/", {"Host": f"{name}:{locked.port}"})[0] == 401, name
    for name in ("evil.example", f"{own}.evil.example", f"x{own}"):
        assert locked.request("GET", "/", {"Host": f"{name}:{locked.port}"})[0] == 421, name
        assert (
            log_in(
                locked,
                PASSWORD,
                Host=f"{name}:{locked.port}",
                Origin=f"http://{name}:{locked.port}",
            )[0]
            == 421
        )


def test_the_password_opens_it(locked: RadioServer) -> None:
    # a form of another page logs nobody in
    assert log_in(locked, PASSWORD, Origin="http://evil.example")[0] == 403
    status, headers, _ = log_in(locked, PASSWORD)
    assert status == 303 and headers["location"] == "/"
    cookie = headers["set-cookie"]
    assert "; HttpOnly" in cookie and "; SameSite=Strict" in cookie and PASSWORD not in cookie
    session = cookie.partition(";")[0]
    assert locked.request("GET", "/", {"Cookie": session})[0] == 200
    assert locked.request("GET", "/songs", {"Cookie": f"theme=dark; {session}"})[0] == 200
    assert locked.handshake(WEBSOCKET, Cookie=session) == 101
    # The password opens nothing to another page.
    assert locked.handshake(WEBSOCKET, Cookie=session, Origin="http://evil.example") == 403
    assert (
        locked.request("POST", "/do", {"Cookie": session, "Origin": "http://evil.example"}, b"{}")[
            0
        ]
        == 403
    )
    status, headers, _ = locked.request(
        "POST", "/logout", {"Cookie": session, "Origin": locked.address}, b""
    )
    assert status == 303 and "Max-Age=0" in headers["set-cookie"]
    name, value = session.split("=", 1)
    changed = value[:-1] + ("0" if value[-1] != "0" else "1")
    for other in (
        f"{name}={changed}",
        f"{name}=9{value}",
        f"{name}=",
        "x",
        "=;=",
        f"{name}=a.b.c",
        f"{name}={'9' * 4000}",
    ):
        assert locked.request("GET", "/", {"Cookie": other})[0] == 401, other
    kept = "".join(
        path.read_text(errors="replace")
        for path in (locked.home / "web").rglob("*")
        if path.is_file()
    )
    assert PASSWORD not in kept and (locked.home / "web/password.json").stat().st_mode & 0o77 == 0
    assert (locked.home / "web/secret").stat().st_mode & 0o77 == 0


def test_a_browser_logs_in(locked: RadioServer, chromium: Any) -> None:
    with open_page(chromium, locked) as page:
        page.get_by_label("Password").fill(PASSWORD + "!")
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="Wrong password").wait_for()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Listen").click()
        page.locator(".radio .deck").wait_for()
        assert page.evaluate("document.cookie") == ""


def test_guessing_takes_for_ever(locked: RadioServer) -> None:
    """The last test of this server: this address is now locked out, but logins stay valid."""
    session = log_in(locked, PASSWORD)[1]["set-cookie"].partition(";")[0]
    statuses = [log_in(locked, f"guess number {number}")[0] for number in range(FREE_ATTEMPTS + 5)]
    assert (
        statuses[:FREE_ATTEMPTS] == [403] * FREE_ATTEMPTS and statuses[FREE_ATTEMPTS:] == [429] * 5
    )
    status, headers, _ = log_in(locked, PASSWORD)
    assert status == 429 and int(headers["retry-after"]) >= 1
    assert locked.request("GET", "/", {"Cookie": session})[0] == 200
    assert log_in(locked, "x" * 5000)[0] == 413


def test_waits_grow_and_are_counted_by_network() -> None:
    now = [1000.0]
    attempts = Attempts(lambda: now[0])
    waits = []
    for _ in range(30):
        now[0] += attempts.wait("1.2.3.4")
        attempts.began("1.2.3.4")
        waits.append(attempts.wait("1.2.3.4"))
    assert (
        waits[: FREE_ATTEMPTS - 1] == [0.0] * (FREE_ATTEMPTS - 1)
        and waits[FREE_ATTEMPTS - 1 : FREE_ATTEMPTS + 2] == [2.0, 4.0, 8.0]
        and waits[-1] == LONGEST_WAIT
    )
    assert attempts.wait("1.2.3.5") == 0.0
    for number in range(FREE_ATTEMPTS):
        attempts.began(f"2001:db8::{number:x}")
    assert attempts.wait("2001:db8::ffff") > 0 and attempts.wait("2001:db9::1") == 0.0
    attempts.right("2001:db8::1")
    assert attempts.wait("2001:db8::ffff") == 0.0
    for number in range(FREE_TOGETHER):
        attempts.began(f"10.0.{number}.1")
    assert attempts.wait("10.9.9.9") > 0


def test_sessions_end() -> None:
    now = [1000.0]
    password, secret = Password.of("long enough"), b"s" * 32
    sessions = Sessions(password, secret, lambda: now[0])
    session = sessions.open()
    # a server that was started again
    assert sessions.holds(session) and Sessions(password, secret, lambda: now[0]).holds(session)
    assert not Sessions(password, b"t" * 32, lambda: now[0]).holds(session)
    assert not Sessions(Password.of("long enough"), secret, lambda: now[0]).holds(session)
    now[0] += 8 * 24 * 3600
    assert not sessions.holds(session)
    assert not any(
        sessions.holds(text) for text in ("", ".", "..", "a.b", "é.é.é", "1.1." + "0" * 64)
    )


def test_passwords_are_kept_as_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AI_RADIO_PASSWORD", raising=False)
    kept = tmp_path / "web/password.json"
    with pytest.raises(PasswordError, match="other machines could open this page"):
        given_password(None, kept)
    file = tmp_path / "password"
    file.write_text("pässword one\nnot this line\n", encoding="utf-8")
    password = given_password(file, kept)
    assert (
        password.matches("pässword one")
        and not password.matches("pässword onE")
        and not password.matches("")
    )
    assert given_password(None, kept) == password and b"one" not in kept.read_bytes()
    monkeypatch.setenv("AI_RADIO_PASSWORD", "another one")
    assert given_password(None, kept).matches("another one")
    monkeypatch.delenv("AI_RADIO_PASSWORD")
    assert Password.load(kept).matches("another one")  # type: ignore[union-attr]
    for content in (
        b"",
        b"{}",
        b"[1]",
        b'{"salt": "zz", "scrypt": ""}',
        b'{"salt": "00", "scrypt": "00"}',
        b"\xff",
    ):
        kept.write_bytes(content)
        with pytest.raises(PasswordError, match="delete it"):
            given_password(None, kept)
    for text in ("short", "", "x" * 2000):
        with pytest.raises(PasswordError, match="at least 8 letters"):
            Password.of(text)
    with pytest.raises(PasswordError, match="can't be read"):
        given_password(tmp_path / "nowhere", kept)
    secret = kept_secret(tmp_path / "web/secret")
    assert len(secret) == 32 and kept_secret(tmp_path / "web/secret") == secret


def test_an_impatient_ctrl_c_is_no_traceback(tmp_path: Path) -> None:
    with RadioServer(tmp_path / "home") as running:
        assert running.process is not None
        for _ in range(3):
            running.process.send_signal(signal.SIGINT)
            time.sleep(0.07)
        assert running.process.wait(60) in (0, 130)
        said = running.log.read_text()
    assert "Traceback" not in said and said.count("\n") <= 2, said
