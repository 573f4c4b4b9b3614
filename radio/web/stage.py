"""What the commands of a page act on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from radio.composer import Song
from radio.session import Session
from radio.web.browser_player import BrowserPlayer


@dataclass
class Stage:
    """A session, and what a page knows of it.

    Attributes:
        session: that is controlled.
        player: of the session.
        songs: the latest songs, by the key of their play.
        played: name and coordinate of every song of this session, by key.
        coordinate_at: returns the coordinate P (D,) at a place (x, y) of the map.
    """

    session: Session
    player: BrowserPlayer
    songs: dict[str, Song]
    played: dict[str, tuple[str, np.ndarray]]
    coordinate_at: Callable[[float, float], np.ndarray]
