"""A listener's wish for more songs like one, or for fewer: it narrows the candidates to a share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WISHED_SONGS = 3  # the next ones; chosen, not measured
SHARE = 32  # of so many coordinates one is kept; docs/taste.md measures 8 and 32


@dataclass(eq=False)
class Wish:
    """What the next songs are to be like.

    Attributes:
        coordinate: P (D,) of the song.
        song: its name.
        more: whether songs like it are wished for; songs unlike it if False.
        songs: how many of the next ones are to answer it.
    """

    coordinate: np.ndarray
    song: str
    more: bool
    songs: int = WISHED_SONGS

    def __str__(self) -> str:
        """Return it as the reason why a song was chosen."""
        return f"{'more' if self.more else 'less'} like {self.song}"

    def of(self, coordinates: np.ndarray, latent_size: int) -> np.ndarray:
        """Return the n / SHARE of P (n, D) whose z is nearest to the song's, or farthest."""
        away = coordinates[:, :latent_size] - self.coordinate[:latent_size]
        distance = np.square(away).sum(axis=1) * (1 if self.more else -1)
        return coordinates[np.argsort(distance, kind="stable")[: len(coordinates) // SHARE]]
