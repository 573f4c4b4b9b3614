"""Playlists of players (.m3u, .m3u8): the files that they name."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from audio_parsing.opening import open_file, shown

SUFFIXES = (".m3u", ".m3u8")
LARGEST = 1 << 24  # bytes
LONGEST_NAME = 200
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_playlist(path: Path, on_skip: Callable[[str], None]) -> list[Path]:
    """Return what a playlist names, in its order; what is elsewhere or missing is told.

    Args:
        path: of the playlist. Names in it are relative to its folder; those with the separators of
            Windows are understood everywhere.
        on_skip: called with a line for each name that leads to nothing.

    Raises:
        AudioError: if it can't be read.
    """
    with open_file(path) as descriptor:
        raw = os.read(descriptor, LARGEST)
    try:
        text = raw.decode("utf-16" if raw.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:  # what older players write
        text = raw.decode("cp1252", errors="replace")
    found = []
    for line in text.splitlines():
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        place = _place(name, path.parent)
        name = name[:LONGEST_NAME]  # or the line would fill the screen
        if place is None:
            on_skip(f"{shown(path)}: {shown(name)} is not on this machine")
        elif place.suffix.lower() in SUFFIXES:
            on_skip(f"{shown(path)}: {shown(name)} is a playlist in a playlist; name it by itself")
        elif not os.path.exists(place):
            on_skip(f"{shown(path)}: {shown(name)} does not exist")
        else:
            found.append(place)
    return found


def _place(name: str, folder: Path) -> Path | None:
    """Return where a line of a playlist leads, None if that is not on this machine."""
    if "\0" in name:
        return None
    if "://" in name:
        scheme, _, address = name.partition("://")
        host, slash, path = address.partition("/")
        if scheme.lower() != "file" or host not in ("", "localhost"):
            return None
        name = unquote(slash + path)
    place = folder / name
    if not os.path.exists(place) and "\\" in name:
        place = folder / PurePosixPath(name.replace("\\", "/"))
    return place
