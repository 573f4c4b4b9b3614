"""A part of the song is mended on the page: dragged over, compared, kept or not."""

from __future__ import annotations

from typing import Any

import pytest
from fake_session import FakeSession
from web_browser import RadioServer, chromium, open_page

from radio.web.browser_player import BrowserPlayer
from radio.web.commands import CommandError, Commands
from radio.web.mending import mend_part, sound_key, sound_of
from radio.web.stage import Stage

__all__ = ["chromium"]
AUDIO = "document.querySelector('.deck audio')"
# How far a drag leads, as a share of the waveform, and what is selected: shares, seconds at least.
SHORT, BACKWARDS = ((0.5, 0.53), (0.5, 0.53, 1.0)), ((0.6, 0.2), (0.2, 0.6, 0.0))


def drag(page: Any, start: float, stop: float) -> None:
    """Press at a share of the waveform, move, and let go."""
    box = page.locator(".wave").bounding_box()
    page.mouse.move(box["x"] + start * box["width"], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + (start + stop) / 2 * box["width"], box["y"] + 55)
    page.mouse.move(box["x"] + stop * box["width"], box["y"] + 60)
    page.mouse.up()


def button(page: Any, name: str) -> Any:
    return page.locator(".mend").get_by_role("button", name=name)


@pytest.mark.slow  # a browser under load waits for longer than a test may
def test_a_dragged_part_is_mended_compared_and_kept(server: RadioServer, chromium: Any) -> None:
    with open_page(chromium, server, width=390, height=844, dark=True) as page:
        page.locator(".seek:enabled").wait_for(timeout=60_000)
        page.locator(".buttons .play").click()
        page.keyboard.press("8")  # without a rating there is nothing to mend by
        page.locator(".details", has_text="predicted").wait_for()
        page.locator(".wave").click(position={"x": 30, "y": 60})  # a click seeks
        page.wait_for_function(f"Math.abs({AUDIO}.currentTime - 1.4) < 1.3")
        seconds = float(page.get_attribute(".seek", "max") or 0)
        for (start, stop), (first, last, least) in (SHORT, BACKWARDS):
            drag(page, start, stop)
            ends = first * seconds, max(last * seconds, first * seconds + least)
            selected = " to ".join(f"0:{int(end):02d}" for end in ends)
            page.locator(".mend").get_by_text(selected).wait_for()
        assert page.evaluate(f"{AUDIO}.currentTime") < 8, "a drag does not seek"
        name, sound = page.inner_text(".song"), page.evaluate(f"{AUDIO}.src")
        button(page, "Mend this part").focus()
        page.keyboard.press("Enter")
        page.locator(".mend", has_text="the old part plays").wait_for()
        at = float(page.input_value(".seek"))
        assert "compared" in page.evaluate(f"{AUDIO}.src")
        assert page.evaluate("document.activeElement.className") == "mend"
        length = page.evaluate(f"{AUDIO}.duration")
        page.evaluate(f"{AUDIO}.currentTime = {length} / 2 + 0.2")
        page.locator(".mend", has_text="the new part plays").wait_for()
        page.evaluate(f"{AUDIO}.currentTime = {length} - 0.3")
        page.locator(".mend", has_text="predicted rating 0.").wait_for()
        page.wait_for_function(f"!{AUDIO}.src.includes('compared') && !{AUDIO}.paused")
        assert page.evaluate(f"{AUDIO}.currentTime") == pytest.approx(at, abs=1.5)
        button(page, "Play both again").click()
        page.locator(".mend", has_text="the old part plays").wait_for()
        button(page, "Stay with the old one").click()
        page.locator(".wave").click(position={"x": 2, "y": 60})  # so that it does not end meanwhile
        page.wait_for_function(f"{AUDIO}.currentTime < 4")
        at = float(page.input_value(".seek"))
        button(page, "Mend the worst part").click()
        button(page, "Keep the new one").click()
        page.locator("[role=status]", has_text="Kept").wait_for()
        page.wait_for_function(f"{AUDIO}.src !== '{sound}' && !{AUDIO}.src.includes('compared')")
        page.wait_for_function(f"!{AUDIO}.paused && {AUDIO}.currentTime > {at} - 1.5")
        assert page.inner_text(".song") != name
        button(page, "Mend the worst part").wait_for()


class Room:
    """Commands of a page to a session of fake songs, on a clock that stands still."""

    def __init__(self) -> None:
        self.player = BrowserPlayer(lambda: 100.0)
        self.session = FakeSession(self.player)
        stage = Stage(self.session, self.player, {}, {})
        self.commands, self.count = Commands(stage), 0
        self.session.tick()
        self.give("listen")
        self.give("ping", at=5.0)

    def give(self, action: str, play: str = "Song 1", **details: Any) -> None:
        self.count += 1
        command = {"id": str(self.count), "action": action, "page": "a", "play": play, "at": None}
        self.commands.execute({**command, **details})
        self.session.tick()


def test_old_and_new_are_a_sound_of_their_own_and_the_song_goes_on_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = Room()
    room.give("mend", start=3.0, stop=4.5)
    compared = "Song 1 mended-compared"
    assert mend_part(room.session) == {
        "running": False,
        "offer": {"start": 3.0, "stop": 4.5, "gain": 0.75},
        "sound": compared,
    }
    sound = sound_of(room.session, room.player)
    assert sound is not None and sound.key == compared
    assert sound.seconds == pytest.approx(2 * (1.5 + 0.7), abs=0.01)
    room.give("ping", at=7.0)  # a late report of the song
    assert room.player.position == 0.0
    room.give("ping", play=compared, at=2.5)
    assert room.player.position == 2.5 and room.session.view().position == 5.0
    noted: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(room.session.writer, "note", lambda at, **_: bool(noted.append(at)) or True)
        room.give("slide", points=[[5.0, 0.5]])
    assert set(noted) == {5.0}, "a rating is one of the song, where it was left"
    assert room.session.writer.slider.curve()[-1].tolist() == [5.0, 0.5]
    room.give("ended", play=compared)
    assert sound_key(room.session) == "Song 1" and room.player.position == 5.0
    assert mend_part(room.session)["offer"] and not mend_part(room.session)["sound"]
    room.give("mend")
    assert sound_key(room.session) == compared, "both are played again"
    room.give("seek", to=8.0)
    assert sound_key(room.session) == "Song 1" and room.player.position == 8.0


def test_another_part_is_mended_while_both_versions_of_the_first_are_played() -> None:
    room = Room()
    room.give("mend", start=3.0, stop=4.5)
    room.session.mends.request(6.0, 8.0)
    assert sound_key(room.session) == "Song 1" and room.player.duration == 10.0
    room.session.tick()
    assert mend_part(room.session)["offer"]["stop"] == 8.0


@pytest.mark.parametrize(
    "wrong", [{"start": 1}, {"start": "a", "stop": 2}, {"start": -1, "stop": 2}]
)
def test_a_part_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        Room().give("mend", **wrong)
