"""The songs of a session, the latest of them remembered so that none of those is played again.

Two songs are the same if their frames correlate 0.95 or more. Remembered are frames averaged over a
quarter of a beat, which correlate more than the frames themselves do, in half precision: 90 kB a
song. A session remembers the latest REMEMBERED of them, ten hours of songs of two minutes, so that
a radio that is never turned off takes no more memory from day to day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from radio.station.station import Station

REMEMBERED = 300  # songs
LIKENESS = 0.95  # two songs are different if their frames correlate less
TRIES = 20  # a station may know only one song; then the least alike of so many has to do


def different_songs(
    station: Station, rng: np.random.Generator, *, beats: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw songs without end, (P (D,), steps (S, 1, F)), each unlike all before it."""
    heard = SongsHeard()
    while True:
        best: tuple[float, np.ndarray, np.ndarray] | None = None
        for _ in range(TRIES):
            coordinate = station.sample(1, rng)
            steps = station.decode(coordinate, beats=beats)
            likeness = heard.likeness(steps[:, 0])
            if best is None or likeness < best[0]:
                best = likeness, coordinate[0], steps
            if likeness < LIKENESS:
                break
        assert best is not None
        heard.add(best[2][:, 0])
        yield best[1], best[2]


class SongsHeard:
    """Compare songs with those heard before.

    Args:
        most: so many of the latest are remembered; all if None.
    """

    def __init__(self, most: int | None = None) -> None:
        self._songs: deque[np.ndarray] = deque(maxlen=most)

    def __len__(self) -> int:
        return len(self._songs)

    def add(self, steps: np.ndarray) -> None:
        """Remember a song, steps (S, F) of 6 frames of 181 values each."""
        self._songs.append(_outline(steps))

    def likeness(self, steps: np.ndarray) -> float:
        """Return the highest correlation of a song's steps (S, F) with one heard before; -1 if there is none."""
        outline = _outline(steps).astype(np.float32)
        return max(
            (
                float(outline @ song.astype(np.float32))
                for song in self._songs
                if song.size == outline.size
            ),
            default=-1.0,
        )


def _outline(steps: np.ndarray) -> np.ndarray:
    """Return the song as a vector of mean 0 and length 1, so that a product is a correlation."""
    values = steps.reshape(len(steps), 6, -1).mean(axis=1).ravel().astype(np.float64)
    values -= values.mean()
    return (values / max(float(np.linalg.norm(values)), 1e-12)).astype(np.float16)
