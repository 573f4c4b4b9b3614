"""Scores in notation, MusicXML and ABC, as MIDI; needs the library music21 (extra `notation`)."""

from __future__ import annotations

import importlib.util
import io
import re
import warnings
import zipfile
from pathlib import Path

from audio_parsing.opening import open_file

FORMATS = {".musicxml": "musicxml", ".xml": "musicxml", ".mxl": "musicxml", ".abc": "abc"}
SUFFIXES = frozenset(FORMATS)
MIDI_EXTRA = "pip install 'ai-radio[scores]'"
NOTATION_EXTRA = "pip install 'ai-radio[notation]'"
LARGEST = 1 << 25  # bytes of a score
BEGINNING = 4096  # bytes in which a score says that it is one
XML = re.compile(rb"<(!DOCTYPE\s+)?score-(partwise|timewise)\b")
ABC = re.compile(rb"^(%abc|X:\s*\d)", re.MULTILINE)
ROOT = re.compile(rb"<rootfile\s[^>]*full-path=[\"\']([^\"\']+)")


def needs(suffix: str) -> str:
    """Return the command that installs what reads scores of such a name."""
    return NOTATION_EXTRA if suffix in SUFFIXES else MIDI_EXTRA


def installed(suffix: str) -> bool:
    """Return whether scores of such a name can be read."""
    needed = ("mido", "music21") if suffix in SUFFIXES else ("mido",)
    return all(importlib.util.find_spec(name) is not None for name in needed)


def is_notation(path: Path) -> bool:
    """Return whether a file begins as the score that its name says."""
    with open_file(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        beginning = file.read(BEGINNING)
    suffix = path.suffix.lower()
    if suffix == ".mxl":
        return beginning.startswith(b"PK")
    return bool((ABC if suffix == ".abc" else XML).search(beginning))


def to_midi(content: bytes, suffix: str) -> bytes:
    """Return the content of a score as that of a MIDI file.

    Raises:
        ValueError: if it is too large, or names no score.
        Exception: of a damaged one music21 raises whatever its parser meets.
    """
    import music21

    if len(content) > LARGEST:
        raise ValueError("it is too large")
    if suffix == ".mxl":
        content = _unpacked(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it doesn't understand of a score
        text = content.decode("utf-8-sig", "replace")
        score = music21.converter.parseData(text, format=FORMATS[suffix])
        if isinstance(score, music21.stream.Opus):  # a book of tunes
            score = score.scores[0]
        file = music21.midi.translate.streamToMidiFile(score.expandRepeats())
        return bytes(file.writestr())


def _unpacked(content: bytes) -> bytes:
    """Return the score in a compressed one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = ROOT.search(_member(archive, "META-INF/container.xml"))
        if root is None:
            raise ValueError("its container names no score")
        return _member(archive, root[1].decode())


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        found = member.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise ValueError("it is too large")
    return found
