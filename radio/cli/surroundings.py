"""Make good what a service, a container or a launcher may lack: streams, a place for kernels."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from radio.home import Home, HomeError

VARIABLE = "NUMBA_CACHE_DIR"
PACKAGES = Path(__file__).parents[2]


def open_streams() -> None:
    """Open standard input, output and error on nothing where they are closed.

    NOTE: else the next file that is opened, a database perhaps, takes the number of the missing
    stream, and gets what C libraries print.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # the lowest free number, which is this one
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # file names may hold characters that the terminal can't show
        sys.stdout.reconfigure(errors="backslashreplace")


def place_kernels(home: Home) -> None:
    """Keep compiled kernels in the home if Numba would find no other place that lasts.

    Its places are the folders of the code and the user's cache; without any it would compile for a
    minute at every start.
    """
    if os.environ.get(VARIABLE) or os.access(PACKAGES / "neural_networks", os.W_OK):
        return
    import platformdirs

    cache = Path(platformdirs.user_cache_dir("numba", appauthor=False))
    while not cache.exists() and cache != cache.parent:
        cache = cache.parent
    if os.access(cache, os.W_OK):
        return
    try:
        os.environ[VARIABLE] = str(home.writable("kernels"))
    except HomeError:  # then they are compiled at every start
        return
