"""The page in a real browser: plays, rates with times, follows others, survives a power cut."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import listening
import numpy as np
import pytest
from web_browser import RadioServer, chromium, open_page

from radio.composer import LocalComposer
from radio.home import Home
from radio.ratings import Rating, Ratings
from radio.station import Station

__all__ = ["chromium"]
pytestmark = pytest.mark.slow  # a browser under load waits for longer than a test may
CLOCK = "document.querySelector('.deck audio').currentTime"
PLAYS = f"{CLOCK} > 0.3 && !document.querySelector('.deck audio').paused"
# The middle of a dot that is not the song that is on, and that no other covers.
FREE_DOT = """() => [...document.querySelectorAll(".dot:not(.now)")].map((dot) => {
  const box = dot.getBoundingClientRect(), place = [box.x + box.width / 2, box.y + box.height / 2];
  return document.elementFromPoint(...place) === dot ? place : null;
}).find((place) => place)"""
SONG = (
    "document.querySelector('.seek').disabled === false"
    " && document.querySelector('.song').textContent"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadioServer]:
    """A server whose songs last half a minute."""
    with RadioServer(tmp_path_factory.mktemp("home"), "--beats", "64") as running:
        yield running


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait for a condition and return what it returned."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


def ratings(server: RadioServer) -> list[Rating]:
    database = Ratings(server.home / "ratings.db")
    try:
        return database.of("me", "tiny")
    finally:
        database.close()


@pytest.fixture(autouse=True)
def nothing_rated(server: RadioServer) -> None:
    """One listener is enough for all tests, as each has a learner; what they said is forgotten."""
    database = Ratings(server.home / "ratings.db")
    database.remove_listener("me")
    database.close()


def listen(page: Any) -> None:
    """Wait for a song, press play, and wait until the clock of the audio element moves."""
    page.wait_for_function(SONG)
    page.click(".play")
    page.wait_for_function(PLAYS)


def skip(page: Any, before: str) -> None:
    """Press n, and wait for another song than the one before."""
    page.keyboard.press("n")
    page.wait_for_function(
        f"name => ({SONG}) && document.querySelector('.song').textContent !== name", arg=before
    )


def rate(page: Any, *keys: str) -> None:
    page.focus("#moment")
    for key in keys:
        page.keyboard.press(key)


def test_it_plays_and_ratings_arrive_with_their_times(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        listen(page)
        before = page.evaluate(CLOCK)
        page.wait_for_function(f"{CLOCK} > {before} + 0.5")
        box = page.locator("#moment").bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 2, middle)
        page.mouse.down()
        moments = []
        for share in (0.6, 0.75, 0.9):
            page.mouse.move(box["x"] + share * box["width"], middle)
            moments.append((page.evaluate(CLOCK), float(page.input_value("#moment"))))
            page.wait_for_timeout(400)
        page.mouse.up()
        page.keyboard.press("ArrowLeft")  # the slider has the focus
        moments.append((page.evaluate(CLOCK), float(page.input_value("#moment"))))
        until(
            lambda: [one for one in ratings(server) if one.curve[-1, 1] == moments[-1][1]],
            "the last value is in the database",
        )
        (rating,) = ratings(server)
        assert rating.song == page.inner_text(".song").strip()
        values = [value for _, value in moments]
        assert values == sorted(values[:-1]) + [pytest.approx(values[-2] - 0.05)]
        for seconds, value in moments:
            when = rating.curve[np.isclose(rating.curve[:, 1], value), 0]
            assert len(when) and np.abs(when - seconds).min() < 0.3, (
                f"{value} was said at {seconds:.2f} s: {rating.curve}"
            )
        page.wait_for_function("document.querySelectorAll('.rows:not(.saved) li').length === 1")


def test_the_keyboard_alone_is_enough(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        page.wait_for_function(SONG)
        first = page.inner_text(".song")
        page.keyboard.press("Space")
        page.wait_for_function(PLAYS)
        page.keyboard.press("0")
        page.wait_for_function("document.querySelector('.value').textContent === 'not rated'")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("k")
        page.wait_for_function("document.querySelector('.value').textContent === '+0.20'")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{CLOCK} > 5")
        page.keyboard.press("9")
        skip(page, first)
        until(
            lambda: [one.curve[-1, 1] for one in ratings(server)] == [1.0],
            "what was said of the first song",
        )
        page.keyboard.press("u")
        until(lambda: not ratings(server), "undone")
        names = page.evaluate(
            "[...document.querySelectorAll('button, input, select, a, [role=application]')]"
            ".filter((one) => one.offsetParent || one.type === 'file')"
            ".map((one) => (one.labels?.[0]?.textContent || one.getAttribute('aria-label')"
            " || one.textContent).trim())"
        )
        assert len(names) > 10 and all(names), "everything that can be used says what it is"


def test_the_final_song_plays_and_its_way_is_on_the_map(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        listen(page)
        for key in ("9", "2"):
            name = page.inner_text(".song")
            page.keyboard.press(key)
            skip(page, name)
            page.wait_for_function(PLAYS)
        page.click("text=Final song")
        page.wait_for_selector("text=your final song", timeout=60_000)
        page.wait_for_function(PLAYS)
        assert page.locator("polyline.path").count() >= 2 and page.locator(".final").count() == 1
        page.wait_for_function("document.querySelectorAll('.dot').length >= 3")
        assert list((server.home / "songs").glob("*.json")), "it is saved"
        # A dot that is pressed plays again, as the same play of its song.
        rated = ratings(server)
        page.locator(".dot").first.scroll_into_view_if_needed()
        place = page.evaluate(FREE_DOT)
        assert place, "some dot is not behind another"
        page.mouse.move(*place)
        shown = page.inner_text(".tip")
        page.mouse.click(*place)
        page.wait_for_function(
            "shown => shown.startsWith(document.querySelector('.song').textContent)", arg=shown
        )
        assert len(ratings(server)) == len(rated)


def test_the_history_is_changed_replayed_and_deleted(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        listen(page)
        first = page.inner_text(".song")
        page.keyboard.press("8")
        skip(page, first)
        page.wait_for_selector(".rows:not(.saved) input")
        page.evaluate(
            "one => { one.value = -0.5; one.dispatchEvent(new Event('change')) }",
            page.query_selector(".rows:not(.saved) input"),
        )
        until(lambda: [one.rating for one in ratings(server)] == [-0.5], "changed")
        page.click(".rows:not(.saved) [aria-label^='Play'][aria-label$='again']")
        page.wait_for_function(
            "name => document.querySelector('.song').textContent === name", arg=first
        )
        page.click("[aria-label^='Delete the rating']")
        until(lambda: not ratings(server), "deleted")
        page.wait_for_selector(".rows:not(.saved) li", state="detached")


@pytest.mark.parametrize(("width", "height", "dark"), [(390, 844, True), (1440, 900, False)])
def test_the_layout_fits(
    server: RadioServer, chromium: Any, width: int, height: int, dark: bool
) -> None:
    with open_page(chromium, server, width=width, height=height, dark=dark) as page:
        page.wait_for_function(SONG)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
        for name in (".play", "#moment", ".wave", ".curves"):
            box = page.locator(name).bounding_box()
            assert (
                box["x"] >= 0
                and box["x"] + box["width"] <= width
                and box["height"] >= 44
                and box["y"] + box["height"] <= height
            ), (
                name,
                box,
            )
        beside = (
            page.locator(".panel").first.bounding_box()["x"]
            > page.locator(".play").bounding_box()["x"] + 80
        )
        assert beside == (width == 1440), "the map stands beside the deck where there is room"
        paper = [
            int(part)
            for part in page.evaluate("getComputedStyle(document.body).backgroundColor")[
                4:-1
            ].split(",")
        ]
        assert (max(paper) < 60) == dark, paper


def test_two_browsers_and_a_session_on_one_listener(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as one, open_page(chromium, server, width=390) as other:
        listen(one)
        other.wait_for_selector("text=The sound is in another window")
        assert other.evaluate("document.querySelector('.deck audio').paused"), "one window sounds"
        rate(one, "ArrowRight", "ArrowRight")
        other.wait_for_function("document.querySelector('.value').textContent === '+0.10'")
        rate(other, "ArrowLeft", "ArrowLeft", "ArrowLeft")
        one.wait_for_function("document.querySelector('.value').textContent === '−0.05'")
        until(
            lambda: [round(float(each.curve[-1, 1]), 2) for each in ratings(server)] == [-0.05],
            "one play, one rating",
        )
        home = Home(server.home)
        composer = LocalComposer(
            Station.load(home.station("tiny")), "me", home=home, background=False
        )
        try:
            song = composer.next_song()
            listening.rate(composer, song, 0.7)
            for page in (one, other):
                page.wait_for_function(
                    "document.querySelectorAll('.rows:not(.saved) li').length === 2"
                )
            assert {round(each.rating, 2) for each in composer.journal.history()} >= {0.7} and len(
                composer.journal.history()
            ) == 2
        finally:
            composer.close()
        other.click("text=Listen here")
        other.wait_for_function(PLAYS)
        one.wait_for_function("document.querySelector('.deck audio').paused")


def test_an_order_that_comes_twice_counts_once(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        page.wait_for_function(SONG)
        play = (
            page.evaluate("document.querySelector('.deck audio').src")
            .rpartition("/")[2]
            .removesuffix(".wav")
        )
        command = {
            "id": uuid.uuid4().hex,
            "station": "tiny",
            "listener": "me",
            "page": "f",
            "play": play,
            "action": "slide",
            "points": [[1.5, 0.4], [2.5, 0.6]],
        }
        for _ in range(3):
            assert server.ask("POST", "/do", command) == (200, {"ok": True, "kept": 2})
        (rating,) = ratings(server)
        assert [point for point in rating.curve.tolist() if point[1] == 0.4] == [[1.5, 0.4]]
        for change in (
            {"action": "sing"},
            {"points": []},
            {"points": [[1, 3]]},
            {"points": [[1]]},
            {"play": 7},
            {"points": [[True, 0]]},
            {"id": ""},
        ):
            status, answer = server.ask(
                "POST", "/do", {**command, "id": uuid.uuid4().hex, **change}
            )
            assert status == 400 and answer["line"], change
        assert (
            server.ask("POST", "/do", [])[0] == 400
            and server.ask("POST", "/do", {**command, "listener": "nobody"})[0] == 503
        )
        assert (
            server.ask("GET", "/sound/../../ratings.db")[0] in (400, 404)
            and server.ask("GET", f"/sound/{'0' * 32}.wav")[0] == 404
        )
        status, headers, body = server.request("GET", f"/sound/{play}.wav", {"Range": "bytes=0-3"})
        assert (status, body) == (206, b"RIFF") and headers["content-range"].startswith(
            "bytes 0-3/"
        )


def test_a_reload_resumes_and_a_power_cut_loses_nothing(tmp_path: Path, chromium: Any) -> None:
    with RadioServer(tmp_path, "--beats", "64") as server, open_page(chromium, server) as page:
        listen(page)
        rate(page, "ArrowRight")
        page.evaluate("document.querySelector('.deck audio').currentTime = 6")
        page.wait_for_function(f"{CLOCK} > 7.2")
        name, place = page.inner_text(".song"), page.evaluate(CLOCK)
        page.reload()
        page.wait_for_function(SONG)
        page.wait_for_function(f"{CLOCK} > {place} - 1.5")
        assert page.inner_text(".song") == name and page.inner_text(".value") == "+0.05"
        for _ in range(50):
            if page.evaluate(CLOCK) > place:
                break
            page.wait_for_timeout(100)
        else:  # a browser may want a press first
            page.click(".play")
        page.wait_for_function(f"{CLOCK} > {place}")
        server.kill()
        rate(page, "ArrowRight", "ArrowRight")
        page.wait_for_selector("text=can't be reached")
        assert json.loads(
            page.evaluate(
                "Object.entries(localStorage).find(([key]) => key.startsWith('ai-radio-orders'))[1]"
            )
        )["orders"]
        server.start()
        until(
            lambda: ratings(server)[0].curve[-1, 1] == 0.15,
            "what was said while the server was away",
            90,
        )
        assert len(ratings(server)) == 1
        page.wait_for_function(SONG)
        assert page.inner_text(".song") == name
        assert ratings(server)[0].curve[0, 1] == 0.05, "the curve goes on where it was"
