"""A sleep timer: after some minutes the music fades and pauses.

timer.set(30)  change()              minutes from now; the next of CHOICES, or off
timer.tick(player)                   several times a second
timer.continue_from(other)           as the timer of the session before
"""

from __future__ import annotations

import time
from collections.abc import Callable

from audio_parsing.playback import Player, SilentDevice

CHOICES = (15.0, 30.0, 60.0, 90.0)  # minutes
FADE_SECONDS = 8.0


class SleepTimer:
    """See the module's contract.

    Args:
        say: takes a line for the listener.
        clock: returns seconds.
    """

    def __init__(
        self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._clock = clock
        self._end: float | None = None
        self._minutes = 0.0
        self._volume: float | None = None  # before it faded

    @property
    def left(self) -> float | None:
        """Seconds until the music pauses; None if the timer is off."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    def set(self, minutes: float | None) -> None:
        """Pause the music in so many minutes; None turns the timer off."""
        self._end = None if minutes is None else self._clock() + 60 * minutes
        self._minutes = minutes or 0.0
        self._say(
            "The sleep timer is off."
            if minutes is None
            else f"The music fades out in {minutes:g} minutes."
        )

    def continue_from(self, other: SleepTimer) -> None:
        """Pause the music when another timer would have."""
        self._end, self._minutes = other._end, other._minutes

    def change(self) -> None:
        """Choose the next of CHOICES, or none after the last."""
        self.set(next((minutes for minutes in CHOICES if minutes > self._minutes), None))

    def tick(self, player: Player | SilentDevice) -> None:
        """Fade the music in the last seconds, then pause it and restore the volume."""
        left = self.left
        if left is not None and left < FADE_SECONDS and not player.paused:
            self._volume = player.volume if self._volume is None else self._volume
            player.volume = round(self._volume * left / FADE_SECONDS, 2)
        if left == 0.0 and not player.paused:
            player.pause()
            self._say("Good night. The music is paused.")
        if self._volume is not None and (not left or player.paused):
            player.volume, self._volume = self._volume, None
        if left == 0.0:
            self._end, self._minutes = None, 0.0
