"""What all lessons share: three options, a picture at the end, and the library in this repository.

found = run(main)      main(fast) -> (figure, the numbers that the lesson makes claims about)
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

# so that a lesson runs the library beside it, with your changes
sys.path.insert(0, str(Path(__file__).parent.parent))

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from radio.station import Station

BLUE, ORANGE, GREEN = "#3b75af", "#ef8636", "#519e3e"
RED, PURPLE, GREY = "#c53a32", "#8d69b8", "#7f7f7f"


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches; it needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def shortened(station: Station, beats: int) -> Station:
    """Return a station that makes only the first beats of another's songs, to save time."""
    from radio.station import PointModel

    assert isinstance(station.model, PointModel)
    vae = copy.deepcopy(station.model.vae)
    columns = beats * vae.decoder.plan_size
    plan = vae.decoder.to_plan  # one vector a beat, side by side
    for parameter in (plan.weight, plan.bias):
        parameter.value = parameter.value[..., :columns].copy()
        parameter.grad = parameter.grad[..., :columns].copy()
    vae.decoder.beats = beats
    return replace(station, beats=beats, model=PointModel(vae))


def arguments(file: str, doc: str | None, takes_file: str | None = None) -> argparse.Namespace:
    """Parse --fast, --output, and a file if the script takes one; make the output folder."""
    parser = argparse.ArgumentParser(
        prog=Path(file).name, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="run a smaller version in seconds")
    text = "folder for the picture (default: out)"
    parser.add_argument("--output", type=Path, default=Path("out"), metavar="FOLDER", help=text)
    if takes_file is not None:
        parser.add_argument("file", type=Path, nargs="?", help=takes_file)
    options = parser.parse_args()
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output {options.output}: {error.strerror or error}")
    return options


def run(main: Callable[[bool], tuple[Figure, dict[str, Any]]]) -> dict[str, Any]:
    """Run a lesson with its command-line options, save its picture, and return its numbers."""
    file = main.__code__.co_filename
    options = arguments(file, main.__globals__["__doc__"])
    # the matrices are small: a second thread would cost more than it saves
    with threadpool_limits(1, user_api="blas"):
        figure, found = main(options.fast)
    picture = options.output / f"{Path(file).stem}.png"
    figure.savefig(picture, dpi=110)
    print(f"\nThe picture is saved as {picture}")
    return found
