"""Stores the sound of rated songs, so that their ratings can be learned after a retraining.

memory = SoundMemory(journal, maker)
memory.store(key, steps)              beside the rating of a play
memory.store_missing(ratings)         of ratings without a sound, before a retraining
memory.earlier() -> [(rating, input)] of the ratings from before the station was retrained
"""

from __future__ import annotations

import contextlib

import numpy as np

from audio_parsing.analysis import NOTE_BANDS
from audio_parsing.components import FRAMES_PER_STEP
from audio_parsing.frames import EXPONENT, FRAME_SIZE
from radio.composer.song_maker import SongMaker, TasteInput
from radio.ratings import MAX_SOUNDS, Journal, Rating, RatingsError, pack, unpack
from radio.station import STEP_SIZE, to_frames, to_steps

FIRST_FRAME_SIZE = 181  # values of a frame in songs that were stored by the first versions


class SoundMemory:
    """See the module's contract.

    Args:
        journal: the listener's ratings on the station.
        maker: of the station's songs, which computes what the taste learns from.
    """

    def __init__(self, journal: Journal, maker: SongMaker) -> None:
        self._journal = journal
        self._maker = maker
        # tempo and key, the last of a coordinate
        self._columns = maker.station.coordinates.shape[1]

    def store(self, key: str, steps: np.ndarray) -> None:
        """Store the sound of the steps (S, F) of a play that has a rating."""
        frames = to_steps(self._maker.station.model.to_frames(steps[:, None])[0])
        # A locked database loses nothing: what is missing is stored when the next session begins.
        with contextlib.suppress(RatingsError):
            self._journal.ratings.write_sound(key, pack(frames, beside=self._columns))

    def store_missing(self, ratings: list[Rating]) -> None:
        """Store the sound of the latest MAX_SOUNDS songs, where it is missing."""
        journal = self._journal
        stored = journal.ratings.with_sound(journal.listener, journal.station)
        for rating in ratings[-MAX_SOUNDS:]:
            if rating.key not in stored:
                coordinate = np.asarray(rating.coordinate, np.float32)
                self.store(rating.key, self._maker.decode(coordinate)[:, 0])

    def earlier(self) -> list[tuple[Rating, TasteInput]]:
        """Return the ratings from before the retraining that have a sound, oldest first."""
        found = []
        for rating in self._journal.earlier():
            sound = unpack(self._journal.ratings.sound(rating.key) or b"")
            if sound is None:
                continue
            steps, columns = sound
            if steps.shape[1] == FRAMES_PER_STEP * FIRST_FRAME_SIZE:
                steps = _of_first_frames(steps)
            if not columns == self._columns <= len(rating.coordinate):
                continue
            if steps.shape[1] == STEP_SIZE:
                coordinate = np.asarray(rating.coordinate, np.float32)
                # of a changed song, unless the sizes of P changed with the training
                makes = self._maker.station.makes(coordinate)
                end = self._maker.station.size if makes else len(coordinate)
                beside = coordinate[end - columns : end]
                found.append((rating, self._maker.input_of_frames(to_frames(steps), beside)))
        return found


def _of_first_frames(steps: np.ndarray) -> np.ndarray:
    """Return steps (S, 6 * 202) of steps (S, 6 * 181), whose frames had six bands of noise on top.

    Each one's power is shared by the bands that are there now.
    """
    frames = steps.reshape(-1, FIRST_FRAME_SIZE)
    tonal, noise = np.split(frames, [NOTE_BANDS], axis=1)
    parts = np.array_split(np.arange(NOTE_BANDS, FRAME_SIZE), noise.shape[1])
    high = [
        np.repeat(noise[:, k : k + 1] * len(part) ** (-EXPONENT / 2), len(part), axis=1)
        for k, part in enumerate(parts)
    ]
    wide = np.concatenate([tonal, *high], axis=1).astype(np.float32)
    return wide.reshape(len(steps), -1)
