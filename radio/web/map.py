"""The map of a station for pages: training songs, played songs and the descent, in a plane.

The plane is that of radio/station/latent_map.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from radio.ratings import Rating
from radio.session import Session
from radio.station import Station, principal_directions

MOST_LEARNED = 400  # dots; more would show no more


class LatentView:
    """The plane of a station's first two principal components.

    Args:
        station: whose training songs define the plane.

    Attributes:
        share: of the songs' variance that the plane shows, 0 to 1.
        learned: places of the training songs.
    """

    def __init__(self, station: Station) -> None:
        self._station, self._size = station, station.latent_size
        means = station.means.astype(float)
        self._middle = means.mean(axis=0)
        self._directions, shares = principal_directions(means)
        self.share = round(float(shares.sum()), 3)
        self._scale = 1.0
        learned = self.places(means)
        self._scale = 1 / max(float(np.quantile(np.linalg.norm(learned, axis=1), 0.98)), 1e-9)
        step = -(-len(learned) // MOST_LEARNED)
        self.learned = _rounded(self.places(means)[::step])
        extra = station.coordinates.astype(float)
        self._rest = np.median(extra, axis=0) if extra.size else np.zeros(extra.shape[1])

    def places(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the places (n, 2) of coordinates P (n, D) or z (n, Z); most songs are within 1."""
        flat = np.asarray(coordinates, float).reshape(-1, np.shape(coordinates)[-1])[
            :, : self._size
        ]
        return (flat - self._middle) @ self._directions * self._scale

    def coordinate_at(self, place: tuple[float, float]) -> np.ndarray:
        """Return the coordinate P (D,) at a place (x, y): median tempo and key, always one seed."""
        z = self._middle + self._directions @ (np.asarray(place, float) / self._scale)
        return self._station.at(z[None], self._rest[None])[0]

    def dot(
        self, key: str, name: str, coordinate: np.ndarray, rating: float | None
    ) -> dict[str, Any]:
        """Return the song of a coordinate P (D,) as a dot."""
        x, y = _rounded(self.places(np.asarray(coordinate)[None]))[0]
        return {"key": key, "name": name, "x": x, "y": y, "rating": rating}

    def dots(self, ratings: list[Rating], played: dict[str, Any]) -> list[dict[str, Any]]:
        """Return all rated songs, and the songs of this session that are unrated, as dots.

        Args:
            ratings: of the listener.
            played: songs of this session by the key of their play.
        """
        rated = [
            self.dot(one.key, one.song, one.coordinate, round(one.rating, 3))
            for one in ratings
            if len(one.coordinate) >= self._size
        ]
        known = {one["key"] for one in rated}
        return rated + [
            self.dot(key, name, place, None)
            for key, (name, place) in played.items()
            if key not in known
        ]

    def part(
        self, session: Session, played: list[dict[str, Any]], place: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Return the content of the map.

        Args:
            session: that is shown.
            played: dots of the songs that were played.
            place: dot of the song that is on, or None.
        """
        if place is not None and all(one["key"] != place["key"] for one in played):
            played = [*played, place]
        finals = session.finals
        final = finals.song
        return {
            "learned": self.learned,
            "share": self.share,
            "played": played,
            "now": place and place["key"],
            "paths": self.paths(np.array(finals.descent or np.zeros((0, 0, 0)))),
            "final": final and self.dot(final.key, final.name, final.latent, None),
            "running": finals.running,
        }

    def paths(self, descent: np.ndarray) -> list[list[list[float]]]:
        """Return the paths of a descent (steps, starts, D) as lists of places (steps, 2)."""
        return (
            [_rounded(self.places(descent[:, start])) for start in range(descent.shape[1])]
            if descent.size
            else []
        )


def _rounded(places: np.ndarray) -> list[list[float]]:
    return [[round(float(x), 4), round(float(y), 4)] for x, y in places]
