"""What `ai-radio doctor --fix` repairs in a home. Nothing that a listener made is deleted.

    for each in repairs(home):    Repair(problem, remedy, carry_out)

config.toml with a mistake      moved aside; the defaults apply
ratings of which none can be read   moved aside; a new database begins
a last session on a station that can't be played   the next one begins with the shipped station
files that a killed process left unfinished   deleted, once they are an hour old
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from audio_parsing.cache import ABANDONED
from radio.home import STARTER, Home, read_settings, write_json
from radio.home.settings import SettingsError
from radio.ratings import DamagedRatings, RatingsError, open_ratings
from radio.session import read_last
from radio.station import Station, StationError

UNFINISHED = (".tmp", ".part")


@dataclass(frozen=True)
class Repair:
    """A problem of a home and what ends it.

    Attributes:
        problem: one line.
        remedy: what `carry_out` does, one line.
        carry_out: raises an OSError if it can't.
        stops: whether the radio can't start before.
    """

    problem: str
    remedy: str
    carry_out: Callable[[], object]
    stops: bool = True


def repairs(home: Home) -> Iterator[Repair]:
    """Yield the problems of a home that can be repaired."""
    yield from _settings(home.path / "config.toml")
    yield from _ratings(home.path / "ratings.db")
    yield from _last_session(home)
    yield from _unfinished(home.path)


def _settings(path: Path) -> Iterator[Repair]:
    try:
        read_settings(path)
    except SettingsError as error:
        yield _moved_aside(path, str(error), "the defaults apply")


def _ratings(path: Path) -> Iterator[Repair]:
    if not path.exists():
        return
    try:
        open_ratings(path).close()
    except RatingsError as error:
        # Another program's, a newer version's and a busy one are in order.
        if isinstance(error.__context__, DamagedRatings):
            yield _moved_aside(path, str(error), "a new database begins")


def _last_session(home: Home) -> Iterator[Repair]:
    path = home.path / "session.json"
    last = read_last(path)
    try:
        Station.load(home.station(last.station))
    except (StationError, ValueError) as error:
        if last.station != STARTER:
            content = replace(last, station=STARTER, song=None)
            yield Repair(
                f"the last session can't be resumed: {error}",
                f"the next session begins with station {STARTER}",
                lambda: write_json(path, vars(content)),
            )


def _unfinished(folder: Path) -> Iterator[Repair]:
    found = [
        path
        for path in folder.rglob(".*")
        if path.suffix in UNFINISHED
        and not path.is_symlink()
        and path.is_file()
        and time.time() - path.stat().st_mtime > ABANDONED
    ]
    if found:
        size = sum(path.stat().st_size for path in found)

        def delete() -> None:
            for path in found:
                path.unlink(missing_ok=True)

        problem = f"killed processes left {len(found)} unfinished files, {size / 1e6:.1f} MB"
        yield Repair(problem, "they are deleted", delete, stops=False)


def _moved_aside(path: Path, problem: str, then: str) -> Repair:
    aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")

    def move() -> None:
        for ending in ("-wal", "-shm", ""):  # a database's log first: it goes with its database
            if (file := path.with_name(path.name + ending)).exists():
                os.replace(file, aside.with_name(aside.name + ending))

    return Repair(problem, f"it is kept as {aside.name}; {then}", move)
