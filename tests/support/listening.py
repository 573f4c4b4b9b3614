"""A listener with a composer and no player: each rating is written first, then learned."""

from __future__ import annotations

import numpy as np

from radio.composer import Composer, Song
from radio.ratings import Rating


def rate(
    composer: Composer, song: Song, curve: np.ndarray | float, *, skipped: bool = False
) -> float | None:
    """Rate a song and return the rating; None if there is none."""
    rating = composer.journal.rate(song, curve, skipped=skipped)
    composer.changed(song.key)
    return None if rating is None else rating.rating


def undo(composer: Composer) -> Rating | None:
    """Take the latest rating back and return it."""
    rating = composer.journal.undo()
    if rating is not None:
        composer.changed(rating.key)
    return rating


def change(composer: Composer, key: str, value: float) -> None:
    """Rate a play anew."""
    composer.journal.change(key, value)
    composer.changed(key)


def delete(composer: Composer, key: str) -> None:
    """Delete the rating of a play."""
    composer.journal.delete(key)
    composer.changed(key)
