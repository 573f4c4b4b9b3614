"""Make the pictures of README and docs/frames.md.

    python docs/pictures.py            writes docs/session.gif and docs/spectrogram.png
    python docs/pictures.py session    writes the first alone

The recording is of the real program in a pseudo-terminal, with real keys and in real time but for
the descent; it needs `pip install '.[docs]'` (pexpect, pyte, Pillow) and two cores to spare.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

COLUMNS, ROWS = 92, 29
CELL, MARGIN, FONT_SIZE = (8, 17), 12, 13  # pixels
FRAME_SECONDS = 0.2
PALETTE = 64  # colours of the recording: the screen has few, and the file stays small
BACKGROUND, FOREGROUND = (18, 18, 18), (214, 218, 224)
COLOURS = {
    "green": (126, 196, 120),
    "red": (224, 108, 117),
    "brown": (229, 192, 123),
    "blue": (97, 175, 239),
    "default": FOREGROUND,
}


RATED = 12  # songs before the recording begins, by a listener who likes them fast
FAST = 120  # beats a minute
TEMPO = re.compile(r"(\d+) bpm")
DESCENT = "searching for your final song"
LONGEST_DESCENT, SPEED = 120.0, 4  # seconds; the descent is shown that many times faster


class Key(NamedTuple):
    """What is typed after some seconds of the recording."""

    seconds: float
    typed: str


SLIDER = [Key(0.35, move) for move in (*"kkkkkk", "", *"jjjjj", "", *"kkkkkk")]
KEYS = [Key(1.0, ""), *SLIDER, Key(0.5, "e"), Key(2.6, "\x1b"), Key(0.8, "f")]
FINAL_KEYS = [Key(1.0, ""), *[Key(0.25, "k")] * 8, Key(2.5, "q")]

Screen = list[dict[int, Any]]  # rows of cells by column


def record_session() -> list[Screen]:
    """Rate some songs, then type KEYS; return what the terminal shows every FRAME_SECONDS."""
    import pexpect
    import pyte

    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    frames: list[Screen] = []

    def record(keys: list[Key]) -> None:
        for key in keys:
            end = time.monotonic() + key.seconds
            while (now := time.monotonic()) < end:
                _read(child, stream, min(FRAME_SECONDS, end - now))
                frames.append([dict(screen.buffer[row]) for row in range(ROWS)])
            child.send(key.typed)

    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "AI_RADIO_HOME": home,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(Path(__file__).parent.parent),
        }
        environment.pop("NO_COLOR", None)
        child = pexpect.spawn(
            sys.executable,
            ["-m", "radio", "--seed", "4", "--beats", "32"],
            env=environment,
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            timeout=5,
        )
        waiting = time.monotonic() + 180
        while "no prediction" not in "".join(screen.display) and time.monotonic() < waiting:
            _read(child, stream, 0.5)
        for _ in range(RATED):
            _read(child, stream, 4.0)
            tempo = TEMPO.search("".join(screen.display))
            child.send("9" if tempo is not None and int(tempo[1]) > FAST else "2")
            _read(child, stream, 0.5)
            child.send("n")
        record(KEYS)
        descending, waiting = False, time.monotonic() + LONGEST_DESCENT
        while time.monotonic() < waiting:
            _read(child, stream, SPEED * FRAME_SECONDS)
            shown = DESCENT in "".join(screen.display)
            if descending and not shown:
                break
            descending = shown
            if shown:
                frames.append([dict(screen.buffer[row]) for row in range(ROWS)])
        record(FINAL_KEYS)
        child.close()
    return frames


def _read(child: Any, stream: Any, seconds: float) -> None:
    """Feed what the program writes within some seconds to the terminal."""
    import pexpect

    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            stream.feed(child.read_nonblocking(65536, timeout=left))
        except pexpect.TIMEOUT:
            continue
        except pexpect.EOF:
            return


def save_animation(frames: list[Screen], path: Path) -> None:
    """Write screens as an animated GIF; screens that are alike become one frame."""
    from PIL import Image

    used = 1 + max(_last_row(screen) for screen in frames)
    images = list(_images(frames, used))
    palette = Image.new("RGB", (images[0].width, 4 * images[0].height))
    for place in range(4):
        palette.paste(images[place * (len(images) - 1) // 3], (0, place * images[0].height))
    shared = palette.quantize(PALETTE, dither=Image.Dither.NONE)
    few = [image.quantize(palette=shared, dither=Image.Dither.NONE) for image in images]
    few[0].save(
        path,
        save_all=True,
        append_images=few[1:],
        duration=round(1000 * FRAME_SECONDS),
        loop=0,
        optimize=True,
    )


def _last_row(screen: Screen) -> int:
    """Return the number of the last row that shows something."""
    written = [any(cell.data.strip() for cell in row.values()) for row in screen]
    return max((number for number, shown in enumerate(written) if shown), default=0)


def _images(frames: list[Screen], used: int) -> Iterator[Any]:
    """Draw the first `used` rows of each screen."""
    from matplotlib import font_manager
    from PIL import Image, ImageDraw, ImageFont

    fonts = {}
    for bold, weight in ((False, "normal"), (True, "bold")):
        properties = font_manager.FontProperties(family="DejaVu Sans Mono", weight=weight)
        fonts[bold] = ImageFont.truetype(font_manager.findfont(properties), FONT_SIZE)
    width, height = CELL
    size = (COLUMNS * width + 2 * MARGIN, used * height + 2 * MARGIN)
    for screen in frames:
        image = Image.new("RGB", size, BACKGROUND)
        draw = ImageDraw.Draw(image)
        for number, row in enumerate(screen[:used]):
            for column, cell in row.items():
                x, y = MARGIN + column * width, MARGIN + number * height
                front, back = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
                if cell.reverse:
                    front, back = back, front
                if back != BACKGROUND:
                    draw.rectangle((x, y, x + width - 1, y + height - 1), back)
                draw.text((x, y), cell.data, front, font=fonts[bool(cell.bold)])
        yield image


def _colour(name: str, usual: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the colour of a cell, which pyte gives as a name or as six hexadecimal digits."""
    if len(name) == 6 and all(letter in "0123456789abcdef" for letter in name):
        return int(name[:2], 16), int(name[2:4], 16), int(name[4:], 16)
    return usual if name == "default" else COLOURS.get(name, usual)


def draw_spectrogram(path: Path, *, seed: int = 4) -> None:
    """Draw the spectrogram of a song that the starter station generates, above its frames."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from audio_parsing.plots import plot_frames, plot_spectrogram
    from radio.home import Home
    from radio.station import Station

    station = Station.load(Home(None).station("starter"))
    coordinate = station.sample(1, np.random.default_rng(seed))[0]
    frames = station.generate(coordinate[None])[0]
    samples = station.render(coordinate, frames=frames)
    figure, (above, below) = plt.subplots(2, 1, figsize=(10, 6), sharex=True, layout="constrained")
    plot_spectrogram(
        samples, title=f"{station.song_name(coordinate)}: {station.describe(coordinate)}", ax=above
    )
    plot_frames(frames, hop_length=station.hop_length(coordinate), ax=below)
    above.set_xlabel("")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("picture", nargs="?", choices=("session", "spectrogram"), help="only this")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="a folder")
    options = parser.parse_args()
    if options.picture != "spectrogram":
        save_animation(record_session(), options.output / "session.gif")
        print(f"wrote {options.output / 'session.gif'}")
    if options.picture != "session":
        draw_spectrogram(options.output / "spectrogram.png")
        print(f"wrote {options.output / 'spectrogram.png'}")


if __name__ == "__main__":
    main()
