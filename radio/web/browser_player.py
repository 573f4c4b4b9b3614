"""A player whose sound is in a browser, which reports its clock; between reports it counts itself.

One page sounds at a time, the one in which play was pressed last; the others show the same song.
Without such a page the song is paused.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from audio_parsing.silent_device import SilentDevice

SILENCE_SECONDS = 10.0  # without a report, after which the sounding page counts as gone
# after a song's end, in which the sounding page reports it; chosen, not measured
END_SECONDS = 3.0


class BrowserPlayer(SilentDevice):
    """A player for pages, with the contract of `audio_parsing.playback`.

    Args:
        clock: seconds that never decrease; tests pass their own.

    Attributes:
        speaker: the page that sounds; None if there is none.
        lost: the page that sounded until nothing came from it any more; it may sound still.
        jumps: number of jumps to another song or moment; the sounding page follows when this
            changes.
        jumper: the page that requested the latest jump, and is there already; None for the session.
        samples: (n,) that are played.
    """

    name = "browser"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self.speaker: str | None = None
        self.lost: str | None = None
        self.jumps = 0
        self.jumper: str | None = None
        self.samples = np.zeros(0, np.float32)
        # time of the last report, and the position that it reported
        self._reported = (0.0, 0.0)

    def play(self, samples: np.ndarray, rate: int) -> None:
        """Start a song, samples (n,) at a rate in Hz; paused if no page sounds."""
        super().play(samples, rate)
        self.samples = samples
        self._jumped()
        if self.speaker is None:
            self.pause()

    def seek(self, seconds: float) -> None:
        """Continue from another moment of the song."""
        super().seek(seconds)
        self._jumped()

    def jump(self, page: str, seconds: float) -> None:
        """Continue from another moment, where this page is already."""
        self.seek(seconds)
        self.jumper = page

    def listen(self, page: str) -> None:
        """Let this page sound, and no other."""
        self.speaker, self.lost = page, None
        self._reported = self._clock(), self.position
        self.resume()

    def pause(self) -> None:
        """Stop at this moment, whatever a lost page does."""
        super().pause()
        self.lost = None

    def regain(self, page: str) -> None:
        """Let the lost page sound again, which reports that it still does; ignore other pages."""
        if page == self.lost:
            self.listen(page)

    def set_clock(self, page: str, seconds: float) -> None:
        """Set the position to the sounding page's, in seconds; ignore other pages."""
        if page != self.speaker:
            return
        SilentDevice.seek(self, seconds)
        self._reported = self._clock(), self.position

    @property
    def finished(self) -> bool:
        """Whether the song is over: the sounding page decides, unless it is silent for long."""
        if self.speaker is None or self._started is None or not self._duration:
            return super().finished
        return self._offset + self._clock() - self._started >= self._duration + END_SECONDS

    def end(self, page: str) -> None:
        """Let the song be over, as the sounding page says; ignore other pages."""
        self.regain(page)
        self.set_clock(page, self._duration)
        if page == self.speaker and self._started is not None:
            self._started -= END_SECONDS

    def leave(self, page: str) -> None:
        """Handle a page's end: if it was sounding, pause at its last report."""
        if page != self.speaker:
            return
        if not self.paused and self._clock() - self._reported[0] > 1:
            self.seek(self._reported[1])
        self.speaker = None
        if self.duration:
            self.pause()

    def look_after(self) -> None:
        """Pause if the sounding page has not reported for long."""
        if not self.duration:  # between songs pages have nothing to report
            self._reported = self._clock(), 0.0
        elif (
            self.speaker is not None
            and not self.paused
            and self._clock() - self._reported[0] > SILENCE_SECONDS
        ):
            lost = self.speaker
            self.leave(lost)
            self.lost = lost

    def _jumped(self) -> None:
        self.jumps += 1
        self.jumper = self.lost = None
        self._reported = self._clock(), self.position
