"""Simulated listeners, who rate the sound of songs by a slider: late, noisily, with a drift.

    listeners(count, pool sound, seed) -> straight ones, every fourth bent
    changing(count, ...) -> listeners who change their mind
    listener.liking(sound (n, SOUND_FACTS), heard) -> (n,) true liking, in standard deviations of
    the station's songs listener.curve(windows, heard, rng) -> (k, 2) seconds and slider

True liking is 0.85 a + 0.5 b: a is a random direction over log spectral centroid, onset rate and
mean pitch, b one over the means and spreads of the log-mel levels, each with spread 1 over the
pool. Of the bent ones a is -(a - c)^2: the middle is best, or somewhere near it. A listener's
slider shows OFFSET and drift of their own, moves late and not at once, and says the same song's
rating with an error of half the spread of all ratings.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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


@dataclass
class Mind:
    """What somebody likes.

    Attributes:
        facts: (3,) direction over centroid, onsets and pitch.
        levels: (2 MELS,) direction over the log-mel levels.
        middle: what value of the first is best; None if the more the better.
        scales: means and spreads over the pool of the two directions' values, the bend among them.
    """

    facts: np.ndarray
    levels: np.ndarray
    middle: float | None
    scales: list[tuple[float, float]] = field(default_factory=list)


class Listener:
    """A simulated listener.

    Args:
        pool: (n, SOUND_FACTS) of a station's songs, which say what is usual.
        rng: draws what they like, and how they use a slider.
        bent: whether the middle is best.
        changes: whether they like something else after CHANGE songs.
    """

    def __init__(
        self,
        pool: np.ndarray,
        rng: np.random.Generator,
        *,
        bent: bool = False,
        changes: bool = False,
    ) -> None:
        self.bent, self.changes = bent, changes
        self._mean, self._deviation = pool.mean(axis=0), np.maximum(pool.std(axis=0), 1e-9)
        self._minds = [self._mind(pool, rng) for _ in range(2 if changes else 1)]
        self.offset = OFFSET * rng.standard_normal()
        self.drift = SESSION_DRIFT * rng.uniform(-1, 1)
        self.delay = rng.uniform(*DELAYS)

    def liking(self, sound: np.ndarray, heard: int = 0) -> np.ndarray:
        """Return the true liking (n,) of songs (n, SOUND_FACTS) once `heard` songs were heard."""
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
        """Return the slider's curve (k, 2) over a song of seconds (windows, 3 + MELS)."""
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
        facts, levels = rng.standard_normal(3), rng.standard_normal(pool.shape[1] - 3)
        mind = Mind(
            facts / np.linalg.norm(facts),
            levels,
            float(rng.uniform(-0.7, 0.7)) if self.bent else None,
        )
        standard = (pool - self._mean) / self._deviation
        first, second = standard[:, :3] @ mind.facts, standard[:, 3:] @ mind.levels
        mind.scales = [
            (float(first.mean()), float(first.std())),
            (float(second.mean()), float(second.std())),
        ]
        bent = self._bent(mind, (first - first.mean()) / first.std())
        mind.scales.append((float(bent.mean()), float(bent.std())))
        whole = (
            0.85 * (bent - bent.mean()) / bent.std() + 0.5 * (second - second.mean()) / second.std()
        )
        mind.scales.append((float(whole.mean()), float(whole.std())))
        return mind

    @staticmethod
    def _bent(mind: Mind, value: np.ndarray) -> np.ndarray:
        return value if mind.middle is None else -np.square(value - mind.middle)

    def _value(self, mind: Mind, sound: np.ndarray) -> np.ndarray:
        standard = (sound - self._mean) / self._deviation
        directions = (standard[:, :3] @ mind.facts, standard[:, 3:] @ mind.levels)
        first, second = (
            (x - mean) / spread
            for x, (mean, spread) in zip(directions, mind.scales[:2], strict=True)
        )
        bent = (self._bent(mind, first) - mind.scales[2][0]) / mind.scales[2][1]
        return (0.85 * bent + 0.5 * second - mind.scales[3][0]) / mind.scales[3][1]


def listeners(count: int, pool: np.ndarray, seed: int) -> list[Listener]:
    """Return listeners, every fourth bent."""
    return [
        Listener(pool, np.random.default_rng([seed, number]), bent=number % 4 == 3)
        for number in range(count)
    ]


def changing(count: int, pool: np.ndarray, seed: int) -> list[Listener]:
    """Return listeners who change their mind after CHANGE songs."""
    return [
        Listener(pool, np.random.default_rng([seed, 1000 + number]), changes=True)
        for number in range(count)
    ]
