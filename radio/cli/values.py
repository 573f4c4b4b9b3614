"""Parsers of options' values: numbers within bounds, origins, paths."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within bounds."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return value

    return read


def between(low: float, high: float) -> Callable[[str], float]:
    """Return a parser of numbers within bounds."""

    def read(text: str) -> float:
        value = _number(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return read


def positive(most: float) -> Callable[[str], float]:
    """Return a parser of numbers above zero."""

    def read(text: str) -> float:
        value = _number(text)
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, at most {most:g}")
        return value

    return read


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def source(text: str) -> Path:
    """Return the path of music; an empty one would be this folder."""
    if not text:
        raise argparse.ArgumentTypeError("the name of a file or a folder is empty")
    return Path(text)


def origin(text: str) -> str:
    """Return the origin of a URL."""
    from radio.web import origin_of

    try:
        return origin_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def base_path(text: str) -> str:
    """Return a path without a slash at its end; '' for the root."""
    path = text.rstrip("/")
    if path and not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", path):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path such as /radio")
    return path
