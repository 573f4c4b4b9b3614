"""`ai-radio map`: draw a station's songs, new songs and a listener's ratings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from radio.errors import UsageError
from radio.home import STARTER, Home, check_name

if TYPE_CHECKING:
    from radio.ratings import Rating
    from radio.station import Station


def map(options: argparse.Namespace) -> None:
    """Draw the map of a station to a file."""
    from audio_parsing.canvas import KINDS
    from radio.station import Station, plot_latent_map

    output: Path = options.output.expanduser()
    if output.suffix.lower() not in KINDS or output.is_dir():
        raise UsageError(
            f"{output} is not the name of a picture; give one that ends in {', '.join(KINDS)}"
        )
    home = Home(options.home)
    listener = check_name(options.listener or "me", "listener")
    station = Station.load(home.known_station(options.station or STARTER))
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
    ratings = f"{len(rated) or 'none'} rated by {listener}"
    print(f"{output}  {len(station.means)} training excerpts, {len(made)} new songs, {ratings}")


def _ratings(home: Home, listener: str, station: Station) -> list[Rating]:
    """Return a listener's ratings that fit the station as it is now, without making a database."""
    from radio.ratings import open_ratings
    from radio.station import station_fingerprint

    if not (home.path / "ratings.db").exists():
        return []
    ratings = open_ratings(home.path / "ratings.db")
    try:
        made_by = station_fingerprint(station)
        return [
            each
            for each in ratings.of(listener, station.name)
            if each.made_by == made_by and station.makes(each.coordinate)
        ]
    finally:
        ratings.close()
