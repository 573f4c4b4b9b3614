"""One listener in several pages and a terminal at once, through reloads and dying servers.

What is asked each time: is every rating in the database, once, with what was said.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from web_browser import ROOT, RadioServer, chromium, open_page

__all__ = ["chromium"]
pytestmark = pytest.mark.slow  # a browser under load waits for longer than a test may


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RadioServer]:
    with RadioServer(tmp_path) as running:
        yield running


def rows(server: RadioServer) -> dict[str, tuple[str, float, list[list[float]]]]:
    """Return song, rating and curve of every rated play by its key, without untouched skips."""
    with closing(sqlite3.connect(f"file:{server.home}/ratings.db?mode=ro", uri=True)) as database:
        found = database.execute(
            "SELECT key, song, rating, curve FROM ratings WHERE weight = 1"
        ).fetchall()
    return {key: (song, rating, json.loads(curve)) for key, song, rating, curve in found}


def until(happened: Callable[[], Any], *pages: Any, seconds: float = 30.0) -> Any:
    """Wait for something to be true and return it; the pages go on meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        if pages:
            pages[0].wait_for_timeout(50)
        else:
            time.sleep(0.05)
    pytest.fail("it did not happen")


def play(page: Any) -> None:
    page.locator(".seek:enabled").wait_for(timeout=60_000)
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: clock(page) > 0.2, page)


def clock(page: Any) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def song(page: Any) -> str:
    """Return the name of the song that is on; nothing while the next one is made."""
    return (
        str(page.locator(".deck:has(.seek:enabled) h2.song").inner_text())
        if page.locator(".seek:enabled").count()
        else ""
    )


def slide(page: Any, value: float) -> None:
    move = "(slider, value) => { slider.value = value; "
    move += "slider.dispatchEvent(new Event('input', { bubbles: true })); }"
    page.locator("#moment").evaluate(move, value)


@pytest.mark.slow  # tests/radio/web/test_page.py reloads too
def test_a_reload_goes_on(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        play(page)
        slide(page, 0.6)
        (key, (name, rating, curve)) = until(lambda: list(rows(server).items()), page)[0]
        assert name == song(page) and rating == pytest.approx(0.6) and curve[0][0] < 15
        page.wait_for_timeout(600)
        before = clock(page)
        page.reload()
        until(lambda: song(page) == name, page)
        until(lambda: page.locator(".rate .value").inner_text() == "+0.60", page)
        until(lambda: clock(page) >= before - 0.5, page)  # where it was, and not from the beginning
        page.get_by_role("button", name="Play", exact=True).or_(
            page.get_by_role("button", name="Pause", exact=True)
        ).first.wait_for()
        slide(page, -0.4)
        until(lambda: rows(server)[key][1] < 0.6, page)
        kept = rows(server)
        assert list(kept) == [key], "the same play has one row, before the reload and after it"
        assert {0.6, -0.4} <= {value for _, value in kept[key][2]}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_server_that_comes_back_is_found_again(
    server: RadioServer, chromium: Any, how: str
) -> None:
    """What was said while it was away arrives, once, and the page need not be loaded again."""
    with open_page(chromium, server) as page:
        play(page)
        slide(page, 0.25)
        key = next(iter(until(lambda: rows(server), page)))
        getattr(server, how)()
        page.wait_for_timeout(300)
        slide(page, 0.75)
        page.wait_for_timeout(200)
        slide(page, 0.8)
        page.get_by_text("The radio can't be reached", exact=False).first.wait_for(timeout=20_000)
        server.start()
        until(
            lambda: {0.75, 0.8} <= {value for _, value in rows(server).get(key, ("", 0, []))[2]},
            page,
            seconds=60,
        )
        kept = rows(server)
        assert list(kept) == [key] and 0.25 in {value for _, value in kept[key][2]}
        points = [tuple(point) for point in kept[key][2]]
        assert len(set(points)) == len(points), "no piece of the curve came twice"
        page.get_by_text("The radio can't be reached", exact=False).first.wait_for(
            state="hidden", timeout=60_000
        )
        name = song(page)
        page.locator("body").press("n")
        until(lambda: song(page) not in ("", name), page, seconds=60)


class Terminal:
    """`ai-radio play --plain` on the same home: commands go in, lines come out."""

    def __init__(self, server: RadioServer) -> None:
        command = [
            sys.executable,
            "-m",
            "radio",
            "play",
            "--plain",
            "--home",
            str(server.home),
            "--station",
            "tiny",
            "--listener",
            "me",
        ]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
        self._thread.join(20)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def test_two_browsers_and_a_terminal(server: RadioServer, chromium: Any) -> None:
    """All three rate at once; every rating exists once, and each page gets the others' ratings."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(open_page(chromium, server)) for _ in range(2))
        play(first)
        until(lambda: song(second) == song(first) != "", first)  # two windows of one session
        terminal = Terminal(server)
        stack.callback(terminal.close)
        until(
            lambda: any(line.strip().startswith("1 ") for line in terminal.lines), first, seconds=60
        )
        said: dict[str, set[float]] = {}
        for number in range(2):
            page, other = (first, second) if number % 2 else (second, first)
            values = {round(0.1 * (number + 1), 2), round(-0.1 * (number + 1), 2)}
            name = song(page)
            slide(page, max(values))
            terminal.type(str(0.05 * (number + 1) + 0.5))
            slide(other, min(values))
            said[name] = values
            until(
                lambda values=values: any(
                    values <= {value for _, value in curve} for _, _, curve in rows(server).values()
                ),
                first,
            )
            terminal.type("n")
            page.locator("body").press("n")
            until(
                lambda: song(first) not in ("", name) and song(second) == song(first),  # noqa: B023
                first,
            )
        until(lambda: len(rows(server)) >= 4, first)
        terminal.type("q")
        until(lambda: terminal.process.poll() is not None, first)
        kept = rows(server)
        ours = {
            name: {value for _, value in curve} for name, _, curve in kept.values() if name in said
        }
        typed = sorted(rating for name, rating, _ in kept.values() if name not in said)
        assert ours == said, "each song of the windows has one row, with what both of them said"
        assert typed == pytest.approx([0.55, 0.6])
        # The windows have heard of what the terminal said, and of their own, once each.
        for page in (first, second):
            until(
                lambda page=page: (
                    page.get_by_role("region", name="What it has learned")
                    .get_by_text("4 of about 15 songs")
                    .count()
                ),
                page,
            )
