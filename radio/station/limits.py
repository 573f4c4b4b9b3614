"""Bounds of numbers in songs and files; imports no NumPy, so a command line starts fast."""

from __future__ import annotations

from typing import Any

SLOWEST_TEMPO, FASTEST_TEMPO = 60, 200  # beats a minute
LARGEST_COORDINATE = 1000.0  # of a point P; those of songs are below 10
LARGEST_NUMBER = 4096  # of beats, latent values and hidden values in a station's file


def whole_number(configuration: dict[str, Any], key: str, *, least: int = 1) -> int:
    """Return a whole number of a file's configuration.

    Raises:
        KeyError: if it is missing.
        ValueError: if it is not a whole number from `least` to LARGEST_NUMBER.
    """
    value = configuration[key]
    if not isinstance(value, int) or not least <= value <= LARGEST_NUMBER:
        raise ValueError(f"{key} is {value!r}")
    return value
