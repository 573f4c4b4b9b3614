"""The interface between a generator and a taste: decode coordinates, and go back to them.

decode(P (B, D)) -> steps (S, B, F), what is known of them (B, C + A), backward
backward(dsteps, dknown) -> dP (B, D)        no gradient goes to the A facts of a form
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from radio.station import Station

Backward = Callable[[np.ndarray, np.ndarray], np.ndarray]
Decode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, Backward]]


def through(station: Station) -> Decode:
    """Return the `Decode` of a station's generator."""

    def decode(coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray, Backward]:
        steps, to_coordinates = station.trace(coordinates)

        def backward(dsteps: np.ndarray, dknown: np.ndarray) -> np.ndarray:
            dcoordinates = to_coordinates(dsteps)
            station.beside(dcoordinates)[:] += dknown[:, : station.coordinates.shape[1]]
            return dcoordinates

        return steps, station.known(coordinates), backward

    return decode
