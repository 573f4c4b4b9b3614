"""The cache of prepared music, songs and recordings as frames: a second training starts in seconds.

It holds results by the content of a file, never the file: 1.1 MB for each of at most 480 minutes
of recordings, and for each starter song of 64 beats. It is never larger than 1 GiB; what was used
longest ago is dropped first. Deleting the folder costs time and nothing else.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from audio_parsing.cache import Cache

LIBRARIES = ("numpy", "scipy", "soundfile", "soxr")
RADIO = Path(__file__).parents[1]
SOUND = RADIO.parent / "audio_parsing"
# Files that turn sound into steps, beside those of audio_parsing.
SOURCES = (
    "station/frame_grid.py",
    "station/steps.py",
    "training/dataset.py",
    "training/music_reading.py",
    "training/recording_reader.py",
    "training/recordings.py",
)


def prepared_music(folder: Path) -> Cache:
    """Return the cache in a folder."""
    return Cache(folder, recipe())


def recipe() -> str:
    """Return a digest of the code and the libraries that turn music into frames."""
    digest = hashlib.sha256()
    for package in LIBRARIES:
        try:
            digest.update(f"{package} {version(package)}".encode())
        except PackageNotFoundError:
            digest.update(package.encode())
    for source in (*sorted(SOUND.glob("*.py")), *(RADIO / name for name in SOURCES)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
