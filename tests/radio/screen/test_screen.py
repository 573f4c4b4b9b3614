"""The screen: its parts as functions of a view, and real keys and mouse through Textual's Pilot."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_session import FakeComposer, FakeSession
from rich.style import Style
from textual import events
from textual.pilot import Pilot

from audio_parsing.playback import SilentDevice
from radio.composer import AdapterChanged
from radio.errors import UsageError
from radio.home import ACTIONS, Settings
from radio.ratings import Judged
from radio.screen import app as app_module, curves, keys, panels, slider, words
from radio.screen.app import RadioApp
from radio.screen.explanation import explanation
from radio.screen.side import side
from radio.session import View
from radio.session.view import agreement
from radio.taste import Insight

VIEW = View(
    3,
    "Amber Harbor",
    "D minor, 96 bpm",
    11.4,
    31.0,
    False,
    0.6,
    14,
    (0.42, 0.2),
    0.8,
    "",
    False,
    curve=np.array([[3.0, 0.2], [8.0, 0.6], [11.4, 0.6]]),
    predicted=np.linspace(-0.2, 0.9, 256),
    taste=np.linspace(-0.2, 0.9, 256),
    critic=np.linspace(0.3, -0.1, 256),
    device="Loudspeaker",
    underruns=0,
    queue=2,
    batches=13,
    judged=(
        Judged("Amber Harbor", 0.42, 0.6),
        Judged("Blue Bay", -0.1, -0.4),
        Judged("First Song", None, 0.1),
    ),
    agreement=0.93,
)


class Screened:
    """A screen over a programme of fake songs, on a clock that is turned by hand."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.now = 0.0
        self.composer = FakeComposer()
        self.journal = self.composer.journal
        self.app = RadioApp(self._open, settings or Settings(), title="starter / me")

    def _open(self, say: Callable[[str], None]) -> FakeSession:
        return FakeSession(SilentDevice(lambda: self.now), say=say, composer=self.composer)

    @property
    def view(self) -> View:
        return self.app.session.view()

    def shown(self, part: str = "") -> str:
        """Return what the screen, or a part of it, shows."""
        if part:
            return self.app.player.query_one(f"#{part}").render().plain  # type: ignore[union-attr]
        lines = [strip.text for strip in self.app.screen._compositor.render_strips()]
        return "\n".join(lines)

    def play(
        self, act: Callable[[Pilot[Any]], Awaitable[None]], size: tuple[int, int] = (80, 24)
    ) -> None:
        async def run() -> None:
            async with self.app.run_test(size=size) as pilot:
                await pilot.pause()
                await act(pilot)

        try:
            asyncio.run(run())
        finally:
            self.app.session.finish()


def test_every_key_of_the_issue_does_what_it_says() -> None:
    screened = Screened()

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("up", "k", "up", "down")
        assert screened.view.slider == 0.2 and "+0.20" in screened.shown("slider")
        await pilot.press("j", "j", "j")
        assert screened.view.slider == pytest.approx(-0.1)
        for digit in "123456789":
            await pilot.press(digit)
            assert screened.view.slider == pytest.approx((int(digit) - 5) / 4)
        await pilot.press("0")
        assert screened.view.slider is None and "unrated" in screened.shown("slider")
        await pilot.press("minus", "minus", "plus")
        assert screened.view.volume == pytest.approx(0.75) and "volume 75" not in screened.shown(
            "header"
        ), "there is no device"
        await pilot.press("right")
        assert screened.view.position == pytest.approx(5)
        await pilot.press("left", "left")
        assert screened.view.position == 0
        await pilot.press("space")
        assert screened.view.paused and "paused" in screened.shown("header")
        await pilot.press("space", "9", "n")
        screened.app.advance()
        assert screened.view.name == "Song 2" and screened.journal.ratings == [
            ("Song 1", 1.0, True)
        ]
        await pilot.press("p")
        assert screened.view.name == "Song 1"
        assert ("Song 1", 1.0, True) in screened.journal.ratings, (
            "going back says nothing of either song"
        )
        await pilot.press("3", "n")
        screened.app.advance()
        assert (
            screened.view.name == "Song 2" and ("Song 1", -0.5, False) in screened.journal.ratings
        )
        await pilot.press("u", "s")
        assert "✓ saved" in screened.shown("song")
        assert "Song 1" not in [
            name for name, _, _ in screened.journal.ratings
        ] and screened.composer.saved == ["Song 2"]
        assert "Saved /songs/Song 2.wav" in screened.shown("lines")
        before = screened.app.player.visualiser.kind
        await pilot.press("v")
        assert screened.app.player.visualiser.kind != before
        await pilot.press("q")
        assert not screened.app.is_running or screened.app.return_value == 0

    screened.play(act)


def test_the_mouse_drags_the_slider_and_points_at_a_time() -> None:
    screened = Screened()

    async def act(pilot: Pilot[Any]) -> None:
        start, places = len(slider.dislike(80)), slider.track_places(80)
        await pilot.mouse_down("#slider", offset=(start, 0))
        assert screened.view.slider == -1.0
        await pilot.hover("#slider", offset=(start + places - 1, 0))
        assert screened.view.slider == 1.0
        await pilot.mouse_up("#slider", offset=(start + places - 1, 0))
        await pilot.hover("#slider", offset=(start, 0))
        assert screened.view.slider == 1.0, "nothing is dragged when the button is up"
        first, count = panels.columns(80)
        await pilot.click("#progress", offset=(first + count // 2, 0))
        assert screened.view.position == pytest.approx(5, abs=0.2)
        screened.app.player.query_one("#slider").post_message(wheel(events.MouseScrollDown))
        await pilot.pause()
        assert screened.view.slider == 0.9
        screened.app.player.query_one("#slider").post_message(wheel(events.MouseScrollUp))
        await pilot.pause()
        assert screened.view.slider == 1.0
        save = screened.shown("footer").index("save")
        await pilot.click("#footer", offset=(save, 0))
        assert screened.composer.saved == ["Song 1"]

    screened.play(act)


def wheel(kind: type[events.MouseEvent]) -> events.MouseEvent:
    """An event of the wheel."""
    return kind(None, 0, 0, 0, 0, 0, shift=False, meta=False, ctrl=False)


def test_history_changes_deletes_and_plays_again() -> None:
    screened = Screened()
    screened.journal.ratings = [("First", 0.5, False), ("Second", -0.5, False)]

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("h")
        await pilot.pause()
        assert "Second" in screened.shown() and "-0.50" in screened.shown()
        await pilot.press("plus")
        assert screened.journal.ratings[1] == ("Second", -0.4, False), "the latest is on top"
        await pilot.press("9", "down", "x")
        assert screened.journal.ratings == [("Second", 1.0, False)]
        await pilot.press("enter")
        while screened.view.name != "Second":
            await asyncio.sleep(0.01)
            screened.app.advance()
        assert screened.composer.replayed == ["Second"]
        await pilot.press("n")
        assert ("Second", 1.0, False) in screened.journal.ratings, (
            "played again and untouched: the rating stays"
        )

    screened.play(act)


def test_windows_open_and_close() -> None:
    screened = Screened()
    screened.composer.known["Song 1"] = Insight(
        np.linspace(-1, 1, 40), np.linspace(-1, 1, 40), np.linspace(1, -1, 40)
    )

    async def act(pilot: Pilot[Any]) -> None:
        for key, text in (
            ("?", "set the slider, -1 to +1"),
            ("e", "Your taste"),
            ("h", "Dusk"),
            ("o", "0 songs in"),
            ("d", "System default"),
        ):
            screened.journal.ratings = [("Dusk", 0.5, False)]
            await pilot.press(key)
            await pilot.pause()
            assert text in screened.shown(), key
            await pilot.press(key if key != "d" else "escape")
            await pilot.pause()
            assert screened.app.screen is screened.app.player, key
        await pilot.press("9")
        assert screened.view.slider == 1.0, "keys go to the player again"

    screened.play(act)


def test_a_device_is_chosen_with_d(monkeypatch: pytest.MonkeyPatch) -> None:
    screened = Screened()
    opened: list[str | None] = []
    other = SilentDevice(lambda: screened.now)
    monkeypatch.setattr(app_module, "output_devices", lambda again: ["Loudspeaker", "Headphones"])
    monkeypatch.setattr(
        "radio.session.playback.open_player", lambda name: (opened.append(name), (other, None))[1]
    )

    async def act(pilot: Pilot[Any]) -> None:
        screened.now = 3.0
        await pilot.press("minus", "d")
        await pilot.pause()
        assert "Headphones" in screened.shown()
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        assert opened == ["Headphones"] and screened.app.session.playback.player is other
        assert screened.view.position == pytest.approx(3) and screened.view.volume == pytest.approx(
            0.75
        )

    screened.play(act)


def test_the_final_song_shows_its_progress() -> None:
    screened = Screened()
    screened.composer.may_end.clear()

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("9", "f")
        while screened.view.final is None:
            await asyncio.sleep(0.01)
        screened.app.show()
        assert "10 %  predicted so far +0.25" in screened.shown("learning")
        screened.composer.may_end.set()
        while screened.view.name != "Final Song":
            await asyncio.sleep(0.01)
            screened.app.advance()
        assert "Your final song is Final Song" in screened.shown("lines")

    screened.play(act)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (200, 60), (60, 20), (20, 5)])
def test_it_fits_any_size_and_resizes(size: tuple[int, int]) -> None:
    screened = Screened()

    async def act(pilot: Pilot[Any]) -> None:
        for width, height in (size, (80, 24), size):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            lines = screened.shown().splitlines()
            assert len(lines) == height and all(len(line) <= width for line in lines)
            if width >= 80:
                for text in (
                    "AI Radio",
                    "Song 1",
                    "0:00",
                    "0:10",
                    "you",
                    "radio",
                    "no prediction",
                    "dislike",
                    "love",
                    "q quit",
                    "? help",
                ):
                    assert text in screened.shown(), (text, width)

    screened.play(act, size)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    def colours(screened: Screened) -> set[str]:
        found: set[str] = set()

        async def act(pilot: Pilot[Any]) -> None:
            await pilot.press("9")
            await pilot.pause()
            for strip in screened.app.screen._compositor.render_strips():
                if screened.app.no_color:
                    strip = strip.apply_filter(
                        screened.app._filters[-1], screened.app.screen.background_colors[1]
                    )
                for segment in strip:
                    style = segment.style
                    if (
                        style is not None
                        and style.color is not None
                        and style.color.name != "default"
                    ):
                        found.add(style.color.name)

        screened.play(act)
        return found

    assert colours(Screened())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours(Screened())


def test_remapped_keys_are_used_and_shown() -> None:
    keys = {**Settings().keys, "l": "next", "x": "final"}
    del keys["n"], keys["f"]
    screened = Screened(Settings(keys))

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("n")
        screened.app.advance()
        assert screened.view.name == "Song 1"
        await pilot.press("l")
        screened.app.advance()
        assert screened.view.name == "Song 2"
        assert "l next" in screened.shown("footer") and "x final song" in screened.shown("footer")

    screened.play(act)


def test_the_parts_say_what_there_is() -> None:
    assert "volume 80" in panels.header(VIEW, 80, title="starter / me").plain
    opening = replace(VIEW, opening=("compiling kernels", 27, 53))
    assert "compiling kernels ━━━━━───── 27 of 53" in panels.header(opening, 80, title="t").plain
    assert "compiling kernels 27 of 53" in panels.header(opening, 50, title="t").plain
    assert "sleep in 2 min" in panels.header(replace(VIEW, sleep=90), 80, title="t").plain
    assert "predicted +0.42 ± 0.2" in panels.now_playing(VIEW, 80).plain
    named = panels.now_playing(replace(VIEW, final_song=True, saved=True), 90).plain
    assert "your final song   ✓ saved" in named
    both = replace(VIEW, details="A major / F# minor, 141 bpm")
    assert "A major / F# minor, 141 bpm  " in panels.now_playing(both, 80).plain
    assert "  A major, 141 bpm  " in panels.now_playing(both, 64).plain
    assert "   141 bpm  " in panels.now_playing(both, 57).plain
    above, below = panels.now_playing(replace(both, final_song=True), 60, 2).plain.split("\n")
    assert below == "   A major / F# minor, 141 bpm" and above.rstrip().endswith("+0.42 ± 0.2")
    assert "+1.00" in panels.now_playing(replace(VIEW, expected=(1.66, 0.3)), 80).plain, (
        "no rating is beyond the ends of the slider"
    )
    bar = panels.progress(VIEW, 80).plain
    assert bar.startswith("   0:11  ━") and bar.endswith("─  0:31 ")
    assert (
        "it knows you a little: 14 of about 15 songs"
        in panels.learning(VIEW, 80, 6, settings=Settings()).plain
    )
    few = panels.learning(VIEW, 40, 2, settings=Settings()).plain
    assert "about 15 songs" in " ".join(few.split()) and "guesses" not in few, "all of it or none"
    new = replace(VIEW, rated=0, slider=None)
    assert "press 1 to 9" in panels.learning(new, 80, 2, settings=Settings()).plain
    rated = panels.recent(VIEW, 80, 6).plain
    assert "Blue Bay" in rated and "you -0.40   predicted -0.10" in rated
    skipped = panels.recent(replace(VIEW, judged=(Judged("Dusk", 0.1, -0.3, True),)), 80, 6).plain
    assert "skipped" in skipped and "-0.30" not in skipped
    explained = explanation(VIEW, 72).plain
    assert "Your taste" in explained and "training music" in explained
    assert "0:29  raises it" in explained and "adapted" not in explained
    causes = np.zeros((len(VIEW.taste), 5, 2))
    causes[:, 0], causes[:, 1] = [9, 1], [8, -1]
    explained = explanation(replace(VIEW, causes=causes), 72).plain
    assert "0:29  raises it: fast notes, dark +" in explained
    assert explained.count("dark") == explained.count("raises it: ")
    narrow = explanation(replace(VIEW, causes=causes), 34).plain.splitlines()
    assert any(line.startswith("  0:29  fast notes, dark +") for line in narrow)
    assert all(len(line) <= 34 for line in narrow if ":" in line[:4])
    assert (
        "adapted to 30 ratings of yours: that raised"
        in explanation(replace(VIEW, adapter=(30, 0.21)), 100).plain
    )


def test_the_right_half_says_what_is_known_and_what_comes() -> None:
    offers = (
        ("Sea Wood", (0.4, 0.1), ""),
        ("Oak Pier", (0.1, 0.6), ""),
        ("Late Bay", None, ""),
    )
    wished = (("Sea Wood", (0.4, 0.1), "more like Oak Pier"),)
    assert "+0.40  more like Oak Pier\n" in side(replace(VIEW, upcoming=wished), 60, 30).plain
    text = side(replace(VIEW, upcoming=offers, adapter=(20, 0.2)), 60, 30).plain
    for words_ in (
        "14 of about 15 songs",
        "+0.20 more to your taste",
        "Sea Wood             +0.40  you should like it",
        "Oak Pier             +0.10  to learn what you like",
        "by chance, to know you",
        "Blue Bay",
    ):
        assert words_ in text
    assert "is being composed" in side(VIEW, 60, 30).plain
    assert words.accuracy((Judged("x", 0.5, 0.3),) * 4) == (
        "its last 4 guesses were off by 0.2 on average"
    )
    assert not words.accuracy((Judged("x", 0.5, 0.3), Judged("y", None, 0.1)) * 2)


@pytest.mark.parametrize("width", [30, 34, 72])
def test_the_help_fits_any_width(width: int) -> None:
    text = keys.help_text(Settings(), width).plain
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for action, (_, what) in ACTIONS.items():
        shared = [action, *keys.TOGETHER, *(second for second, _ in keys.TOGETHER.values())]
        if not action.startswith("rate") and width > 45 and shared.count(action) == 1:
            assert what in text
    assert all(what in text for _, what in keys.TOGETHER.values()) or width <= 45
    # of 24 rows the window's frame and title take four
    assert len(text.splitlines()) <= 20 or width < 72


def test_bar_and_curves_share_their_columns() -> None:
    """Half-way through a song the curve that is drawn ends under the head of the bar."""
    view = replace(VIEW, position=15.5, curve=np.array([[0.0, 0.9], [15.5, 0.9]]))
    for width in (40, 57, 80, 133):
        bar = panels.progress(view, width).plain
        mine = panels.curve_lines(view, width, 4).plain.split("\n")[0]
        assert abs(bar.index("╸") - max(mine.rfind(block) for block in "▅▆▇█")) <= 1
        first, count = panels.columns(width)
        assert {len(line) for line in panels.curve_lines(view, width, 4).plain.split("\n")} == {
            first + count
        }
        assert panels.progress_at(bar.index("╸"), width) == pytest.approx(0.5, abs=1 / count)


def test_what_waits_for_the_listener_is_said_with_their_keys() -> None:
    def said(width: int, rows: int, **facts: Any) -> str:
        view = replace(VIEW, **facts)
        return " ".join(panels.learning(view, width, rows, settings=settings).plain.split())

    settings = Settings(keys={**Settings().keys, "M": "mend", "r": "pause", "R": "discard"})
    offer = "Old, then new: y keeps the new one, R the old one, m plays both again."
    for width in (40, 56, 80):
        assert said(width, 2, mended={"start": 2.0}) == offer
        assert said(width, 2, mending=True).endswith("a while; R gives it up.")
    assert said(40, 2, rated=0, slider=None).endswith("After a few …"), "what is cut says so"
    # from the request on, with all of the predicted rating
    assert said(80, 2, searching=True).endswith("─ 0 %")
    for width in (40, 56, 57, 78, 80, 133):
        found = said(width, 2, searching=True, final=(3, 30, 0.2, 7.0))
        assert found.endswith("+0.20") and "━" in found and "10 %" in found


def test_messages_are_shown_as_a_whole() -> None:
    said = ["one " * 30, "short", "two " * 12]
    assert panels.lines(said, 40, 3).plain.split() == ["short", *["two"] * 12]
    assert "one" not in panels.lines(said, 40, 5).plain and "one" in panels.lines(said, 40, 9).plain
    cut = panels.lines(said[:1], 40, 2).plain
    assert cut.endswith(" …") and len(cut.split("\n")) == 2


def test_of_a_path_that_is_too_long_the_end_is_shown() -> None:
    said = ["Saved /home/somebody/far/away/songs/amber-sail-8882.wav"]
    for width in (24, 40, 50):
        shown = panels.lines(said, width, 1).plain.strip()
        assert (
            shown.startswith("Saved …") and shown.endswith("8882.wav") and len(shown) == width - 4
        )
    assert panels.lines(said, 80, 1).plain.strip() == said[0]
    assert panels.lines(said, 55, 2).plain.split() == said[0].split()  # a line of its own


@pytest.mark.parametrize("width", [1, 5, 20, 40, 80, 133, 400])
def test_no_part_is_wider_than_the_screen(width: int) -> None:
    untouched = replace(
        VIEW,
        slider=None,
        expected=None,
        paused=True,
        curve=np.zeros((0, 2)),
        predicted=np.zeros(0),
        duration=0.0,
    )
    for view in (
        VIEW,
        untouched,
        replace(VIEW, searching=True, final=(3, 30, 0.2, 7.0)),
        replace(VIEW, position=31.0),
    ):
        for text in (panels.header(view, width, title="t"), panels.now_playing(view, width)):
            assert text.cell_len <= max(width, 8)
        if width >= 40:
            for text in (
                panels.progress(view, width),
                panels.curve_lines(view, width, 4),
                slider.slider_line(view, width),
            ):
                assert max(line.cell_len for line in text.split()) <= width
        panels.learning(view, width, 4, settings=Settings()), keys.footer(Settings(), width)
        explanation(view, width), side(view, width, 9), panels.recent(view, width, 0)


def test_the_spectrum_shows_the_tone_that_is_heard() -> None:
    seconds = np.arange(44100) / 22050
    tone = (0.5 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
    levels = curves.spectrum(tone, 22050, 1.0, 60)
    edges = np.geomspace(curves.LOWEST, curves.HIGHEST, 61)
    assert edges[levels.argmax()] * 0.9 < 440 < edges[levels.argmax() + 1] * 1.1
    assert levels[levels.argmax() + 10] < 0.5 < levels.max()
    assert not curves.spectrum(np.zeros(44100, np.float32), 22050, 1.0, 60).any()
    assert (
        not curves.spectrum(tone, 22050, 99.0, 60).any()
        and curves.spectrum(tone, 22050, 0.0, 0).size == 0
    )


def test_a_waveform_is_centred_on_the_moment() -> None:
    samples = np.zeros(22050 * 10, np.float32)
    samples[22050 * 5] = 0.7
    levels = curves.waveform(samples, 22050, 5.0, 41)
    assert levels.argmax() == 20 and levels.max() == pytest.approx(0.7)
    assert curves.waveform(samples, 22050, 0.0, 7).size == 7


def test_bars_and_curves_are_drawn_as_numbers_say() -> None:
    assert curves.bars(np.array([0, 0.5, 1]), 1) == [" ▄█"]
    assert curves.bars(np.array([0, 0.5, 0.75, 1]), 2) == ["  ▄█", " ███"]
    above, below = curves.rating_cells(np.array([-1, -0.5, 0, 0.5, 1, np.nan]), 1)
    assert "".join(glyph for glyph, _ in above) == "▁▁▁▄█▁"
    assert "".join(glyph for glyph, _ in below) == "█▄    "
    assert [style for _, style in above] == [
        "unknown",
        "unknown",
        "zero",
        "good",
        "good",
        "unknown",
    ]
    assert [style for _, style in below[:2]] == ["bad", "below"]
    drawn = curves.drawn(np.array([[2.0, 0.5], [6.0, -0.5]]), 10.0, 8.0, 10)
    np.testing.assert_array_equal(
        drawn, [np.nan, np.nan, 0.5, 0.5, 0.5, 0.5, -0.5, -0.5, np.nan, np.nan]
    )
    assert np.isnan(curves.drawn(np.zeros((0, 2)), 10.0, 8.0, 4)).all()
    np.testing.assert_allclose(curves.resampled(np.arange(8.0), 4), [0.5, 2.5, 4.5, 6.5])
    np.testing.assert_allclose(curves.resampled(np.array([1.0, 2.0]), 4), [1, 1, 2, 2])


def test_agreement_is_a_correlation_of_what_was_expected() -> None:
    judged = tuple(
        Judged("x", expected, given)
        for expected, given in ((0.1, 0.2), (0.2, 0.4), (0.3, 0.6), (None, -1.0))
    )
    assert agreement(judged) == pytest.approx(1)
    assert agreement(judged[:2]) is None and agreement((judged[0],) * 4) is None


class FakeTuner:
    """Opens sessions of fake songs; the station 'broken' can't be opened."""

    station, listener = "starter", "me"

    def __init__(self, screened: Screened) -> None:
        self._screened = screened
        self.closed = 0

    @property
    def title(self) -> str:
        return f"{self.station} / {self.listener}"

    def stations(self) -> list[str]:
        return ["broken", "jazz", "starter"]

    def listeners(self) -> list[str]:
        return ["anna", "me"]

    def compose(self, station: str, listener: str) -> FakeComposer:
        if station == "broken":
            raise UsageError("its file is damaged")
        composer = FakeComposer()
        composer.count = 10
        self.station, self.listener = station, listener
        return composer

    def open(
        self, composer: FakeComposer, say: Callable[[str], None], *, after: FakeSession
    ) -> FakeSession:
        player = SilentDevice(lambda: self._screened.now)
        return FakeSession(player, say=say, composer=composer)


def test_station_and_listener_change_inside() -> None:
    screened = Screened()
    tuner: Any = FakeTuner(screened)
    screened.app = RadioApp(screened._open, Settings(), tuner=tuner, title="starter / me")

    async def tuned(name: str) -> None:
        for _ in range(1000):
            if screened.app.heading == name:
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"{screened.app.heading}\n{screened.shown()}")

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("9", "t")
        await pilot.pause()
        assert "jazz" in screened.shown()
        await pilot.press("up", "enter")
        await tuned("jazz / me")
        screened.app.advance()
        assert screened.view.name == "Song 11" and "jazz / me" in screened.shown("header")
        assert screened.journal.ratings == [("Song 1", 1.0, False)], "the rating is not lost"
        await pilot.press("8")
        assert screened.view.slider == 0.75, "keys act on the new session"
        await pilot.press("w", "down", "enter")
        await pilot.pause()
        assert "Who listens?" in screened.shown()
        await pilot.press(*"otto", "enter")
        await tuned("jazz / otto")
        await pilot.press("t", "up", "enter")
        await pilot.pause(0.2)
        assert screened.app.said[-1] == "Not changed: its file is damaged"
        assert screened.app.heading == "jazz / otto"

    screened.play(act)


def test_reset_asks_first() -> None:
    screened = Screened()

    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("x")
        assert "nothing to reset" in screened.shown("lines") and not screened.composer.resets
        screened.composer.reported.append(AdapterChanged(20, 0.1, False))
        screened.app.advance()
        await pilot.press("x")
        await pilot.pause()
        assert "your ratings stay" in screened.shown()
        await pilot.press("n")
        assert not screened.composer.resets
        await pilot.press("x", "y")
        assert screened.composer.resets == 1

    screened.play(act)


def test_saved_songs_play_again_and_are_deleted(tmp_path: Path) -> None:
    screened = Screened()
    description = {
        "song": "Sea Wood",
        "station": "tiny",
        "station_fingerprint": "ab12",
        "beats": 4,
        "coordinate": [0.0, 1.0],
        "key": "old play",
    }
    for number, name in enumerate(("sea-wood", "oak-pier")):
        (tmp_path / f"{name}.wav").write_bytes(b"sound")
        facts = {**description, "song": name, "station": ["tiny", "jazz"][number]}
        facts["station_fingerprint"] = ["ab12", "cd34"][number]
        (tmp_path / f"{name}.json").write_text(json.dumps(facts))
        os.utime(tmp_path / f"{name}.wav", (1e9 + number, 1e9 + number))

    async def act(pilot: Pilot[Any]) -> None:
        screened.app.session.folder.path = tmp_path
        later = [SimpleNamespace(key="old play", rating=0.75)]  # than it was saved
        setattr(screened.app.session.history, "ratings", lambda: later)  # noqa: B010
        await pilot.press("o")
        await pilot.pause()
        assert "2 songs in" in screened.shown() and "sea-wood" in screened.shown()
        assert "+0.75" in screened.shown()
        await pilot.press("enter")
        await pilot.pause()
        assert "oak-pier is a song of station jazz" in screened.app.said[-1]
        await pilot.press("o", "m", "x")
        await pilot.pause()
        assert "Delete oak-pier?" in screened.shown()
        await pilot.press("y")
        await pilot.pause()
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "ai-radio.m3u8",
            "sea-wood.json",
            "sea-wood.wav",
        ]
        await pilot.press("enter")
        assert screened.composer.replayed == ["old play"]

    screened.play(act)


@pytest.mark.parametrize(("theme", "dark"), [("dark", True), ("light", False)])
def test_themes_have_their_background(theme: str, dark: bool) -> None:
    screened = Screened(Settings(theme=theme))

    async def act(pilot: Pilot[Any]) -> None:
        back = screened.app.screen.background_colors[1]
        assert (back.brightness < 0.5) == dark and back.ansi is None

    screened.play(act)


def test_the_terminals_colours_are_left_to_it() -> None:
    screened = Screened(Settings(theme="terminal"))

    async def act(pilot: Pilot[Any]) -> None:
        for strip in screened.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style or Style()
                for colour in (style.color, style.bgcolor):
                    assert colour is None or colour.triplet is None, (segment.text, colour)

    screened.play(act)
