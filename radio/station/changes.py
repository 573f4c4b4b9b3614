"""Changed innovations: a part of a song's coordinate P that no seed draws any more.

    P = [z; course; tempo; key; start; stop; eps_start ... eps_(stop - 1); start; stop; ...]

P of a changed song is longer than that of others, by any number of stretches: each has the steps at
which it starts and stops, and the innovations of these steps as they are. They are drawn from the
network's state before them, and behind them the song goes on as it was (arrangement.py of
neural_networks/vae). So whatever keeps P keeps them, exactly. Zeros at the end change nothing: they
make the P of several songs equally long.

Letters: S steps, E innovations of a step, D values of P without changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

MOST_STEPS = 4096  # of a song; docs/songs.md allows 1024 beats


def stretches_of(values: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the start and the innovations (n, E) of each stretch.

    Args:
        values: the end (n,) of P, after its D values.
        size: E.

    Raises:
        ValueError: if they are no stretches.
    """
    place = 0
    while place < len(values) and values[place:].any():
        start, stop = (float(value) for value in [*values[place : place + 2], 0][:2])
        end = place + 2 + round(stop - start) * size
        whole = start.is_integer() and stop.is_integer() and 0 <= start < stop <= MOST_STEPS
        if not whole or end > len(values):
            raise ValueError("the changed innovations of a song are damaged")
        yield int(start), np.asarray(values[place + 2 : end], np.float32).reshape(-1, size)
        place = end


def changed(coordinate: np.ndarray, size: int, start: int, stretch: np.ndarray) -> np.ndarray:
    """Return P with the innovations of a stretch; earlier ones that lie within it are dropped.

    Args:
        coordinate: P, with or without changes.
        size: D.
        start: step.
        stretch: innovations (n, E).
    """
    stop = start + len(stretch)
    kept = [
        (at, one)
        for at, one in stretches_of(coordinate[size:], stretch.shape[1])
        if not start <= at <= at + len(one) <= stop
    ]
    parts = [
        np.concatenate([[at, at + len(one)], one.ravel()]) for at, one in [*kept, (start, stretch)]
    ]
    return np.concatenate([coordinate[:size], *parts]).astype(np.float32)


def stacked(coordinates: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Return P of n songs, of D or more values each, as one array (n, W), the shorter padded.

    Args:
        coordinates: n of them, (D + changes,) each.
        size: D.
    """
    length = max((len(one) for one in coordinates), default=size)
    padded = [np.pad(np.asarray(one, np.float32), (0, length - len(one))) for one in coordinates]
    return np.array(padded, np.float32).reshape(len(padded), length)


def trimmed(coordinate: np.ndarray, size: int, innovation_size: int) -> np.ndarray:
    """Return P (D + changes,) without the zeros of `stacked`: one P, and one name, for a song.

    Args:
        coordinate: P (W,).
        size: D.
        innovation_size: E.
    """
    used = sum(2 + one.size for _, one in stretches_of(coordinate[size:], innovation_size))
    return coordinate[: size + used]
