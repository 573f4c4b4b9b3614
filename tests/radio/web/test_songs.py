"""Songs of a listener that go on, or become others, over the routes and on the page."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tiny_station import tiny_station
from web_browser import RadioServer, chromium, open_page

from radio.home import Home
from radio.web.songs import job as songs_job
from radio.web.songs.job import KEPT, LIMITS, SongError, SongJob
from radio.web.training.uploads import UploadError
from tests.radio.web.test_layout import CONTRASTS
from tests.radio.web.test_training import until
from tests.radio.web.test_uploads import tone

__all__ = ["chromium"]
# Drops a file on the panel, as a person does who drags it from a folder.
DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "audio/wav" }));
  const place = document.querySelector("[aria-labelledby=songs-title] .drop");
  place.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadioServer]:
    """A server with a station that can let songs go on, and one that can't."""
    home = tmp_path_factory.mktemp("home")
    tiny_station(grid="absolute", beats=32).save(home / "stations/tiny")
    with RadioServer(home) as running:
        yield running


@pytest.fixture(autouse=True)
def empty(server: RadioServer) -> None:
    if server.process is None or server.process.poll() is not None:
        server.start()
    server.ask("POST", "/songs/cancel", {})
    for file in state(server)["files"]:
        assert server.ask("DELETE", f"/songs/file/{file['number']}", {})[0] == 200


def state(server: RadioServer) -> dict[str, Any]:
    return server.ask("GET", "/songs")[1]


def put(server: RadioServer, name: str, content: bytes) -> tuple[int, Any]:
    headers = {"Origin": server.address, "X-Name": urllib.parse.quote(name)}
    status, _, body = server.request("PUT", "/songs/file", headers, content)
    return status, json.loads(body)


def begin(server: RadioServer, action: str, **details: Any) -> tuple[int, Any]:
    return server.ask("POST", f"/songs/{action}", {"station": "tiny", **details})


def done(server: RadioServer) -> dict[str, Any]:
    return until(lambda: (now := state(server))["working"] == "" and now)


def children(server: RadioServer) -> list[int]:
    """Return the processes that make a song."""
    assert server.process is not None
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"radio.web.songs.process" in words and str(server.home).encode() in words:
            found.append(int(path.parent.name))
    return found


def test_a_song_goes_on_on_the_page(server: RadioServer, chromium: Any, tmp_path: Path) -> None:
    """Dropped, continued, played, downloaded; then a second one, and a morph."""
    with open_page(chromium, server) as page:
        panel = page.get_by_role("region", name="Your songs")
        panel.get_by_text("Drop a song here").wait_for()
        page.locator(".seek:enabled").wait_for()
        page.click(".play")
        page.locator(".play[aria-label=Pause]").wait_for()
        page.evaluate(DROP, ["my song.wav", base64.b64encode(tone(8)).decode()])
        panel.get_by_label("How long it goes on").focus()
        page.keyboard.press("Home")
        panel.get_by_text("16 beats, about 0:08").wait_for()
        button = panel.get_by_role("button", name="Let it go on")
        button.press("Enter")
        panel.get_by_role("button", name="Cancel").wait_for()
        panel.get_by_role("status").filter(has_text="Composing what comes next …").wait_for()
        panel.get_by_role("status").filter(has_text="my song-goes-on is ready").wait_for()
        assert button.evaluate("(it) => it === document.activeElement")
        audio = panel.locator("audio")
        audio.evaluate("(it) => it.play()")
        page.wait_for_function(
            "document.querySelector('.results audio').currentTime > 3.5"
        )  # it begins shortly before what is new
        page.locator(".play[aria-label=Play]").wait_for()  # the radio is silent now
        with page.expect_download() as download:
            panel.get_by_role("link", name="Download my song-goes-on").click()
        assert download.value.suggested_filename == "my song-goes-on.wav"
        download.value.save_as(tmp_path / "it.wav")
        samples, rate = soundfile.read(tmp_path / "it.wav")
        assert rate == 22050 and len(samples) / rate == pytest.approx(7.92 + 16 * 0.48, abs=0.5)
        assert np.abs(samples[9 * rate :]).max() > 1e-3

        panel.locator("input[type=file]").set_input_files(
            [{"name": "other.wav", "mimeType": "audio/wav", "buffer": tone(6, pitch=330)}]
        )
        events = panel.get_by_label("What happens in it")
        assert events.get_attribute("aria-valuetext") == "as in B"
        panel.get_by_label("What the whole song is like").fill("0.35")
        panel.get_by_role("button", name="Morph").click()
        panel.get_by_role("status").filter(has_text="my song-other is ready").wait_for()
        panel.locator("audio").nth(1).wait_for()
        assert state(server)["made"][-1]["seconds"] == pytest.approx(6, abs=0.3)
        panel.get_by_role("button", name="Remove my song.wav").press("Enter")
        panel.get_by_role("button", name="Let it go on").wait_for()
        page.wait_for_function("document.activeElement.type === 'file'")


def test_a_result_is_sent_in_ranges(server: RadioServer) -> None:
    assert put(server, "a.wav", tone(5))[0] == 200
    assert begin(server, "continue", beats=16) == (200, {"ok": True})
    assert begin(server, "continue", beats=16)[0] == 400  # one at a time
    number = state(server)["files"][0]["number"]
    assert server.ask("DELETE", f"/songs/file/{number}", {})[0] == 400
    (*_, made) = done(server)["made"]
    whole = server.request("GET", f"/songs/{made['number']}.wav")
    part = server.request("GET", f"/songs/{made['number']}.wav", {"Range": "bytes=100-199"})
    assert whole[0] == 200 and whole[1]["content-type"] == "audio/wav"
    assert part[0] == 206 and part[2] == whole[2][100:200]
    assert {path.name for path in (server.home / "web/songs").iterdir()} == {
        f"{number:03}.wav",
        *(f"made-{one['number']:03}.wav" for one in state(server)["made"]),
    }
    for wrong in ("999", "-1", "x"):
        assert server.request("GET", f"/songs/{wrong}.wav")[0] == 404


def test_what_is_no_song_is_named_and_not_kept(server: RadioServer) -> None:
    status, answer = put(server, "page.wav", b"<html>")
    assert status == 400 and answer["line"].startswith("is not readable audio")
    long = tone(LIMITS.seconds + 1, rate=4000)
    assert put(server, "long.wav", long)[1]["line"] == "lasts longer than 6 minutes"
    assert put(server, "short.wav", tone(1))[1]["line"] == "shorter than 4 seconds"
    large = {"Origin": server.address, "Content-Length": str(LIMITS.size + 1)}
    assert server.request("PUT", "/songs/file", large, b"")[0] == 413
    assert state(server)["files"] == []
    for name in ("../../a.wav", "b.wav"):
        assert put(server, name, tone(5))[0] == 200
    assert put(server, "c.wav", tone(5))[0] == 413
    assert [file["name"] for file in state(server)["files"]] == ["a.wav", "b.wav"]


@pytest.mark.parametrize(
    "action, wrong",
    [
        ("continue", {}),
        ("continue", {"beats": 15}),
        ("continue", {"beats": 257}),
        ("continue", {"beats": "16"}),
        ("continue", {"beats": True}),
        ("continue", {"beats": float("nan")}),
        ("continue", {"beats": 16, "station": "nothing"}),
        ("continue", {"beats": 16, "station": "../tiny"}),
        ("continue", {"beats": 16, "station": ["tiny"]}),
        ("continue", {"beats": 16, "station": "--help"}),
        ("morph", {"song": 0}),
        ("morph", {"song": 0, "events": 1.01}),
        ("morph", {"song": -0.1, "events": 1}),
        ("morph", {"song": 0, "events": 1}),  # there is only one file
    ],
)
def test_a_wrong_request_is_refused_in_one_line(
    server: RadioServer, action: str, wrong: dict[str, Any]
) -> None:
    assert put(server, "a.wav", tone(5))[0] == 200
    status, answer = begin(server, action, **wrong)
    assert status == 400 and answer["ok"] is False and "\n" not in answer["line"]
    assert state(server)["working"] == "" and children(server) == []


def test_other_requests_are_refused(server: RadioServer) -> None:
    assert begin(server, "continue", beats=16)[1]["line"] == (
        "continue needs one song, and there are 0"
    )
    assert server.ask("POST", "/songs/begin", {})[0] == 404
    assert server.ask("POST", "/songs/continue", [])[0] == 400
    assert server.ask("DELETE", "/songs/file/x", {})[0] == 404
    assert server.ask("POST", "/songs/cancel", {}) == (200, {"ok": True})


def test_it_can_be_cancelled(server: RadioServer) -> None:
    assert put(server, "a.wav", tone(5))[0] == 200
    before = state(server)["made"]
    assert begin(server, "continue", beats=256)[0] == 200
    (child,) = until(lambda: children(server))
    until(lambda: os.getpriority(os.PRIO_PROCESS, child) >= 10)
    assert server.ask("POST", "/songs/cancel", {})[0] == 200
    after = state(server)
    assert children(server) == [] and after["working"] == after["trouble"] == ""
    assert after["made"] == before


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_ends_with_the_server(server: RadioServer, chromium: Any, end: str) -> None:
    folder = server.home / "web/songs"
    with open_page(chromium, server):
        assert put(server, "a.wav", tone(5))[0] == 200
        assert begin(server, "continue", beats=256)[0] == 200
        before = set(folder.iterdir())
        until(lambda: children(server))
        getattr(server, end)()
        until(lambda: children(server) == [])
    # a process that outlived the server would have written its song
    assert set(folder.iterdir()) == before if end == "kill" else not folder.exists()
    assert "Traceback" not in server.log.read_text(errors="replace")
    server.start()
    assert not folder.exists()
    assert state(server)["files"] == state(server)["made"] == []


def test_it_fits_a_phone_and_can_be_read(server: RadioServer, chromium: Any) -> None:
    for number in range(2):
        assert put(server, f"{'a long name of a song ' * 3}{number}.wav", tone(5))[0] == 200
    assert begin(server, "morph", song=0, events=1)[0] == 200
    done(server)
    for dark in (False, True):
        with open_page(chromium, server, width=390, height=844, dark=dark) as page:
            panel = page.get_by_role("region", name="Your songs")
            panel.locator("audio").first.wait_for()
            page.locator(".seek:enabled").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            small = panel.locator("button, a").evaluate_all(
                "(all) => all.map((it) => it.getBoundingClientRect()).filter((box) =>"
                " box.width < 40 || box.height < 40)"
            )
            assert small == []
            assert [one for one in page.evaluate(CONTRASTS) if one[1] < 4.5] == []


class Fake:
    """Start processes of one line of Python in place of the command line's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.code = ""
        monkeypatch.setattr(songs_job, "start_process", self)

    def __call__(self, module: str, *arguments: str, log: Path, mode: str) -> Any:
        with log.open(mode) as errors:
            return subprocess.Popen(
                [sys.executable, "-c", self.code, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )


WRITES = (
    "import sys; path = sys.argv[sys.argv.index('--output') + 1]; open(path, 'w').write('song');"
    "print('[{\"seconds\": 3.0}]')"
)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[SongJob]:
    tiny_station().save(tmp_path / "stations/tiny")

    async def content() -> AsyncIterator[bytes]:
        yield tone(5)

    job = SongJob(Home(tmp_path))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, job.uploads.add("my.song.wav", None, content())).result()
    yield job
    job.close()


def ended(job: SongJob) -> dict[str, Any]:
    return until(lambda: (now := job.state)["working"] == "" and now)


def test_the_last_few_results_stay(job: SongJob, monkeypatch: pytest.MonkeyPatch) -> None:
    Fake(monkeypatch).code = WRITES
    told: list[dict[str, Any]] = []
    end = job.subscribe(told.append)
    for _ in range(KEPT + 2):
        job.begin("continue", "tiny")
        ended(job)
    made = job.state["made"]
    assert [one["number"] for one in made] == list(range(2, KEPT + 2))
    assert made[0]["name"] == "my.song-goes-on" and job.song(2) == b"song"
    assert job.song(1) is job.song(-1) is job.song(99) is None
    assert len(list(job.uploads.folder.glob("made-*"))) == KEPT
    assert {one["working"] for one in told} == {"", "continue"}
    end()
    job.close()
    assert not job.uploads.folder.exists() and job.song(2) is None


def test_what_fails_is_one_line(job: SongJob, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(monkeypatch)
    told = "print('compiling', 'ai-radio: '+sys.argv[2]+' is bad', sep='\\n', file=sys.stderr)"
    fake.code = f"import sys; {told}; sys.exit(2)"
    job.begin("continue", "tiny")
    assert ended(job)["trouble"] == "my.song.wav is bad"
    fake.code = "raise RuntimeError('a bug')"
    job.begin("continue", "tiny")
    trouble = ended(job)["trouble"]
    assert trouble.startswith("it failed (1)") and "\n" not in trouble
    assert "a bug" in (job.home.path / "web/songs.log").read_text()
    monkeypatch.setattr(songs_job, "MOST_SECONDS", 0.3)
    fake.code = "import time; time.sleep(60)"
    job.begin("continue", "tiny")
    assert ended(job)["trouble"].startswith("it took longer than")
    assert job.state["made"] == []


def test_a_second_server_of_a_home_makes_no_songs(job: SongJob) -> None:
    second = SongJob(job.home, held=False)
    assert second.state["trouble"] == "another server uses this home; use its page"
    refused: list[Callable[[], None]] = [
        lambda: second.begin("continue", "tiny"),
        lambda: second.remove(0),
    ]
    for ask, error in zip(refused, (SongError, UploadError), strict=True):
        with pytest.raises(error):
            ask()
    second.close()
    assert [path.name for path in job.uploads.folder.iterdir()] == ["000.wav"]
