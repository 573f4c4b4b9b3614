"""`ai-radio map`: a picture of a station's songs, those it makes and those a listener rated."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from radio.errors import UsageError
from radio.home.folder import STARTER, Home, check_name

if TYPE_CHECKING:
    from radio.ratings.database import Rating
    from radio.station.station import Station


def map(options: argparse.Namespace) -> None:
    """Draw the map of a station into a file."""
    from audio_parsing.plots import KINDS
    from radio.station.latent_map import plot_latent_map
    from radio.station.station import Station

    output: Path = options.output.expanduser()
    if output.suffix.lower() not in KINDS or output.is_dir():
        raise UsageError(
            f"{output} is not the name of a picture; give one that ends in {', '.join(KINDS)}"
        )
    home = Home(options.home)
    listener = check_name(options.listener or "me", "listener")
    station = Station.load(home.station(options.station or STARTER))
    rated = _ratings(home, listener, station)
    made = (
        station.sample(options.count, np.random.default_rng(options.seed))
        if options.count
        else np.zeros((0, station.size))
    )
    size, names = station.latent_size, station.details.get("songs")
    output.parent.mkdir(parents=True, exist_ok=True)
    plot_latent_map(
        station.means,
        generated=made[:, :size],
        rated=np.array([each.coordinate[:size] for each in rated]).reshape(-1, size),
        ratings=np.array([each.rating for each in rated]),
        names=[str(name) for name in names] if isinstance(names, list) else None,
        title=f"Station {station.name}",
        path=output,
    )
    said = f"{len(rated) or 'none'} rated by {listener}"
    print(f"{output}  {len(station.means)} songs learned, {len(made)} made, {said}")


def _ratings(home: Home, listener: str, station: Station) -> list[Rating]:
    """Return a listener's ratings of songs that the station as it is now makes; no database is made where there is none."""
    from radio.ratings.database import Ratings
    from radio.station.song_file import station_fingerprint

    if not (home.path / "ratings.db").exists():
        return []
    ratings = Ratings(home.path / "ratings.db")
    try:
        made_by = station_fingerprint(station)
        return [
            each
            for each in ratings.of(listener, station.name)
            if each.made_by == made_by and len(each.coordinate) == station.size
        ]
    finally:
        ratings.close()
