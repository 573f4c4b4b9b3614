"""Find music: files by their names or, whatever the name, by their first bytes; playlists."""

from __future__ import annotations

import logging
import os
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from audio_parsing import notation, playlists, scores
from audio_parsing.opening import AudioError, read_beginning, reason, shown

# A file of such a name that can't be read is reported. Any other file is examined, and ignored if
# it is not audio.
SUFFIXES = frozenset(
    ".wav .wave .rf64 .w64 .flac .ogg .oga .opus .mp3 .mp2 .aif .aiff .aifc .au .snd .caf .m4a .m4b"
    " .mp4 .aac .wma .mka .webm".split()
)
# prefix of the file that macOS writes beside each file on foreign disks: ._song.mp3 holds no music
COMPANION = "._"
LOOKED_FOR = (
    "WAV, FLAC, OGG, Opus, MP3, AIFF and other formats of libsndfile, M4A and others if ffmpeg is"
    " installed"
)
KINDS_NAMED = 8  # endings of files that are passed over; the rest are summed up
# First bytes of the formats of libsndfile. NOTE: an MP3 file may also begin with its first frame,
# see _is_audio.
BEGINNINGS = (
    b"fLaC", b"OggS", b"ID3", b"caff", b".snd", b"dns.", b"riff", b"Creative Voice ", b"NIST_1A",
    b"PVF1", b"2BIT", b" paf", b"fap ", b"ALawSoundFile", b"Extended Instrum", b"\xf0\x7e\x00\x01",
    b"\x64\xa3\x01\x00", b"\x64\xa3\x02\x00", b"\x64\xa3\x03\x00", b"\x64\xa3\x04\x00",
    b"\x00\x01\xa3\x64", b"\x00\x02\xa3\x64", b"\x00\x03\xa3\x64", b"\x00\x04\xa3\x64",
)  # fmt: skip
# Containers of audio and of pictures, with what follows the length in a file of audio.
CONTAINERS = {
    b"RIFF": (b"WAVE",),
    b"RIFX": (b"WAVE",),
    b"RF64": (b"WAVE",),
    b"FORM": (b"AIFF", b"AIFC", b"8SVX", b"16SV"),
}


def find_music(
    sources: Sequence[str | os.PathLike[str]], *, on_skip: Callable[[str], None] | None = None
) -> list[Path]:
    """Return the files that some sources hold, in the order of the sources, each once.

    Args:
        sources: files, folders and playlists. A file that is named is taken whatever it is.
        on_skip: called with a line for what is skipped; by default it is logged.

    Raises:
        AudioError: if a source does not exist, or a playlist can't be read.
    """
    skip = on_skip or logging.getLogger(__name__).warning
    found: dict[Path, None] = {}
    for source in map(Path, sources):
        if source.suffix.lower() in playlists.SUFFIXES and source.is_file():
            named = playlists.read_playlist(source, skip)
        else:
            named = [source]
        for place in named:
            if not os.path.lexists(place):
                raise AudioError(f"{shown(place)}: no such file or folder")
            inside = [place] if place.is_file() else find_audio(place, on_skip=skip)
            found.update(dict.fromkeys(inside))
    return list(found)


def find_audio(
    folder: str | os.PathLike[str], *, on_skip: Callable[[str], None] | None = None
) -> list[Path]:
    """Return the audio files in a folder and its sub-folders, in an order set by their names.

    Links to folders are followed; a folder that is reached twice, as in a loop, is read once.

    Args:
        folder: searched recursively.
        on_skip: called with a line for each folder that is skipped, and at the end with one that
            counts the files that are no audio, by their endings; by default it is logged.

    Raises:
        AudioError: if there is no such folder.
    """
    skip = on_skip or logging.getLogger(__name__).warning
    top = Path(folder)
    try:
        if not stat.S_ISDIR(top.stat().st_mode):
            raise AudioError(f"{shown(top)}: is not a folder")
    except OSError as error:
        why = "no such folder" if isinstance(error, FileNotFoundError) else reason(error)
        raise AudioError(f"{shown(top)}: {why}") from None
    found: list[Path] = []
    others: Counter[str] = Counter()
    seen: dict[tuple[int, int], Path] = {}
    waiting = [top]
    while waiting:
        place = waiting.pop()
        try:
            status = place.stat()
            first = seen.setdefault((status.st_dev, status.st_ino), place)
            if first is not place:
                skip(f"{shown(place)}: leads to the folder {shown(first)}, which was already read")
                continue
            entries = sorted(place.iterdir())
        except OSError as error:
            skip(f"{shown(place)}: {reason(error)}")
            continue
        # NOTE: unlike Path.is_dir, os.path.isdir returns False and never raises where the entry
        # can't be examined.
        folders = [entry for entry in entries if os.path.isdir(entry)]
        rest = [
            entry
            for entry in entries
            if not os.path.isdir(entry) and not entry.name.startswith(COMPANION)
        ]
        for entry in rest:
            if entry.suffix.lower() in SUFFIXES or _is_audio(entry) or scores.readable(entry):
                found.append(entry)
            else:
                others[shown(entry.suffix.lower()) or "without an ending"] += 1
        # Links come last, so that a folder is named by its own path and not by a link to it.
        waiting[:0] = sorted((entry for entry in folders if entry.is_symlink()), reverse=True)
        waiting += sorted((entry for entry in folders if not entry.is_symlink()), reverse=True)
    if others:
        skip(f"{shown(top)}: {_counted(others)}")
    return sorted(found)


def _counted(others: Counter[str]) -> str:
    """Return what was passed over, the most frequent endings first."""
    ordered = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    kinds = [f"{count} {ending}" for ending, count in ordered[:KINDS_NAMED]]
    if len(ordered) > KINDS_NAMED:
        kinds.append(f"{sum(count for _, count in ordered[KINDS_NAMED:])} others")
    total = others.total()
    passed = sorted((scores.SUFFIXES - {".xml"}) & others.keys())
    missing = dict.fromkeys(notation.needs(one) for one in passed if not notation.installed(one))
    hint = f"; scores need {' and '.join(missing)}" if missing else ""
    return f"{total} {'file' if total == 1 else 'files'} passed over: {', '.join(kinds)}{hint}"


def _is_audio(path: Path) -> bool:
    """Return whether a file of another name begins like an audio file."""
    if not os.path.isfile(path):
        return False
    try:
        beginning = read_beginning(path)
    except AudioError:
        return False
    # MPEG audio: eleven bits of ones, then a valid version, layer (2 or 3), bit rate and sample
    # rate.
    frame = (
        len(beginning) > 3
        and beginning[0] == 0xFF
        and beginning[1] & 0xE0 == 0xE0
        and beginning[1] & 0x18 != 0x08
    )
    frame = (
        frame
        and beginning[1] & 0x06 in (0x02, 0x04)
        and 0 < beginning[2] >> 4 < 15
        and beginning[2] & 0x0C != 0x0C
    )
    if beginning[:4] in CONTAINERS:
        return beginning[8:12] in CONTAINERS[beginning[:4]]
    return (
        frame or beginning.startswith(BEGINNINGS) or beginning[4:12] in (b"ftypM4A ", b"ftypM4B ")
    )
