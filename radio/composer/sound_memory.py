"""Remembers how rated songs sounded, so that they can be heard again when the station that made them has been trained again.

memory = SoundMemory(said, maker)
memory.keep(key, steps)               beside the rating of a play
memory.keep_missing(ratings)          of ratings that were given when no sound was kept, while the station still makes their songs
memory.before() -> [(rating, heard)]  of what was rated before the station was trained again
"""

from __future__ import annotations

import contextlib

import numpy as np

from radio.composer.song_maker import Heard, SongMaker
from radio.ratings.database import MOST_SOUNDS, Rating, RatingsError
from radio.ratings.journal import Said
from radio.ratings.sound_codec import pack, unpack


class SoundMemory:
    """See the module's contract.

    Args:
        said: the listener's ratings on the station.
        maker: of the station's songs, who hears them for the taste.
    """

    def __init__(self, said: Said, maker: SongMaker) -> None:
        self._said = said
        self._maker = maker
        self._columns = maker.station.coordinates.shape[1]  # of a coordinate beside z

    def keep(self, key: str, steps: np.ndarray) -> None:
        """Keep the steps (S, F) of a play that has a rating."""
        # A database that is held loses nothing: what is missing is kept when the next session
        # begins.
        with contextlib.suppress(RatingsError):
            self._said.ratings.keep_sound(key, pack(steps, beside=self._columns))

    def keep_missing(self, ratings: list[Rating]) -> None:
        """Keep the sound of songs that the station still makes, the latest MOST_SOUNDS."""
        kept = self._said.ratings.with_sound(self._said.listener, self._said.station)
        for rating in ratings[-MOST_SOUNDS:]:
            if rating.key not in kept:
                self.keep(
                    rating.key,
                    self._maker.decode(np.asarray(rating.coordinate, np.float32)[None])[:, 0],
                )

    def before(self) -> list[tuple[Rating, Heard]]:
        """Return the ratings from before the station was trained again whose songs can still be heard, oldest first."""
        found = []
        for rating in self._said.before():
            sound = unpack(self._said.ratings.sound(rating.key) or b"")
            fits = sound is not None and sound[1] == self._columns <= len(rating.coordinate)
            if (
                sound is not None
                and fits
                and sound[0].shape[1] == self._maker.station.critic.features
            ):
                beside = np.asarray(rating.coordinate, np.float32)[
                    len(rating.coordinate) - self._columns :
                ]
                found.append((rating, self._maker.hear_again(sound[0], beside)))
        return found
