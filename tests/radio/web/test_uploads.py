"""Uploads: too large, too many, no audio, bombs, names that would be paths; nothing remains."""

from __future__ import annotations

import asyncio
import io
import socket
import time
import urllib.parse
import zipfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from web_browser import RadioServer, chromium, open_page

from radio.web.training.uploads import Limits, UploadError, Uploads, cleaned

__all__ = ["chromium"]
NAMES = {
    "song.wav": "song.wav",
    "../../x": "x",
    "/etc/passwd": "passwd",
    "C:\\x": "x",
    "..\\..\\x.wav": "x.wav",
    "..": "a file without a name",
    "": "a file without a name",
    "///": "a file without a name",
    "a\x00b\r\nc\x1b[31m\td.wav": "a b c [31m d.wav",
    "\u202egnp.wav": "gnp.wav",
    "<img src=x onerror=alert(1)>.wav": "<img src=x onerror=alert(1)>.wav",
    "\ud800x.wav": "x.wav",
    "ü" * 200: "ü" * 79 + "…",
}


def tone(
    seconds: float = 6.0, *, pitch: float = 220.0, rate: int = 22050, kind: str = "WAV"
) -> bytes:
    file = io.BytesIO()
    moments = np.arange(round(seconds * rate)) / rate
    soundfile.write(
        file, 0.3 * np.sin(2 * np.pi * pitch * moments) * (1 + np.sin(moments)), rate, format=kind
    )
    return file.getvalue()


@pytest.fixture(autouse=True)
def empty(server: RadioServer) -> None:
    server.ask("POST", "/train/clear", {})


def put(server: RadioServer, name: str, content: bytes, **headers: str) -> tuple[int, Any]:
    import json

    own = {
        "Origin": server.address,
        "X-Name": urllib.parse.quote(name, errors="surrogatepass"),
        **headers,
    }
    status, _, body = server.request("PUT", "/train/file", own, content)
    return status, json.loads(body)


def kept(server: RadioServer) -> list[str]:
    return sorted(path.name for path in (server.home / "web/uploads").glob("*"))


def test_music_is_kept_under_numbers(server: RadioServer) -> None:
    before = {path for path in server.home.rglob("*") if path.is_file()}
    # half a letter can't be sent
    names = {name: shown for name, shown in NAMES.items() if "\ud800" not in name}
    for number, (name, shown) in enumerate(names.items()):
        status, answer = put(server, name, tone(5))
        assert status == 200 and answer["file"] == {
            "number": number,
            "name": shown,
            "size": len(tone(5)),
            "seconds": 5.0,
            "problem": "",
        }
    assert kept(server) == [f"{number:03}.wav" for number in range(len(names))]
    assert [entry["name"] for entry in server.ask("GET", "/train")[1]["files"]] == list(
        names.values()
    )
    new = {path for path in server.home.rglob("*") if path.is_file()} - before
    assert {path.parent for path in new} <= {server.home / "web/uploads"} | {
        path.parent for path in before
    }
    assert not (server.home.parent / "x").exists()
    assert (
        server.ask("DELETE", "/train/file/3", {})[0] == 200
        and server.ask("DELETE", "/train/file/3", {})[0] == 404
    )
    for number in ("-1", "9999999999999", "x", "..%2f000", "%D9%A3"):
        assert server.ask("DELETE", f"/train/file/{number}", {})[0] in (400, 404, 405)
    assert "003.wav" not in kept(server) and len(kept(server)) == len(names) - 1
    assert server.ask("POST", "/train/clear", {})[0] == 200 and kept(server) == []


def bomb() -> bytes:
    """Return a small FLAC of more than three hours of nearly nothing."""
    file = io.BytesIO()
    block = np.zeros(8000 * 600, np.int16)
    block[::80000] = 1000
    with soundfile.SoundFile(file, "w", 8000, 1, format="FLAC", subtype="PCM_16") as sound:
        for _ in range(19):
            sound.write(block)
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("song.wav", bytes(100 << 20))
    return file.getvalue()


def test_what_is_no_music_is_named_and_not_kept(server: RadioServer) -> None:
    nothing, broken = np.zeros(8 * 22050), np.full(8 * 22050, np.nan)
    written = [io.BytesIO(), io.BytesIO()]
    soundfile.write(written[0], nothing, 22050, format="WAV")
    soundfile.write(written[1], broken, 22050, format="WAV", subtype="FLOAT")
    flac_bomb = bomb()
    assert len(flac_bomb) < 1 << 20
    cases = {
        "page.wav": (b"<html><script>alert(1)</script></html>", "is not readable audio"),
        "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(5000), "is not readable audio"),
        "program.wav": (b"\x7fELF" + bytes(5000), "is not readable audio"),
        "archive.wav": (zipped(), "is not readable audio"),
        "list.wav": (b"#EXTM3U\nfile:///etc/passwd\n", "is not readable audio"),
        "playlist.m4a": (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00file:///etc/passwd", "ffmpeg"),
        "cut.flac": (tone(8, kind="FLAC")[:9000], "is truncated"),
        "header.wav": (tone(8)[:44], ""),
        "random.mp3": (np.random.default_rng(0).bytes(60000), "is not readable audio"),
        "bomb.flac": (flac_bomb, "lasts longer than 3 hours"),
        "silence.wav": (written[0].getvalue(), "holds nothing but silence"),
        "nan.wav": (written[1].getvalue(), "holds samples that are not finite numbers"),
        "short.wav": (tone(2), "shorter than 4 seconds"),
    }
    for name, (content, said) in cases.items():
        status, answer = put(server, name, content)
        assert status == 200 and answer["file"]["name"] == name, name
        problem = answer["file"]["problem"]
        assert (
            said in problem
            and problem
            and "\n" not in problem
            and "/" not in problem.replace("file:///etc", "")
        ), (name, problem)
        assert kept(server) == [], name
    status, answer = server.ask("POST", "/train/begin", {"station": "mine", "minutes": 1})
    assert status == 400 and "no music to train on" in answer["line"]
    assert put(server, "empty.wav", b"") == (400, {"ok": False, "line": "it is empty"})


def test_too_large(server: RadioServer) -> None:
    """The length that is promised is enough to refuse; nothing has to be sent."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        head = f"PUT /train/file HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        head += f"Origin: {server.address}\r\nContent-Length: {300 << 20}\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(4096).splitlines()[0]
    assert kept(server) == []


def test_nothing_is_left_of_what_broke_off(server: RadioServer) -> None:
    content = tone(60)
    head = f"PUT /train/file HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    head += f"Origin: {server.address}\r\nContent-Length: {len(content)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(head.encode() + content[: len(content) // 2])
        until = time.monotonic() + 20
        while kept(server) != ["000.wav"] and time.monotonic() < until:
            time.sleep(0.02)
        assert kept(server) == ["000.wav"]
    while kept(server) and time.monotonic() < until:
        time.sleep(0.02)
    assert kept(server) == [] and server.ask("GET", "/train")[1]["files"] == []
    assert put(server, "song.wav", tone())[0] == 200
    server.kill()
    assert kept(server) != []
    server.start()
    assert kept(server) == [] and server.ask("GET", "/train")[1]["phase"] == "idle"


def test_names_are_text_on_the_page(server: RadioServer, chromium: Any) -> None:
    name = "<img src=x onerror=document.title=1>.wav"
    with open_page(chromium, server) as page:
        page.get_by_role("region", name="Train your own").locator(".drop input").set_input_files(
            [
                {"name": name, "mimeType": "audio/wav", "buffer": tone()},
                {"name": "<b>bad</b>.wav", "mimeType": "audio/wav", "buffer": b"bad"},
            ]
        )
        page.get_by_text(name, exact=True).wait_for()
        page.get_by_text("<b>bad<", exact=False).or_(
            page.get_by_text("b>.wav", exact=True)
        ).first.wait_for()
        assert page.locator("img[src=x]").count() == 0 and page.title().endswith("AI Radio")
        page.get_by_role("button", name="Train", exact=True).wait_for()


def test_a_file_stands_once_before_its_answer_comes(server: RadioServer, chromium: Any) -> None:
    """The list of files may reach the page before the answer to what was sent."""
    held: list[Any] = []
    with open_page(chromium, server) as page:
        page.route("**/train/file", lambda route: held.append((route, route.fetch())))
        page.get_by_role("region", name="Train your own").locator(".drop input").set_input_files(
            [{"name": "once.wav", "mimeType": "audio/wav", "buffer": tone()}]
        )
        page.locator(".files small", has_text="0:").wait_for()
        assert page.get_by_text("once.wav", exact=True).count() == 1
        route, answer = held.pop()
        route.fulfill(response=answer)
        page.get_by_role("button", name="Train", exact=True).wait_for()
        assert page.get_by_text("once.wav", exact=True).count() == 1


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def added(uploads: Uploads, length: int | None, *parts: bytes) -> dict[str, Any]:
    # in a thread of its own: Playwright's loop runs in this one
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, uploads.add("song.wav", length, chunks(*parts))).result()


def refused(uploads: Uploads, *parts: bytes, length: int | None = None) -> UploadError:
    with pytest.raises(UploadError) as error:
        added(uploads, length, *parts)
    assert list(uploads.folder.glob("*")) == [] or uploads.files
    return error.value


def test_limits_hold_where_no_length_is_promised(tmp_path: Path) -> None:
    song = tone(5)
    uploads = Uploads(
        tmp_path / "uploads", Limits(files=3, size=len(song) + 10, total=2 * len(song) + 10)
    )
    assert refused(uploads, song, bytes(11)).status == 413
    assert refused(uploads, bytes(5), length=len(song) + 11).status == 413
    assert "interrupted" in str(refused(uploads, song, length=len(song) + 1))
    for _ in range(2):
        assert added(uploads, None, song[:1000], song[1000:])["problem"] == ""
    assert "together" in str(refused(uploads, bytes(11)))
    uploads.remove(uploads.files[0]["number"])
    assert added(uploads, len(song), song)["seconds"] == 5.0
    moved = uploads.move(tmp_path / "music")
    assert [entry["name"] for entry in moved] == ["song.wav"] * 2 and len(
        list((tmp_path / "music").iterdir())
    ) == 2
    assert uploads.files == [] and list(uploads.folder.iterdir()) == []
    assert added(uploads, len(song), song)["seconds"] == 5.0  # there is room again


def test_too_many_are_refused_and_those_that_are_no_music_count(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads", Limits(files=3))
    for _ in range(3):
        assert added(uploads, None, b"nothing")["problem"]
    error = refused(uploads, tone())
    assert error.status == 413 and str(error) == "at most 3 files are accepted"
    assert list(uploads.folder.iterdir()) == []


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = Uploads(tmp_path / "uploads")
    monkeypatch.setattr("radio.web.training.uploads.FREE_BYTES", 1 << 62)
    error = refused(uploads, tone())
    assert error.status == 507 and str(error) == "the disk is full"


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/keep").write_text("this")
    (tmp_path / "uploads").symlink_to(tmp_path / "elsewhere")
    Uploads(tmp_path / "uploads")
    assert (tmp_path / "elsewhere/keep").read_text() == "this" and not (
        tmp_path / "uploads"
    ).exists()


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert cleaned(name) == NAMES[name]
