"""What all lessons share: three options, a picture at the end, and the library as it lies beside them.

    found = run(main)      main(fast) -> (figure, the numbers that the lesson makes claims about)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # so that what you change in the library is what the lesson runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#3b75af", "#ef8636", "#519e3e", "#c53a32", "#8d69b8", "#7f7f7f"


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches; it needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def arguments(file: str, doc: str | None) -> argparse.Namespace:
    """Read --help, --fast and --output, and make the folder that pictures go to."""
    parser = argparse.ArgumentParser(prog=Path(file).name, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="take seconds: smaller, and less exact")
    parser.add_argument("--output", type=Path, default=Path("out"), metavar="FOLDER", help="where the picture goes; out if not given")
    options = parser.parse_args()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output {options.output}: {error.strerror or error}")
    return options


def run(main: Callable[[bool], tuple[Figure, dict[str, Any]]]) -> dict[str, Any]:
    """Run a lesson as its command line says, save its picture, and return its numbers."""
    file = main.__code__.co_filename
    options = arguments(file, main.__globals__["__doc__"])
    figure, found = main(options.fast)
    picture = options.output / f"{Path(file).stem}.png"
    figure.savefig(picture, dpi=110)
    print(f"\nThe picture is in {picture}")
    return found
