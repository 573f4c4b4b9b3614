"""Make README's pictures: a session on a terminal, and the spectrogram of a generated song.

    python docs/pictures.py            writes docs/session.png and docs/spectrogram.png

The session is the real program in a pseudo-terminal, with real keys; needs `pip install '.[docs]'`
(pexpect, pyte).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

COLUMNS, ROWS = 100, 30
CELL = (9, 19)  # pixels
BACKGROUND, FOREGROUND = (24, 26, 31), (214, 218, 224)
COLOURS = {
    "green": (126, 196, 120),
    "red": (224, 108, 117),
    "brown": (229, 192, 123),
    "blue": (97, 175, 239),
    "default": FOREGROUND,
}
KEYS = (
    (5.0, "8"),
    (2.0, "n"),
    (5.0, "2"),
    (1.0, "n"),
    (5.0, "7"),
    (1.0, "n"),
    (5.0, "9"),
    (1.0, "s"),
    (1.0, "f"),
    (16.0, "kkkkkk"),
    (3.0, ""),
)


def session_screen() -> Any:
    """Play a session with KEYS, each (seconds to wait, what is typed then), and return pyte's screen of it."""
    import pexpect
    import pyte

    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "AI_RADIO_HOME": home,
            "TERM": "xterm-256color",
            "PYTHONPATH": str(Path(__file__).parent.parent),
        }
        environment.pop("NO_COLOR", None)
        child = pexpect.spawn(
            sys.executable,
            ["-m", "radio", "--seed", "4"],
            env=environment,
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            timeout=5,
        )
        waiting = time.monotonic() + 60
        while "  1  " not in "".join(screen.display) and time.monotonic() < waiting:
            _read(child, stream, 0.5)
        for seconds, keys in KEYS:
            _read(child, stream, seconds)
            child.send(keys)
        picture = [dict(screen.buffer[row]) for row in range(ROWS)]
        child.send("q")
        child.close()
    return picture


def _read(child: Any, stream: Any, seconds: float) -> None:
    import pexpect

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            stream.feed(child.read_nonblocking(4096, timeout=0.1))
        except pexpect.TIMEOUT:
            continue
        except pexpect.EOF:
            return


def draw_screen(rows: list[dict[int, Any]], path: Path) -> None:
    """Draw a terminal's cells as a PNG."""
    from matplotlib import font_manager
    from PIL import Image, ImageDraw, ImageFont

    fonts = {
        bold: ImageFont.truetype(
            font_manager.findfont(
                font_manager.FontProperties(family="DejaVu Sans Mono", weight=weight)
            ),
            15,
        )
        for bold, weight in ((False, "normal"), (True, "bold"))
    }
    used = (
        max(
            (
                number
                for number, row in enumerate(rows)
                if any(cell.data.strip() for cell in row.values())
            ),
            default=0,
        )
        + 1
    )
    image = Image.new("RGB", (COLUMNS * CELL[0] + 24, used * CELL[1] + 24), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows[:used]):
        for column, cell in row.items():
            box = (
                12 + column * CELL[0],
                12 + number * CELL[1],
                12 + (column + 1) * CELL[0],
                12 + (number + 1) * CELL[1],
            )
            if cell.bg != "default":
                draw.rectangle(box, _colour(cell.bg, BACKGROUND))
            colour = _colour(cell.fg, FOREGROUND)
            draw.text(
                (12 + column * CELL[0], 12 + number * CELL[1]),
                cell.data,
                colour,
                font=fonts[bool(cell.bold)],
            )
    image.save(path)


def _colour(name: str, usual: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the colour of a cell, which pyte gives as a name or as six hexadecimal digits."""
    if len(name) == 6 and all(letter in "0123456789abcdef" for letter in name):
        return int(name[:2], 16), int(name[2:4], 16), int(name[4:], 16)
    return COLOURS.get(name, usual)


def draw_spectrogram(path: Path, *, seed: int = 4) -> None:
    """Draw the spectrogram of a song that the starter station generates, and the frames it was made of."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from audio_parsing.plots import plot_frames, plot_spectrogram
    from radio.home.folder import Home
    from radio.station.station import Station

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
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="a folder")
    folder = parser.parse_args().output
    draw_spectrogram(folder / "spectrogram.png")
    draw_screen(session_screen(), folder / "session.png")
    print(f"wrote {folder / 'session.png'} and {folder / 'spectrogram.png'}")


if __name__ == "__main__":
    main()
