"""`ai-radio reconstruct`: encode songs with a station and decode them."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from radio.cli.commands.generate import Target, tell
from radio.cli.progress import Progress
from radio.errors import UsageError
from radio.home import STARTER, Home


def reconstruct(options: argparse.Namespace) -> None:
    """Encode files with a station, decode the coordinates, and write the songs."""
    home = Home(options.home)
    check_files(options.files)
    check_soundfont(options.soundfont)

    from radio.composer import compile_once
    from radio.station import Station, reconstruct_samples, write_wav

    station = Station.load(home.known_station(options.station or STARTER))
    target = Target(options.output, single=len(options.files) == 1)
    compile_once()
    progress = Progress()
    written = []
    for number, path in enumerate(options.files, 1):
        progress.show(f"{number} of {len(options.files)}  {path}")
        samples = read(path, station.sample_rate, soundfont=options.soundfont)
        bpm = options.bpm or tempo_of(path)
        result = reconstruct_samples(station, samples, bpm=bpm)
        place = target.path(f"{path.stem}-{station.name}", source=path)
        output = write_wav(place, result.samples, station.sample_rate)
        seconds = round(len(result.samples) / station.sample_rate, 3)
        coordinates = [[float(value) for value in p] for p in result.coordinates]
        written.append(
            {
                "path": str(output),
                "seconds": seconds,
                "song": path.name,
                "error": result.error,
                "coordinates": coordinates,
            }
        )
    progress.clear()
    tell(written, options.json)


def check_files(paths: list[Path]) -> None:
    """Check that files are there, before anything is computed.

    Raises:
        UsageError: if one is not.
    """
    for path in paths:
        if not path.is_file():
            raise UsageError(
                f"{path} {'is not a file' if path.exists() else 'does not exist'};"
                " name files with music"
            )


def check_soundfont(path: Path | None) -> None:
    """Check a SoundFont that was named, before anything is computed.

    Raises:
        AudioError: if it can't be used.
    """
    if path is not None:
        from audio_parsing.soundfont import check_soundfont as check

        check(path.expanduser())


def read(path: Path, sample_rate: int, *, soundfont: Path | None = None) -> np.ndarray:
    """Return the samples (n,) float32 of a file, at a rate in Hz; a SoundFont plays scores."""
    from audio_parsing.files import read_audio

    return read_audio(path, sample_rate=sample_rate, soundfont=soundfont and soundfont.expanduser())


def tempo_of(path: Path) -> float | None:
    """Return the tempo at which a score is played, None of other files."""
    from audio_parsing.scores import is_score, read_score
    from audio_parsing.song import hop_length
    from radio.station import FRAMES_PER_BEAT, SAMPLE_RATE

    if not is_score(path):
        return None
    return 60 * SAMPLE_RATE / FRAMES_PER_BEAT / hop_length(read_score(path).bpm)
