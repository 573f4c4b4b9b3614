"""Simulated listeners, who rate the sound of songs by a slider: late, noisily, with a drift.

    listeners(count, pool sound, seed) -> one of each family in turn, every third bent
    changing(count, ...) -> listeners who change their mind
    listener.liking(sound (n, S), heard) -> (n,) true liking, in standard deviations of the pool
    listener.curve(windows, sound, heard, rng) -> (k, 2) seconds and slider

Four families, of which the first likes what the taste's features measure too; the columns are those
of taste_sound.py:

    sound     0.85 of a random direction over log spectral centroid, onset rate and pitch, 0.5 of
              one over the means and spreads of the log-mel levels
    movement  a direction over attacks, roll-off, pitch focus, share of the low, movement of the
              loudness and the pitch of the loudest partial
    form      one over length, tempo, number of different sections and share of those that return
    tags      one over the log odds of a tagger's fifty tags, if it is installed

Each direction has spread 1 over the pool. Of the bent ones the first is -(a - c)^2: the middle is
best, or somewhere near it. A listener's slider shows OFFSET and drift of their own, moves late and
not at once, and says the same song's rating with an error of half the spread of all ratings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.taste_sound import FORM, LEVELS, OTHERS, OURS, TAGS

SPREAD = 0.4  # of the slider over a station's songs
SONG_NOISE = 0.2  # of the slider, the same for a whole song
HAND_NOISE = 0.04  # of the slider, at every moment
OFFSET = 0.2  # spread of where a listener's middle lies
SESSION_DRIFT = 0.01  # of that middle with every song, at most
SONG_DRIFT = 0.15  # spread of what the slider creeps during a song
MOMENT_SHARE = 0.3  # of what a moment differs from its song is told by the slider
DELAYS = 0.5, 3.0  # seconds
FIRST_TOUCH = 2.0  # seconds until there is an opinion, before the delay
SPEED = 0.6  # of the slider, a second
CHANGE = 15  # songs until those who change their mind do
# columns of the sound that a family likes: the first direction's, and the second's
FAMILIES: dict[str, tuple[slice, slice | None]] = {
    "sound": (OURS, LEVELS),
    "movement": (OTHERS, None),
    "form": (FORM, None),
    "tags": (TAGS, None),
}
SHARES = 0.85, 0.5  # of the two directions


@dataclass
class Mind:
    """What somebody likes.

    Attributes:
        first: direction over the family's first columns.
        second: over its second ones; empty if it has none.
        middle: what value of the first is best; None if the more the better.
        scales: means and spreads over the pool of the two directions' values, the bend among them.
    """

    first: np.ndarray
    second: np.ndarray
    middle: float | None
    scales: list[tuple[float, float]] = field(default_factory=list)


class Listener:
    """A simulated listener.

    Args:
        pool: (n, S) sound of a station's songs, which say what is usual.
        rng: draws what they like, and how they use a slider.
        family: what they judge by.
        bent: whether the middle is best.
        changes: whether they like something else after CHANGE songs.
    """

    def __init__(
        self,
        pool: np.ndarray,
        rng: np.random.Generator,
        *,
        family: str = "sound",
        bent: bool = False,
        changes: bool = False,
    ) -> None:
        self.family, self.bent, self.changes = family, bent, changes
        self._columns = FAMILIES[family]
        self._mean, self._deviation = pool.mean(axis=0), np.maximum(pool.std(axis=0), 1e-9)
        self._minds = [self._mind(pool, rng) for _ in range(2 if changes else 1)]
        self.offset = OFFSET * rng.standard_normal()
        self.drift = SESSION_DRIFT * rng.uniform(-1, 1)
        self.delay = rng.uniform(*DELAYS)

    def liking(self, sound: np.ndarray, heard: int = 0) -> np.ndarray:
        """Return the true liking (n,) of songs (n, S) once `heard` songs were heard."""
        return self._value(self._minds[int(self.changes and heard >= CHANGE)], sound)

    def rating(
        self, windows: np.ndarray, sound: np.ndarray, heard: int, rng: np.random.Generator
    ) -> float:
        """Return a rating in one number, as noisy as the curves are."""
        told = (
            self.offset
            + self.drift * heard
            + SPREAD * self.liking(sound[None], heard)[0]
            + SONG_NOISE * rng.standard_normal()
        )
        return float(np.clip(told, -1, 1))

    def curve(
        self, windows: np.ndarray, sound: np.ndarray, heard: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Return the slider's curve (k, 2) over a song of seconds (windows, FACTS)."""
        mind = self._minds[int(self.changes and heard >= CHANGE)]
        moments = np.tile(sound, (len(windows), 1))
        moments[:, : windows.shape[1]] = windows
        liking = self.liking(sound[None], heard)[0]
        moment = MOMENT_SHARE * (self._value(mind, moments) - liking)
        moment = np.convolve(np.pad(moment, 1, mode="edge"), np.ones(3) / 3, "valid")
        seconds = np.arange(0, len(windows), 0.5)
        told = (
            self.offset
            + self.drift * heard
            + SPREAD
            * (liking + np.interp(seconds - self.delay - 0.5, np.arange(len(windows)), moment))
        )
        told += SONG_NOISE * rng.standard_normal() + SONG_DRIFT * rng.standard_normal() * (
            seconds / seconds[-1] - 0.5
        )
        told += HAND_NOISE * rng.standard_normal(len(seconds))
        slider, points = 0.0, []
        for second, wanted in zip(seconds, np.clip(told, -1, 1), strict=True):
            if second >= FIRST_TOUCH + self.delay:
                slider += float(np.clip(wanted - slider, -SPEED / 2, SPEED / 2))
                points.append((second, round(slider, 2)))
        return np.array(points).reshape(-1, 2)

    def _mind(self, pool: np.ndarray, rng: np.random.Generator) -> Mind:
        first, second = (
            rng.standard_normal(0 if part is None else pool[:, part].shape[1])
            for part in self._columns
        )
        middle = float(rng.uniform(-0.7, 0.7)) if self.bent else None
        mind = Mind(first / np.linalg.norm(first), second, middle, [(0.0, 1.0)] * 4)
        # Each scale needs those before it.
        for place in range(4):
            values = self._values(mind, pool)[place]
            mind.scales[place] = float(values.mean()), max(float(values.std()), 1e-9)
        return mind

    @staticmethod
    def _bent(mind: Mind, value: np.ndarray) -> np.ndarray:
        return value if mind.middle is None else -np.square(value - mind.middle)

    def _value(self, mind: Mind, sound: np.ndarray) -> np.ndarray:
        mean, spread = mind.scales[3]
        return (self._values(mind, sound)[3] - mean) / spread

    def _values(self, mind: Mind, sound: np.ndarray) -> list[np.ndarray]:
        """Return both directions' values, the first one bent, and their sum, unscaled."""
        standard = (sound - self._mean) / self._deviation
        raw = [
            np.zeros(len(sound)) if part is None else standard[:, part] @ direction
            for part, direction in zip(self._columns, (mind.first, mind.second), strict=True)
        ]
        first, second = (
            (x - mean) / spread for x, (mean, spread) in zip(raw, mind.scales[:2], strict=True)
        )
        bent = self._bent(mind, first)
        mean, spread = mind.scales[2]
        whole = SHARES[0] * (bent - mean) / spread + SHARES[1] * second
        return [*raw, bent, whole]


def listeners(
    count: int, pool: np.ndarray, seed: int, *, families: Sequence[str] | None = None
) -> list[Listener]:
    """Return listeners of each family in turn, every third bent; those of tags if there are any."""
    if families is None:
        families = [name for name, (part, _) in FAMILIES.items() if pool[:, part].size]
    return [
        Listener(
            pool,
            np.random.default_rng([seed, number]),
            family=families[number % len(families)],
            bent=number // len(families) % 3 == 2,
        )
        for number in range(count)
    ]


def changing(count: int, pool: np.ndarray, seed: int) -> list[Listener]:
    """Return listeners who change their mind after CHANGE songs."""
    return [
        Listener(pool, np.random.default_rng([seed, 1000 + number]), changes=True)
        for number in range(count)
    ]
