"""`ai-radio listener seed`, `seeds` and `unseed`: music that a taste begins with."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from radio.cli.progress import Progress
from radio.errors import UsageError, explain
from radio.home import STARTER, Home, check_name
from radio.ratings import Rating, Ratings

if TYPE_CHECKING:
    from radio.station import Station

LONGEST_NAME = 60  # letters of a file's name that are kept


def seed(options: argparse.Namespace, ratings: Ratings, home: Home, name: str) -> None:
    """Take music, or a listener's ratings on another station, as ratings on a station.

    Raises:
        UsageError: if there is nothing that can be taken.
    """
    known = home.known_station(options.station or STARTER)
    if not (options.files or options.from_station):
        raise UsageError(f"which music? ai-radio listener seed {name} FILES OR FOLDERS")
    from audio_parsing.finding import find_music

    paths = find_music(options.files, on_skip=_skipped)
    if options.files and not paths:
        raise UsageError(f"there is no music in {options.files[0]}")

    from radio.station import Station

    station = Station.load(known)
    before = {one.key: one for one in seeds_of(ratings, name, station.name)}
    taken = _of_music(ratings, station, name, paths, before)
    if options.from_station:
        from radio.composer.seeds import seeds_of_station

        other = Station.load(home.known_station(options.from_station))
        for rating, frames in seeds_of_station(ratings, station, other, name):
            _write(ratings, rating, frames)
            taken.append(rating)
        if not taken:
            raise UsageError(f"{name} has no ratings on station {other.name} with their sound")
    if paths and not taken:
        raise UsageError("none of these files could be read")
    what = f"learned when {name} next plays station {station.name}"
    _tell(taken, what, options)


def list_seeds(options: argparse.Namespace, ratings: Ratings, name: str) -> None:
    """List the seeds of a listener."""
    _tell(_chosen(options, ratings, name), "", options)


def unseed(options: argparse.Namespace, ratings: Ratings, name: str) -> None:
    """Take the seeds of a listener back, of one station or of all."""
    found = _chosen(options, ratings, name)
    for one in found:
        ratings.remove(one.key)
    _tell(found, "taken back", options)


def seeds_of(ratings: Ratings, name: str, station: str) -> list[Rating]:
    """Return the seeds of a listener on a station, oldest first; those that were written whole."""
    whole = ratings.with_sound(name, station)
    return [one for one in ratings.of(name, station) if one.seed and one.key in whole]


def _of_music(
    ratings: Ratings, station: Station, name: str, paths: list[Path], before: dict[str, Rating]
) -> list[Rating]:
    """Encode files and write each as it comes, so that a command that was killed goes on."""
    if not paths:
        return []
    from radio.cli.commands.reconstruct import read
    from radio.composer import compile_once
    from radio.composer.seeds import seed_key, seed_of_music

    compile_once()
    progress, taken = Progress(), []
    for number, path in enumerate(paths, 1):
        progress.show(f"{number} of {len(paths)}  {path}")
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            key = seed_key(digest, name, station.name)
            song = "".join(letter for letter in path.stem if letter.isprintable())[:LONGEST_NAME]
            if key in before:
                taken.append(before[key])
                continue
            samples = read(path, station.sample_rate)
            rating, frames = seed_of_music(station, samples, listener=name, song=song, key=key)
        except (OSError, ValueError) as error:
            line = explain(error)
            if line is None:
                raise
            progress.clear()
            _skipped(line)
            continue
        _write(ratings, rating, frames)
        taken.append(rating)
    progress.clear()
    return taken


def _write(ratings: Ratings, rating: Rating, frames: bytes) -> None:
    # A kill between the two leaves a rating without sound, which counts as none.
    ratings.write(rating)
    ratings.write_sound(rating.key, frames)


def _chosen(options: argparse.Namespace, ratings: Ratings, name: str) -> list[Rating]:
    if options.station is not None:
        check_name(options.station, "station")
    stations = {station for who, station, _ in ratings.listeners() if who == name}
    chosen = sorted(stations if options.station is None else stations & {options.station})
    return [one for station in chosen for one in seeds_of(ratings, name, station)]


def _tell(seeds: list[Rating], what: str, options: argparse.Namespace) -> None:
    if options.json:
        rows = [
            {"station": one.station, "song": one.song, "from": one.seed, "rating": one.rating}
            for one in seeds
        ]
        json.dump({"action": options.action, "listener": options.name, "seeds": rows}, sys.stdout)
        print()
        return
    for one in seeds:
        print(f"{one.station:12}  {one.rating:+.2f}  {one.seed:22}  {one.song}")
    end = f", {what}" if what else f" of {options.name}"
    print(f"{len(seeds)} seed{'s' * (len(seeds) != 1)}{end}")


def _skipped(line: str) -> None:
    print(f"ai-radio: {line}", file=sys.stderr)
