"""The page on a phone, by keyboard alone, for a screen reader, and in the dark."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest
from web_browser import RadioServer, chromium, open_page

__all__ = ["chromium"]
pytestmark = pytest.mark.slow  # a browser under load waits for longer than a test may
SIZES = [(390, 844), (1440, 900)]
# How far the text of an element and what lies behind it differ, by WCAG 2's formula; backgrounds
# are those of the nearest that has one.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas"); canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(linear);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const found = parts(getComputedStyle(e).backgroundColor);
      if (found[3] > 250) return found;
    }
    return [255, 255, 255, 255];
  };
  return [...document.querySelectorAll(".radio *")].filter(
    (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
      && e.getClientRects().length && !e.disabled).map((e) => {
    const a = light(parts(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return [e.textContent.trim().slice(0, 40), Math.round(100 * ratio) / 100];
  });
}"""


def ready(page: Any) -> None:
    """Wait until a song is there."""
    page.locator(".seek:enabled").wait_for(timeout=60_000)


def until(happened: Callable[[], Any], page: Any, seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        page.wait_for_timeout(50)
    pytest.fail("it did not happen")


def ratings(server: RadioServer) -> list[tuple[str, float]]:
    with sqlite3.connect(f"file:{server.home}/ratings.db?mode=ro", uri=True) as database:
        return database.execute(
            "SELECT song, rating FROM ratings WHERE weight = 1 OR weight = 1.0"
        ).fetchall()


@pytest.mark.parametrize("width, height", SIZES)
def test_nothing_overflows(server: RadioServer, chromium: Any, width: int, height: int) -> None:
    with open_page(chromium, server, width=width, height=height, has_touch=width < 600) as page:
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = page.evaluate(
            "[...document.querySelectorAll('.radio *')].filter((e) => e.getClientRects().length)"
            ".map((e) => [e.tagName + '.' + (e.className.baseVal ?? e.className),"
            " e.getBoundingClientRect().left, e.getBoundingClientRect().right])"
        )
        assert len(boxes) > 50
        assert [box for box in boxes if box[1] < -1 or box[2] > width + 1] == []
        # What is pressed by a finger is at least as large as WCAG 2.2 asks for (2.5.8).
        small = page.evaluate(
            "[...document.querySelectorAll('.radio button, .radio select, .radio a[href]')]"
            ".map((e) => [e.ariaLabel || e.textContent, e.getBoundingClientRect()])"
            ".filter(([, box]) => box.width && (box.width < 24 || box.height < 24))"
            ".map(([name]) => name)"
        )
        assert small == []


@pytest.mark.parametrize("width, height", SIZES)
def test_every_control_has_a_name(
    server: RadioServer, chromium: Any, width: int, height: int
) -> None:
    """The names are those that the browser hands to a screen reader."""
    with open_page(chromium, server, width=width, height=height) as page:
        ready(page)
        client = page.context.new_cdp_session(page)
        nodes = client.send("Accessibility.getFullAXTree")["nodes"]
        roles = {
            "button",
            "link",
            "slider",
            "combobox",
            "textbox",
            "spinbutton",
            "application",
            "image",
            "img",
            "region",
            "progressbar",
        }
        found = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]
        controls = [
            (role, name)
            for role, name in found
            if role in roles and not (role in ("image", "img") and not name)
        ]
        assert len(controls) > 12
        assert [role for role, name in controls if not name.strip()] == []
        assert {
            "Play",
            "Next song",
            "Undo",
            "Save",
            "Volume",
            "Station",
            "Listener",
            "Final song",
        } <= {name for _, name in controls}
        assert [role for role, _ in found].count("main") == 1 and [role for role, _ in found].count(
            "heading"
        ) >= 5
        assert page.evaluate("document.documentElement.lang").startswith("en")


def test_a_keyboard_alone_is_enough(server: RadioServer, chromium: Any) -> None:
    """Play, rate, skip and undo; Tab reaches every control, and shows where it is."""
    with open_page(chromium, server) as page:
        ready(page)
        page.keyboard.press(" ")
        until(lambda: page.evaluate("document.querySelector('audio').currentTime") > 0.2, page)
        rated = page.locator("h2.song").inner_text()  # it may be, by another test
        page.keyboard.press("n")
        until(lambda: page.locator("h2.song").inner_text() not in ("", rated), page)
        page.locator(".play[aria-label=Pause]").wait_for()
        song = page.locator("h2.song").inner_text()
        before = len(ratings(server))
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        page.get_by_role("status").filter(has_text="+0.20").first.wait_for()
        page.keyboard.press("n")
        until(lambda: page.locator("h2.song").inner_text() != song, page)
        assert (
            until(lambda: len(ratings(server)) == before + 1 and ratings(server)[-1], page)[0]
            == song
        )
        page.keyboard.press("u")
        until(lambda: len(ratings(server)) == before, page)
        # the next song sounds; while it is made, the button would play it
        page.locator(".play[aria-label=Pause]").wait_for()
        page.keyboard.press(" ")
        until(lambda: page.evaluate("document.querySelector('audio').paused"), page)
        page.locator(".play[aria-label=Play]").wait_for()

        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            here = page.evaluate(
                "(() => { const e = document.activeElement;"
                "const seen = (one) => one && getComputedStyle(one).outlineStyle !== 'none';"
                "const label = e.ariaLabel || e.labels?.[0]?.textContent || e.textContent;"
                "return [label || e.tagName, e.tagName,"
                "seen(e) || e.type === 'file' && seen(e.closest('label')) "
                "|| e.matches('.seek') && seen(document.querySelector('.wave'))]; })()"
            )
            if here[1] == "BODY":
                break
            assert here[2], here
            reached.add(here[0].strip())
        # nothing has gone on to play in the meantime, which would be another name of the button
        page.locator(".play[aria-label=Play]").wait_for()
        expected = {
            "Play",
            "Next song",
            "Previous song",
            "Undo",
            "Save",
            "Volume",
            "Final song",
            "Position in the song",
        }
        assert expected <= reached, expected - reached
        assert any("Drop music here" in name for name in reached)


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_in_the_light_and_in_the_dark(
    server: RadioServer, chromium: Any, dark: bool
) -> None:
    with open_page(chromium, server, dark=dark) as page:
        ready(page)
        red, green, blue = page.evaluate(
            "(() => { const page = document.querySelector('.radio'); "
            "for (const e of [page, document.body, document.documentElement]) { "
            "const c = getComputedStyle(e).backgroundColor; "
            "if (!/, 0\\)$/.test(c)) return c.match(/[\\d.]+/g).slice(0, 3).map(Number); } "
            "return [255, 255, 255]; })()"
        )
        assert (red + green + blue) / 3 < 60 if dark else (red + green + blue) / 3 > 200
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 12
        assert [one for one in contrasts if one[1] < 4.5] == []


def test_nothing_moves_for_those_who_asked_for_that(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server, reduced_motion="reduce") as page:
        ready(page)
        endless = "(a) => a.playState === 'running' && a.effect.getTiming().iterations === Infinity"
        assert page.evaluate(f"document.getAnimations().filter({endless}).length") == 0
