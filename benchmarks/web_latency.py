"""Latency and weight of the page: until a button works, from slider to database, bytes, requests.

    python benchmarks/web_latency.py --moves 400

The radio runs as `ai-radio web` has it, with the starter station and its learner at work; Chromium,
headless, opens the page, each time with an empty cache, and moves the slider with the keyboard. A
rating counts as saved when the server has said so, which it does after SQLite's commit; at the end
every value that was said to be saved is looked for in the database. Needs the extra `test` and
Chromium.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
MOVE_SECONDS = 0.12
# moves, after which the next song is asked for: the learner has something to learn and to make
SKIP_EVERY = 40
ON = "document.querySelector('.seek')?.disabled === false"  # a song
OPTIONS = ["--no-sandbox", "--disable-gpu", "--mute-audio"]
# The first moment at which the play button is there and the page has time to answer.
READY = """
new MutationObserver((changes, observer) => {
  if (!document.querySelector('[data-ready]')) return;
  observer.disconnect();
  setTimeout(() => { window.interactive = performance.now() });
}).observe(document, { childList: true, subtree: true });
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
SETTLED_SECONDS = 2.0  # after which a page has everything that it loads by itself
# When each value of the slider was heard of in the page, and when the server had saved it.
SAVED = """
window.moved = new Map(); window.saved = [];
const moves = (event) => event.target.id === 'moment'
    && window.moved.set(+event.target.value, performance.now());
document.addEventListener('input', moves, true);
const asked = window.fetch;
window.fetch = async (address, options) => {
  const order = typeof options?.body === 'string' ? JSON.parse(options.body) : {};
  const answer = await asked(address, options);
  if (order.action === 'slide' && answer.ok)
    for (const [, value] of order.points)
        window.saved.push([value, performance.now() - window.moved.get(value), order.play]);
  return answer;
};
"""


class Server:
    """`ai-radio web` on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        command = [
            sys.executable,
            "-m",
            "radio",
            "web",
            "--no-open",
            "--port",
            "0",
            "--home",
            str(home),
            "--seed",
            "1",
        ]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found is not None, "the server did not start"
        self.address = found[0]

    def close(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


def new_context(browser: Any) -> Any:
    """Return an empty context in which Playwright may evaluate texts, which the page forbids."""
    return browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)


def load_times(browser: Any, address: str, count: int) -> tuple[np.ndarray, list[Load]]:
    """Return the seconds (count,) from an address to a working button in new browsers, and more."""
    seconds, loads = [], []
    for _ in range(count):
        context = new_context(browser)
        page = context.new_page()
        load = Load(context.new_cdp_session(page))
        page.add_init_script(READY)
        page.on("console", lambda said, load=load: load.said.append(said.text))
        page.goto(address)
        page.wait_for_function("window.interactive")
        seconds.append(page.evaluate("window.interactive") / 1000)
        page.wait_for_timeout(SETTLED_SECONDS * 1000)
        load.shift = page.evaluate("window.shift")
        loads.append(load)
        context.close()
    return np.array(seconds), loads


class Load:
    """What a browser gets for a page: bytes as they are sent, headers included, and requests.

    Args:
        client: a session of Chromium's own protocol.
    """

    def __init__(self, client: Any) -> None:
        self.said: list[str] = []  # on the console
        self.shift = 0.0  # cumulative layout shift
        self._kinds: dict[str, str] = {}
        self._bytes: dict[str, int] = {}  # by request
        client.on("Network.responseReceived", self._begin)
        client.on("Network.dataReceived", self._take)
        client.on("Network.loadingFinished", self._end)
        client.send("Network.enable")

    @property
    def requests(self) -> int:
        """Number of answered requests."""
        return len(self._kinds)

    def size(self, *, sound: bool) -> int:
        """Return the bytes of the song, or of all else."""
        return sum(
            size for key, size in self._bytes.items() if (self._kinds.get(key) == "Media") == sound
        )

    def _begin(self, event: dict[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"]
        self._bytes[event["requestId"]] = int(event["response"]["encodedDataLength"])

    def _take(self, event: dict[str, Any]) -> None:
        key = event["requestId"]
        self._bytes[key] = self._bytes.get(key, 0) + event["encodedDataLength"]

    def _end(self, event: dict[str, Any]) -> None:
        self._bytes[event["requestId"]] = int(event["encodedDataLength"])


def saving_times(
    browser: Any, address: str, count: int
) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """Return the seconds (count,) from a moved slider to its rating, and what was saved."""
    page = new_context(browser).new_page()
    page.add_init_script(SAVED)
    page.goto(address)
    page.wait_for_function(ON, timeout=180_000)  # the first start of a home composes first
    page.click(".play")
    for number in range(count):
        if number % SKIP_EVERY == SKIP_EVERY - 1:
            page.keyboard.press("n")
            page.wait_for_function(
                f"{ON} && document.querySelector('.value').textContent === 'not rated'"
            )
        page.focus("#moment")
        # Up and down again: each press is a new value.
        page.keyboard.press("ArrowRight" if (number // 15) % 2 == 0 else "ArrowLeft")
        time.sleep(MOVE_SECONDS)
    page.wait_for_timeout(500)
    saved = page.evaluate("window.saved")
    return np.array([milliseconds for _, milliseconds, _ in saved]) / 1000, [
        (play, value) for value, _, play in saved
    ]


def missing(home: Path, saved: list[tuple[str, float]]) -> int:
    """Return how many of the values that were said to be saved are not in the database."""
    with sqlite3.connect(home / "ratings.db") as database:
        curves = dict(database.execute("SELECT key, curve FROM ratings").fetchall())
    return sum(
        f", {value:g}]" not in curves.get(play, "").replace(".0]", "]") for play, value in saved
    )


def tell(name: str, seconds: np.ndarray) -> None:
    """Print the quantiles of some times."""
    quantiles = ", ".join(
        f"{share:.0%} {1000 * np.quantile(seconds, share):.0f} ms" for share in (0.5, 0.9, 0.99)
    )
    print(f"{name} ({len(seconds)}): {quantiles}, longest {1000 * seconds.max():.0f} ms")


def weigh(loads: list[Load]) -> None:
    """Print the medians of what pages load."""
    size, sound, requests = (
        np.median(values)
        for values in zip(
            *((one.size(sound=False), one.size(sound=True), one.requests) for one in loads),
            strict=True,
        )
    )
    print(f"page: {size / 1e3:.0f} kB in {requests:.0f} requests; its song: {sound / 1e3:.0f} kB")
    print(
        f"largest layout shift {max(one.shift for one in loads):.3f};"
        f" lines on the console: {sum(len(one.said) for one in loads)}"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moves", type=int, default=400, help="of the slider")
    parser.add_argument("--loads", type=int, default=10, help="of the page")
    options = parser.parse_args()
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        raise SystemExit("Chromium is not installed (Debian: chromium)")
    from playwright.sync_api import sync_playwright

    print(f"{platform.platform()}, {os.cpu_count()} cores")
    home = Path(tempfile.mkdtemp(prefix="web-latency-"))
    server = Server(home)
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=path, args=OPTIONS)
            # the first one compiles the server's own templates
            load_times(browser, server.address, 1)
            seconds, loads = load_times(browser, server.address, options.loads)
            tell("page asked for to page that answers", seconds)
            weigh(loads)
            seconds, saved = saving_times(browser, server.address, options.moves)
            tell("slider moved to rating saved", seconds)
            print(f"of {len(saved)} saved values {missing(home, saved)} are not in the database")
            browser.close()
    finally:
        server.close()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
