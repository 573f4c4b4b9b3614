"""What a listener expects of a player: files, a bar in reach, no gaps, a map, keys, access."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from web_browser import RadioServer, chromium, open_page

from radio.web.browser_player import SILENCE_SECONDS

__all__ = ["chromium"]
pytestmark = pytest.mark.slow  # a browser under load waits for longer than a test may
GAP_SECONDS = 0.3
CLOCK = "document.querySelector('.deck audio').currentTime"
WATCH = """() => {
  let end = 0; window.gaps = [];
  document.addEventListener('ended', () => { end = performance.now(); }, true);
  document.addEventListener('playing', ({ target }) => {
    // how long nothing sounded: on a busy machine the event comes later than the sound
    if (end) window.gaps.push((performance.now() - end) / 1000 - target.currentTime);
    end = 0;
  }, true);
}"""
SLOW = """() => {
  const ask = window.fetch;
  window.fetch = async (address, ...more) => {
    if (String(address).endsWith('/do')) await new Promise((go) => setTimeout(go, 1000));
    return ask(address, ...more);
  };
}"""
NEXT_IS_LOADED = """performance.getEntriesByType('resource').some(
  (one) => one.initiatorType === 'fetch' && one.name.includes('/sound/'))"""
NEAR_END = """slider => {
  slider.value = +slider.max - 1.5; slider.dispatchEvent(new Event('input', { bubbles: true }));
}"""
BEGINNING = """slider => {
  slider.value = 0; slider.dispatchEvent(new Event('input', { bubbles: true }));
}"""
COUNT_PAUSES = """() => {
  window.pauses = 0;
  document.addEventListener('pause', ({ target }) => { window.pauses += !target.ended; }, true);
}"""
SMALL = """[...document.querySelectorAll(
  '.radio button, .radio select, .radio a[href], .radio input:not(.unseen)'
)].map((e) => [e.ariaLabel || e.textContent, e.tagName, e.getBoundingClientRect()]).filter(
  ([, tag, box]) => box.width && (box.height < 44 || (tag === 'BUTTON' && box.width < 44))
).map(([name]) => name)"""
LOADED = "(await (await fetch('manifest.webmanifest')).json()).icons.map((icon) => icon.src)"


def listen(page: Any) -> None:
    """Wait for a song, and play it."""
    page.locator(".seek:enabled").wait_for(timeout=60_000)
    page.locator(".buttons .play").click()
    page.wait_for_function("document.querySelector('.deck audio').currentTime > 0.2")


def test_save_downloads_the_song_and_lists_it(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        listen(page)
        name = page.inner_text(".song")
        with page.expect_download() as started:
            page.get_by_role("button", name="Save", exact=True).click()
        file = started.value.path().read_bytes()
        saved = server.home / "songs" / started.value.suggested_filename
        assert file == saved.read_bytes() and file[:4] == b"RIFF"
        row = page.locator(".saved li", has_text=name)
        row.wait_for()
        page.locator(".status").get_by_text(f"Saved {saved.name}", exact=True).wait_for()
        page.locator(".details", has_text="saved").wait_for()
        page.keyboard.press("n")
        page.wait_for_function("n => document.querySelector('.song').textContent !== n", arg=name)
        row.get_by_role("button", name="Play").click()
        page.wait_for_function("n => document.querySelector('.song').textContent === n", arg=name)
        page.on("dialog", lambda dialog: dialog.accept())
        row.get_by_role("button", name="Delete").click()
        row.wait_for(state="detached")
        assert not saved.exists() and not saved.with_suffix(".json").exists()
        for path in ("/saved/none.wav", "/saved/..%2fratings.db", "/cover/none.png"):
            assert server.request("GET", path)[0] in (400, 404)


def test_a_phone_keeps_the_player_in_reach(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server, width=390, height=844, has_touch=True) as page:
        listen(page)
        page.locator(".buttons").scroll_into_view_if_needed()
        page.locator(".mini").wait_for(state="detached")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        bar = page.locator(".mini")
        bar.wait_for()
        box = bar.bounding_box()
        assert box["y"] + box["height"] == pytest.approx(844, abs=1)
        name = page.inner_text(".song")
        assert bar.locator(".name").inner_text() == name
        slider = bar.get_by_role("slider")
        slider.focus()
        before = float(slider.input_value())  # of a song that another test may have rated
        page.keyboard.press("ArrowRight")
        bar.get_by_text(f"{before + 0.05:+.2f}").wait_for()
        bar.get_by_role("button", name="Next song").click()
        page.wait_for_function(
            "n => ![n, ''].includes(document.querySelector('.mini .name').textContent)", arg=name
        )
        small = page.evaluate(SMALL)
        assert small == [], "a finger needs 44 px"


@pytest.mark.timeout(400)  # the search has the lowest priority
def test_no_gap_while_a_final_song_is_searched(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        listen(page)
        page.keyboard.press("9")
        page.locator(".rows li").first.wait_for()
        page.wait_for_function(NEXT_IS_LOADED)  # as it is long before a song of a minute ends
        name = page.inner_text(".song")
        page.evaluate(WATCH)
        page.evaluate(SLOW)  # a machine that is busy answers late
        page.get_by_role("button", name="Final song").click()
        page.get_by_role("button", name="Searching …").wait_for()
        page.locator(".seek").evaluate(NEAR_END)
        page.wait_for_function("window.gaps.length > 0")
        gap = page.evaluate("window.gaps[0]")
        assert gap < GAP_SECONDS, gap
        at, begun = page.evaluate(f"[{CLOCK}, performance.now()]")
        page.wait_for_function("n => document.querySelector('.song').textContent !== n", arg=name)
        page.wait_for_timeout(500)  # in which the sound is the same, and goes on
        later, now = page.evaluate(f"[{CLOCK}, performance.now()]")
        assert later - at == pytest.approx((now - begun) / 1000, abs=0.3)
        page.locator(".details", has_text="your final song").wait_for(timeout=240_000)
        # What is predicted is the same in the title, in the curve and for a screen reader.
        page.locator(".details", has_text="predicted").wait_for()
        shown = page.inner_text(".details .chip:has-text('predicted')").split()[-1]
        assert f"{shown} on average" in page.locator(".curves").get_attribute("aria-label")
        # The search can be cleared, and the map zooms.
        assert page.locator("polyline.path").count() and page.locator("g.final").count()
        page.get_by_role("button", name="Clear search").click()
        page.locator("g.final").wait_for(state="detached")
        assert page.locator("polyline.path").count() == 0
        whole = page.locator(".map svg").first.get_attribute("viewBox").split()
        page.get_by_role("button", name="Zoom in").click()
        near = page.locator(".map svg").first.get_attribute("viewBox").split()
        assert float(near[2]) < float(whole[2])
        icons = page.evaluate(f"(async () => {LOADED})()")
        assert [Path(icon).name for icon in icons] == ["icon-192.png", "icon-512.png"]
        assert all(server.request("GET", f"/{icon}")[2][1:4] == b"PNG" for icon in icons)
        artwork = page.evaluate("navigator.mediaSession.metadata.artwork[0].src")
        assert server.request("GET", artwork.removeprefix(server.address))[2][1:4] == b"PNG"


def test_a_deleted_rating_comes_back_as_it_was(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        listen(page)
        name = page.inner_text(".song")
        page.keyboard.press("7")
        row = page.locator(".rows:not(.saved) li", has_text=name).first
        row.wait_for()
        rows = page.locator(".rows:not(.saved) li").count()
        assert "skipped" not in row.inner_text()
        page.keyboard.press("n")
        page.wait_for_function("n => document.querySelector('.song').textContent !== n", arg=name)
        row.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Undo delete").click()
        page.locator(".rows:not(.saved) li", has_text=name).first.wait_for()
        assert page.locator(".rows:not(.saved) li").count() == rows
        page.locator(".rows output", has_text="+0.50").first.wait_for()


def test_the_keys_are_listed(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server) as page:
        page.locator(".seek:enabled").wait_for(timeout=60_000)
        page.keyboard.press("?")
        page.get_by_role("dialog").get_by_text("undo the last rating").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        page.keyboard.press("h")
        page.wait_for_function("document.activeElement.id === 'history-title'")
        page.keyboard.press("t")
        assert page.evaluate("document.activeElement.labels[0].textContent").startswith("Station")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_violation(server: RadioServer, chromium: Any, dark: bool) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the extra `test`")
    with open_page(chromium, server, width=390, dark=dark) as page:
        listen(page)
        page.keyboard.press("8")
        page.get_by_role("button", name="Save", exact=True).click()
        page.locator(".saved li").first.wait_for()
        for opened in (False, True):
            if opened:
                page.keyboard.press("?")
                page.evaluate("scrollTo(0, document.body.scrollHeight)")
                page.locator(".mini").wait_for()
            found = axe.Axe().run(page).response["violations"]
            places = [(one["id"], [node["html"][:90] for node in one["nodes"]]) for one in found]
            assert places == []


def test_a_link_plays_a_shared_song(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server, permissions=["clipboard-read", "clipboard-write"]) as page:
        listen(page)
        name = page.inner_text(".song")
        page.get_by_role("button", name="Share").click()
        page.get_by_role("button", name="Copied").wait_for()
        link = page.evaluate("navigator.clipboard.readText()")
        page.keyboard.press("n")
        page.wait_for_function("n => document.querySelector('.song').textContent !== n", arg=name)
        page.goto(link)
        page.wait_for_function("n => document.querySelector('.song')?.textContent === n", arg=name)
        assert "play=" not in page.url
        page.goto(link[:-3])
        page.get_by_role("status").filter(has_text="mistyped").wait_for()


def test_a_page_that_was_cut_off_plays_on(server: RadioServer, chromium: Any) -> None:
    """Without a network for longer than the session waits, then frozen as long."""
    long = 1000 * (SILENCE_SECONDS + 1.5)
    sounds = "[...document.querySelectorAll('.deck audio')].some((one) => !one.paused)"
    alike = f"({sounds}) === (document.querySelector('.play').ariaLabel === 'Pause')"
    with open_page(chromium, server) as page:
        listen(page)
        page.locator(".seek").evaluate(BEGINNING)  # so that it does not end while it is cut off
        page.evaluate(COUNT_PAUSES)
        page.context.set_offline(True)
        page.wait_for_timeout(long)
        page.context.set_offline(False)
        for _ in range(2):  # at once, and when the session has noticed
            page.wait_for_function(f"{sounds} && {alike}")
            page.wait_for_timeout(3000)
        assert page.evaluate("window.pauses") == 0

        cdp = page.context.new_cdp_session(page)
        cdp.send("Page.setWebLifecycleState", {"state": "frozen"})
        page.wait_for_timeout(long)
        cdp.send("Page.setWebLifecycleState", {"state": "active"})
        page.wait_for_timeout(3000)
        page.wait_for_function(alike)
        before = page.evaluate(sounds)
        page.locator(".buttons .play").click()
        page.wait_for_function(f"({sounds}) !== {str(before).lower()} && {alike}")


def test_a_page_that_slept_comes_back(server: RadioServer, chromium: Any) -> None:
    record = """const Socket = WebSocket; window.sockets = [];
    window.WebSocket = class extends Socket {
      constructor(...all) { super(...all); sockets.push(this); }
    };"""
    connected = "n => sockets.length === n && sockets[n - 1].readyState === WebSocket.OPEN"
    with open_page(chromium, server) as page:
        page.add_init_script(record)
        page.reload()
        listen(page)
        assert page.evaluate("sockets.length") == 1
        page.evaluate("sockets[0].close()")
        page.wait_for_function(connected, arg=2)
        # A connection that is dead, but was never closed: nothing has come over it for long.
        page.evaluate(
            "const now = performance.now.bind(performance); performance.now = () => now() + 60000"
        )
        page.evaluate("dispatchEvent(new Event('focus'))")
        page.wait_for_function(connected, arg=3)
        assert page.evaluate("sockets.map((one) => one.readyState > 1)") == [True, True, False]
        page.evaluate("delete performance.now")
        page.locator(".seek:enabled").wait_for()
        name = page.inner_text(".song")
        page.keyboard.press("n")
        page.wait_for_function("n => document.querySelector('.song').textContent !== n", arg=name)
