"""Finds the station that makes the song of a share code."""

from __future__ import annotations

from radio.home import Home
from radio.station import ShareCodeError, SharedSong, Station, StationError, station_fingerprint


def station_of(home: Home, shared: SharedSong, chosen: str | None = None) -> Station:
    """Return the station of a home that makes a shared song, whatever its name is here.

    Args:
        home: whose stations are tried, that of the song's station's name first.
        shared: what the code says.
        chosen: name of the only station to try; None for all.

    Raises:
        ShareCodeError: if there is none; the message says which is needed.
    """
    stations = home.stations()
    names = sorted(stations, key=lambda name: name != shared.station)
    for name in names if chosen is None else [chosen]:
        try:
            station = Station.load(home.known_station(name))
        except (OSError, StationError):
            continue  # a damaged station is no reason not to try the others
        if station_fingerprint(station) == shared.made_by and station.makes(shared.coordinate):
            return station
    if chosen is not None and chosen != shared.station:
        why = f"station {chosen} is another"
    elif shared.station in stations:
        why = "the station of that name here was trained otherwise"
    else:
        why = f"which is not here (stations here: {', '.join(stations) or 'none yet'})"
    raise ShareCodeError(
        f"{shared.needs}; {why}; ask for that station's folder and put it into "
        f"{home.path / 'stations'}"
    )
