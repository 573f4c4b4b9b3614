"""Make the pictures of docs/web.md: the page after some songs, wide and narrow, light and dark.

    python docs/web_pictures.py            writes docs/web-1440-light.png and five more

It runs the real radio with the starter station; headless Chromium rates a few songs and asks for
the final song. Needs the extra `test`, Chromium (Debian: chromium) and Pillow.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# The keys that move the slider, song by song, and the milliseconds between two keys.
LIKED = (("8",), ("2",), ("9", "7"), ("3",), ("7",), ("9",), ("4",), ("8",), ("1",), ("6", "8"))
BETWEEN = 900
READY = "document.querySelector('.seek')?.disabled === false"  # a song is on
CURVE = "kkkk jjjjjjj kkkk kkk jj k"
# Each shows the first screen.
SIZES = ((1440, 1000), (820, 1100), (390, 844))
SHOTS = [(*size, scheme) for size in SIZES for scheme in ("light", "dark")]
COLOURS = 96  # of a picture: the page has few, and the files stay small


def play_some(page: Any) -> None:
    """Rate songs, compose the final song, and rate half of it."""
    page.wait_for_function(READY, timeout=120_000)
    page.click(".play")
    for keys in LIKED:
        name = page.inner_text(".song")
        for key in keys:
            page.wait_for_timeout(BETWEEN)
            page.keyboard.press(key)
        page.wait_for_timeout(BETWEEN)
        page.keyboard.press("n")
        page.wait_for_function(
            f"name => {READY} && document.querySelector('.song').textContent !== name",
            arg=name,
            timeout=60_000,
        )
    page.click("text=Final song")
    page.wait_for_selector("text=your final song", timeout=120_000)
    for keys in CURVE.split():
        page.wait_for_timeout(2 * BETWEEN)
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(120)
    page.wait_for_timeout(2000)
    page.keyboard.press(" ")
    page.wait_for_timeout(500)


def smaller(path: Path) -> None:
    """Reduce a picture to few colours."""
    from PIL import Image

    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="a folder")
    folder = parser.parse_args().output
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if chromium is None:
        raise SystemExit("Chromium is not installed (Debian: chromium)")
    from playwright.sync_api import sync_playwright

    home = tempfile.mkdtemp(prefix="web-pictures-")
    command = [
        sys.executable,
        "-m",
        "radio",
        "web",
        "--no-open",
        "--port",
        "0",
        "--home",
        home,
        "--seed",
        "4",
    ]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None, "the server did not start"
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--mute-audio"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900}, bypass_csp=True)
            page.goto(found[0])
            play_some(page)
            for width, height, scheme in SHOTS:
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)
                page.evaluate("document.activeElement.blur()")
                page.mouse.move(0, 0)
                page.wait_for_timeout(600)
                path = folder / f"web-{width}-{scheme}.png"
                page.screenshot(path=path)
                smaller(path)
                print(f"wrote {path}")
            browser.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
