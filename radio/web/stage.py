"""What the commands of a page act on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radio.composer import Song
from radio.session import Session
from radio.web.browser_player import BrowserPlayer
from radio.web.map import LatentView


@dataclass
class Stage:
    """A session, and what a page knows of it.

    Attributes:
        session: that is controlled.
        player: of the session.
        songs: the latest songs, by the key of their play.
        played: name and coordinate of every song of this session, by key.
        places: the map of the station; None until it is made.
    """

    session: Session
    player: BrowserPlayer
    songs: dict[str, Song]
    played: dict[str, tuple[str, np.ndarray]]
    places: LatentView | None = None

    def coordinate_at(self, x: float, y: float) -> np.ndarray:
        """Return the coordinate P (D,) at a place of the map.

        Raises:
            ValueError: if there is no map yet.
        """
        if self.places is None:
            raise ValueError("there is no map yet; try again in a moment")
        return self.places.coordinate_at((x, y))
