"""Remembers the latest songs of a session, so that none of them is played again.

Two songs are the same if their first COMPARED_STEPS correlate 0.95 or more: half a minute, so that
songs of any length compare. Remembered are their components, in half precision: 65 kB a song.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from radio.station import Station

# Ten hours of songs of two minutes, 27 MB: a radio that is never turned off takes no more memory
# from day to day (docs/reliability.md, benchmarks/soak.py).
MAX_REMEMBERED_SONGS = 300
COMPARED_STEPS = 256  # of each song; chosen, not measured
MAX_CORRELATION = 0.95  # of songs that count as different; chosen, not measured
TRIES = 20  # a station may know only one song; then the least similar of so many is taken


def sample_distinct(
    station: Station, rng: np.random.Generator, *, beats: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw songs without end, (P (D,), steps (S, 1, F)), each unlike all before it."""
    earlier = RememberedSongs()
    while True:
        best: tuple[float, np.ndarray, np.ndarray] | None = None
        for _ in range(TRIES):
            coordinate = station.sample(1, rng)
            steps = station.decode(coordinate, beats=station.beats_of(coordinate[0], beats))
            correlation = earlier.max_correlation(steps[:, 0])
            if best is None or correlation < best[0]:
                best = correlation, coordinate[0], steps
            if correlation < MAX_CORRELATION:
                break
        assert best is not None
        earlier.add(best[2][:, 0])
        yield best[1], best[2]


class RememberedSongs:
    """Compare a song with earlier ones.

    Args:
        most: how many of the latest songs are remembered; all if None.
    """

    def __init__(self, most: int | None = None) -> None:
        self._songs: deque[np.ndarray] = deque(maxlen=most)

    def __len__(self) -> int:
        return len(self._songs)

    def add(self, steps: np.ndarray) -> None:
        """Remember a song, steps (S, F)."""
        self._songs.append(_outline(steps))

    def max_correlation(self, steps: np.ndarray) -> float:
        """Return the highest correlation of a song (S, F) with a remembered one; -1 if none is."""
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
    """Return a song's beginning as a vector of mean 0 and length 1: a product is a correlation."""
    steps = steps[:COMPARED_STEPS]
    values = steps.ravel().astype(np.float64)
    values -= values.mean()
    return (values / max(float(np.linalg.norm(values)), 1e-12)).astype(np.float16)
