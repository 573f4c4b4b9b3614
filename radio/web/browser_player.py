"""A player whose sound is in a browser: it keeps the song's time between what the browser that sounds tells of its own clock.

One browser sounds at a time, the one in which play was pressed last; the others show the same song.
Where none sounds, nothing plays.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from audio_parsing.silent_device import SilentDevice

SILENCE_SECONDS = 10.0  # without a word of the browser that sounds, after which it counts as gone


class BrowserPlayer(SilentDevice):
    """See the module's sentences; the contract is that of `audio_parsing.playback`.

    Args:
        clock: seconds that never go back; tests hand in their own.

    Attributes:
        speaker: the face in which it sounds; None if there is none.
        jumps: how often it went to another song or moment: a browser that sounds follows when this
            has changed.
        jumper: the face that asked for the latest jump, which is there already; None for the
            programme itself.
    """

    name = "browser"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self.speaker: str | None = None
        self.jumps = 0
        self.jumper: str | None = None
        # when the browser that sounds was heard of last, and where in the song it was
        self._heard = (0.0, 0.0)

    def play(self, samples: np.ndarray, rate: int) -> None:
        """Start a song of samples (n,) at a rate in Hz; it waits where nobody listens."""
        super().play(samples, rate)
        self._jumped()
        if self.speaker is None:
            self.pause()

    def seek(self, seconds: float) -> None:
        """Go on from another moment of the song."""
        super().seek(seconds)
        self._jumped()

    def jump(self, face: str, seconds: float) -> None:
        """Go on from another moment, where a face is already."""
        self.seek(seconds)
        self.jumper = face

    def listen(self, face: str) -> None:
        """Sound in this face from now on, and nowhere else."""
        self.speaker = face
        self._heard = self._clock(), self.position
        self.resume()

    def hear(self, face: str, seconds: float) -> None:
        """Take over the clock of the face that sounds: seconds into the song."""
        if face != self.speaker:
            return
        SilentDevice.seek(self, seconds)
        self._heard = self._clock(), self.position

    def leave(self, face: str) -> None:
        """A face is gone: if it was the one that sounds, the song waits where it was heard last."""
        if face != self.speaker:
            return
        if not self.paused and self._clock() - self._heard[0] > 1:
            self.seek(self._heard[1])
        self.speaker = None
        if self.duration:
            self.pause()

    def look_after(self) -> None:
        """Pause if the browser that sounds has not been heard of for long."""
        if not self.duration:  # while the next song is made there is nothing to tell
            self._heard = self._clock(), 0.0
        elif (
            self.speaker is not None
            and not self.paused
            and self._clock() - self._heard[0] > SILENCE_SECONDS
        ):
            self.leave(self.speaker)

    def _jumped(self) -> None:
        self.jumps += 1
        self.jumper = None
        self._heard = self._clock(), self.position
