"""Make pictures of the terminal's screen at four sizes and in two themes, to be looked at.

    python docs/screen_pictures.py --output out/screen

Each is of the real screen over a session that is made up: starter songs, twelve ratings, a curve.
It needs Pillow (`pip install '.[docs]'`) and a few seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.color import ColorType
from rich.style import Style

sys.path.insert(0, str(Path(__file__).parent.parent))

from audio_parsing.frames import SAMPLE_RATE  # noqa: E402
from audio_parsing.playback import SilentDevice  # noqa: E402
from audio_parsing.starter import render, starter_songs  # noqa: E402
from radio.composer import AdapterChanged, Busy, Composer, Song  # noqa: E402
from radio.home import Home, Settings  # noqa: E402
from radio.ratings import Journal, open_ratings  # noqa: E402
from radio.screen.app import RadioApp  # noqa: E402
from radio.session import Session, View  # noqa: E402
from radio.station.song_names import song_name  # noqa: E402
from radio.taste import Insight  # noqa: E402

SIZES = ((40, 15), (80, 24), (120, 36), (200, 50))
CELL, FONT_SIZE = (8, 17), 13  # pixels
RATED, PLAYED_SECONDS = 12, 11.0
# background, foreground, and the terminal's colours 0 to 7, as it might have them
TERMINALS = {
    "dark": ((18, 18, 18), (214, 218, 224)),
    "light": ((252, 252, 250), (40, 42, 46)),
}
COLOURS = {
    "dark": "1e1e1e e06c75 7ec478 e5c07b 61afef c678dd 56b6c2 d6dae0".split(),
    "light": "2e3436 c0262d 2f7d32 a06a00 1f5fbf 8a2da5 007a87 9a9a9a".split(),
}


class StillComposer:
    """Offers starter songs, and learns nothing.

    Args:
        journal: of the listener.
    """

    ready, pending = True, 0

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.busy: Busy | None = None
        self._rng = np.random.default_rng(7)
        self._songs = starter_songs(beats=64)
        self._reported: list[Any] = [AdapterChanged(20, 0.18, False)]
        self._offers = [self._make() for _ in range(4)]

    def _make(self) -> Song:
        coordinate = self._rng.standard_normal(8).astype(np.float32)
        melody = self._songs[int(self._rng.integers(len(self._songs)))]
        mean = float(self._rng.uniform(-0.2, 0.7))
        name = song_name(coordinate)
        return Song(
            render(melody, SAMPLE_RATE),
            SAMPLE_RATE,
            coordinate,
            name,
            "D minor, 96 bpm",
            {"song": name, "station": "starter", "coordinate": coordinate.tolist(), "beats": 64},
            expected=(mean, float(self._rng.uniform(0.15, 0.5))),
        )

    def next_song(self, key: str | None = None) -> Song:
        """Return the first offer."""
        self._offers.append(self._make())
        return self._offers.pop(0)

    def upcoming(self) -> list[Song]:
        """Return the offers."""
        return self._offers

    def insight(self, key: str) -> Insight:
        """Return made-up moments."""
        at = np.linspace(0, 9, 256)
        return Insight(0.5 * np.sin(at) + 0.2 * np.sin(3 * at), np.sin(at), np.cos(at))

    def events(self) -> list[Any]:
        """Return what there is to report at the beginning."""
        found, self._reported = self._reported, []
        return found

    def nothing(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    hurry = played = changed = replay = wish = reset_adapter = close = nothing
    start_final = stop_final = start_mend = stop_mend = nothing


class PicturedSession(Session):
    """A session that claims to have a sound device."""

    def view(self) -> View:
        """Return what there is to show."""
        return replace(super().view(), silent=False)


async def screen_rows(size: tuple[int, int], theme: str, home: Path, keys: str) -> list[list[Any]]:
    """Return the segments of each row of the screen after some keys."""
    clock = [0.0]
    ratings = open_ratings(Home(home).ratings)
    composer: Composer = StillComposer(Journal(ratings, "anna", "starter", "ab12"))
    fresh = not composer.journal.history()
    rng = np.random.default_rng(3)
    for _ in range(RATED if fresh and keys != "new" else 0):
        song = composer.next_song()
        assert song.expected is not None
        given = float(np.clip(song.expected[0] + rng.normal(0, 0.25), -1, 1))
        composer.journal.rate(song, round(given, 2) if rng.random() < 0.85 else [], skipped=True)

    def open_session(say: Callable[[str], None]) -> Session:
        player = SilentDevice(lambda: clock[0])
        return PicturedSession(composer, player, home=Home(home), say=say)

    app = RadioApp(open_session, Settings(theme=theme), title="starter / anna")
    async with app.run_test(size=size) as pilot:
        app.advance()
        if keys != "new":
            for step in range(round(PLAYED_SECONDS * 10)):
                clock[0] += 0.1
                if step % 8 == 7:
                    curve = 0.7 * np.sin(step / 18) + 0.1
                    app.session.set_slider(round(float(np.clip(curve, -1, 1)), 1))
                app.session.tick()
            app.session.save()
            await pilot.press(*keys)
        for _ in range(4):
            app.advance()
            await pilot.pause()
        strips = app.screen._compositor.render_strips()
        for line_filter in app._filters:
            if line_filter.enabled:
                back = app.screen.background_colors[1]
                strips = [strip.apply_filter(line_filter, back) for strip in strips]
        rows = [list(strip) for strip in strips]
    app.session.finish()
    ratings.close()
    return rows


def draw(rows: list[list[Any]], background: str, path: Path) -> None:
    """Draw rows of segments as a picture of a terminal with a dark or light background."""
    from matplotlib import font_manager
    from PIL import Image, ImageDraw, ImageFont

    fonts = {}
    for bold, weight in ((False, "normal"), (True, "bold")):
        properties = font_manager.FontProperties(family="DejaVu Sans Mono", weight=weight)
        fonts[bold] = ImageFont.truetype(font_manager.findfont(properties), FONT_SIZE)
    (back, front), (width, height) = TERMINALS[background], CELL
    columns = max(sum(segment.cell_length for segment in row) for row in rows)
    image = Image.new("RGB", (columns * width, len(rows) * height), back)
    canvas = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        column = 0
        for segment in row:
            style = segment.style or Style()
            ink = _colour(style.color, background, front)
            paper = _colour(style.bgcolor, background, back)
            if style.reverse:
                ink, paper = paper, ink
            if style.dim:
                ink = tuple((3 * a + 2 * b) // 5 for a, b in zip(ink, paper, strict=True))
            for character in segment.text:
                x, y = column * width, number * height
                canvas.rectangle((x, y, x + width - 1, y + height - 1), paper)
                _character(canvas, character, (x, y), ink, fonts[bool(style.bold)])
                column += 1
    image.save(path)


def _character(
    canvas: Any, character: str, place: tuple[int, int], ink: tuple[int, ...], font: Any
) -> None:
    """Draw a character; a block fills its part of the cell, as terminals do."""
    x, y = place
    width, height = CELL
    if "▁" <= character <= "█":
        top = y + height - round(height * (ord(character) - ord("▁") + 1) / 8)
        canvas.rectangle((x, top, x + width - 1, y + height - 1), ink)
    else:
        canvas.text((x, y), character, ink, font=font)


def _colour(colour: Any, background: str, usual: tuple[int, ...]) -> tuple[int, ...]:
    """Return the red, green and blue of a colour of Rich."""
    if colour is None or colour.type is ColorType.DEFAULT:
        return usual
    if colour.type is ColorType.STANDARD and colour.number is not None:
        text = COLOURS[background][colour.number % 8]
        return tuple(int(text[at : at + 2], 16) for at in (0, 2, 4))
    return tuple(colour.get_truecolor())


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description="Make pictures of the terminal's screen.")
    parser.add_argument("--output", type=Path, default=Path("out/screen"), help="a folder")
    parser.add_argument(
        "--keys", default="", help="typed before each picture; 'new': a new listener"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for columns, rows in SIZES:
        for background in TERMINALS:
            with tempfile.TemporaryDirectory() as home:
                strips = asyncio.run(
                    screen_rows((columns, rows), "terminal", Path(home), options.keys)
                )
            name = f"{columns}x{rows}-{background}{'-' + options.keys if options.keys else ''}.png"
            draw(strips, background, options.output / name)
            print(f"wrote {options.output / name}")


if __name__ == "__main__":
    main()
