"""A player without sound: it keeps a song's time, so everything else works as with a device."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np


class SilentDevice:
    """Keep a song's time without sound; the contract is that of `audio_parsing.playback`.

    Args:
        clock: seconds that never decrease; tests pass their own.
    """

    name = "silent"
    failure: str | None = None
    underruns = 0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started: float | None = None  # None while paused
        self._offset = 0.0  # position in the song when the clock was started, seconds
        self._duration = 0.0
        self._volume = 0.8

    def play(self, samples: np.ndarray, rate: int) -> None:
        """Start a song of samples (n,)."""
        self._duration = len(samples) / rate
        self._offset, self._started = 0.0, self._clock()

    def pause(self) -> None:
        """Stop at this moment."""
        self._offset, self._started = self.position, None

    def resume(self) -> None:
        """Continue."""
        if self._started is None:
            self._started = self._clock()

    def seek(self, seconds: float) -> None:
        """Continue from another moment, at most the song's ends."""
        self._offset = min(max(0.0, seconds), self._duration)
        if self._started is not None:
            self._started = self._clock()

    def stop(self) -> None:
        """Forget the song."""
        self._offset, self._started, self._duration = 0.0, self._clock(), 0.0

    def close(self) -> None:
        """Do nothing: there is no device to release."""

    @property
    def position(self) -> float:
        """Seconds of the song that have passed."""
        passed = 0.0 if self._started is None else self._clock() - self._started
        return min(self._offset + passed, self._duration)

    @property
    def duration(self) -> float:
        """Seconds the song lasts."""
        return self._duration

    @property
    def paused(self) -> bool:
        """Whether the song is paused."""
        return self._started is None and self._duration > 0

    @property
    def finished(self) -> bool:
        """Whether the song's time is over."""
        return self.position >= self._duration

    @property
    def volume(self) -> float:
        """A factor from 0 to 1, passed on to the next device that sounds."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = min(1.0, max(0.0, value))
