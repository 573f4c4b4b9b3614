"""`ai-radio continue` and `morph`: songs of anybody's that go on, and songs between two others."""

from __future__ import annotations

import argparse

import numpy as np

from radio.cli.commands.generate import Target, tell
from radio.cli.commands.reconstruct import check_files, read
from radio.cli.progress import Progress
from radio.errors import UsageError
from radio.home import STARTER, Home


def continue_(options: argparse.Namespace) -> None:
    """Write each file again with what a station draws after it."""
    home = Home(options.home)
    check_files(options.files)

    from radio.composer import compile_once
    from radio.station import SEEDS, Station, continued, write_wav

    station = Station.load(home.known_station(options.station or STARTER))
    target = Target(options.output, single=len(options.files) == 1)
    compile_once()
    rng, progress, written = np.random.default_rng(options.seed), Progress(), []
    for number, path in enumerate(options.files, 1):
        progress.show(f"{number} of {len(options.files)}  {path}")
        try:
            samples, begin = continued(
                station,
                read(path, station.sample_rate),
                beats=options.beats or station.beats,
                seed=int(rng.integers(SEEDS)),
                bpm=options.bpm,
            )
        except ValueError as error:
            raise UsageError(f"{path}: {error}") from error
        place = target.path(f"{path.stem}-goes-on", source=path)
        output = write_wav(place, samples, station.sample_rate)
        written.append(
            {
                "path": str(output),
                "seconds": round(len(samples) / station.sample_rate, 3),
                "song": path.name,
                "new_from": round(begin, 3),
            }
        )
    progress.clear()
    tell(written, options.json)


def morph(options: argparse.Namespace) -> None:
    """Write songs on the way from one file to another."""
    home = Home(options.home)
    check_files(options.files)

    from radio.composer import compile_once
    from radio.station import Station, morphed, write_wav

    station = Station.load(home.known_station(options.station or STARTER))
    target = Target(options.output, single=options.count == 1)
    compile_once()
    sounds = [read(path, station.sample_rate) for path in options.files]
    first, second = (path.stem for path in options.files)
    progress, written = Progress(), []
    shares = np.linspace(0, 1, options.count) if options.count > 1 else np.ones(1)
    for number, share in enumerate(shares.tolist(), 1):
        progress.show(f"song {number} of {options.count}")
        way = {"song": share * options.song, "events": share * options.events}
        samples = morphed(
            station,
            *sounds,
            z=way["song"],
            innovations=way["events"],
            bpm=(options.bpm, options.bpm),
        )
        name = f"{first}-{second}" if options.count == 1 else f"{first}-{second}-{number:02d}"
        output = write_wav(target.path(name, source=options.files[0]), samples, station.sample_rate)
        written.append(
            {
                "path": str(output),
                "seconds": round(len(samples) / station.sample_rate, 3),
                "song": f"{first} to {second}",
                "shares": way,
            }
        )
    progress.clear()
    tell(written, options.json)
