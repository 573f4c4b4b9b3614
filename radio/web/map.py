"""The map of a station as a page draws it: songs it learned, songs that were played, the descent, in the plane of radio/station/latent_map.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from radio.ratings.database import Rating
from radio.station.latent_map import principal_directions
from radio.station.station import Station

MOST_LEARNED = 400  # dots; more of them tell nothing more


class LatentView:
    """The plane in which a station's songs are spread most.

    Args:
        station: whose songs decide it.
    """

    def __init__(self, station: Station) -> None:
        self._size = station.latent_size
        means = station.means.astype(float)
        self._middle = means.mean(axis=0)
        self._directions, _ = principal_directions(means)
        self._scale = 1.0
        learned = self.places(means)
        self._scale = 1 / max(float(np.quantile(np.linalg.norm(learned, axis=1), 0.98)), 1e-9)
        step = -(-len(learned) // MOST_LEARNED)
        self.learned = _rounded(self.places(means)[::step])
        extra = station.coordinates.astype(float)
        self._rest = np.median(extra, axis=0) if extra.size else np.zeros(extra.shape[1])

    def places(self, coordinates: np.ndarray) -> np.ndarray:
        """Return where coordinates P (n, D), or z (n, Z), lie on the map (n, 2): most of the learned songs within 1 of its middle."""
        flat = np.asarray(coordinates, float).reshape(-1, np.shape(coordinates)[-1])[
            :, : self._size
        ]
        return (flat - self._middle) @ self._directions * self._scale

    def coordinate_at(self, place: tuple[float, float]) -> np.ndarray:
        """Return the coordinate P (D,) at a place (x, y) of the map: the plane's own, tempo and key as usual."""
        z = self._middle + self._directions @ (np.asarray(place, float) / self._scale)
        return np.concatenate([z, self._rest]).astype(np.float32)

    def dot(
        self, key: str, name: str, coordinate: np.ndarray, rating: float | None
    ) -> dict[str, Any]:
        """Return the song of a coordinate P (D,) as a dot."""
        x, y = _rounded(self.places(np.asarray(coordinate)[None]))[0]
        return {"key": key, "name": name, "x": x, "y": y, "rating": rating}

    def dots(self, ratings: list[Rating], heard: dict[str, Any]) -> list[dict[str, Any]]:
        """Return every song that was rated, and those that were heard without a word, as dots.

        Args:
            ratings: of the listener.
            heard: songs of this programme by the key of their play.
        """
        rated = [
            self.dot(one.key, one.song, one.coordinate, round(one.rating, 3))
            for one in ratings
            if len(one.coordinate) >= self._size
        ]
        known = {one["key"] for one in rated}
        return rated + [
            self.dot(key, name, place, None)
            for key, (name, place) in heard.items()
            if key not in known
        ]

    def paths(self, descent: np.ndarray) -> list[list[list[float]]]:
        """Return the paths of a descent (steps, starts, D), one after the other, as places (steps, 2) each."""
        return (
            [_rounded(self.places(descent[:, start])) for start in range(descent.shape[1])]
            if descent.size
            else []
        )


def _rounded(places: np.ndarray) -> list[list[float]]:
    return [[round(float(x), 4), round(float(y), 4)] for x, y in places]
