"""The page in a second engine: plays, rates, skips, by mouse and keyboard, and fits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from firefox import Firefox
from web_browser import RadioServer

pytestmark = pytest.mark.slow  # the browser alone takes seconds to start
AUDIO = "document.querySelector('.deck audio')"
SONG = "document.querySelector('.song').textContent"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with Firefox(tmp_path_factory.mktemp("profile")) as running:
        yield running


def test_it_plays_rates_and_skips(server: RadioServer, firefox: Firefox) -> None:
    firefox.open(server.address)
    firefox.until("document.querySelector('.seek')?.disabled === false")
    firefox.click(".play")
    firefox.until(f"{AUDIO}.currentTime > 0.3 && !{AUDIO}.paused")
    first = firefox.evaluate(SONG)
    firefox.press("8")
    firefox.until("document.querySelector('.value').textContent === '+0.75'")
    firefox.press("n")
    firefox.until(f"{SONG} !== {first!r} && {AUDIO}.currentTime > 0.1 && !{AUDIO}.paused")
    firefox.until("document.querySelectorAll('.rows:not(.saved) li').length > 0")
    firefox.click(".play")
    firefox.until(f"{AUDIO}.paused")
    with sqlite3.connect(f"file:{server.home}/ratings.db?mode=ro", uri=True) as database:
        rows = dict(database.execute("SELECT song, rating FROM ratings").fetchall())
    assert rows[first] == pytest.approx(0.75, abs=0.05)
    firefox.press("?")
    firefox.until("document.querySelector('dialog').open")
    assert firefox.said == []


def test_a_drag_chooses_a_part_and_nothing_overflows(server: RadioServer, firefox: Firefox) -> None:
    firefox.open(server.address)
    firefox.until("document.querySelector('.seek')?.disabled === false")
    assert firefox.evaluate("document.documentElement.scrollWidth <= innerWidth")
    outside = firefox.evaluate(
        "[...document.querySelectorAll('.radio *')].filter((one) => one.getClientRects().length)"
        ".filter((one) => one.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert outside == 0
    x, y, width = firefox.evaluate(
        "(({ x, y, width, height }) => [x, y + height / 2, width])"
        "(document.querySelector('.wave').getBoundingClientRect())"
    )
    places = [{"type": "pointerMove", "x": round(x + s * width), "y": round(y)} for s in (0.2, 0.5)]
    down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
    firefox.act({"type": "pointer", "id": "mouse", "actions": [places[0], down, places[1], up]})
    firefox.until("document.querySelector('.mend').textContent.includes('Mend this part')")
    assert firefox.said == []
