"""The slider of the song that plays, and its way to the database; tries again while that is locked.

writer.begin(song)                       another song, another slider
writer.tick(player)                      several times a second: draws the curve, writes it
writer.end(position, skipped=)           the song is over: its rating is written and learned
writer.flush()                           tries again what could not be written
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from audio_parsing.playback import Player, SilentDevice
from radio.composer import Song
from radio.ratings import Journal, RatingsError, Slider

# Chosen, not measured, but for EARLY_SECONDS.
NOTE_SECONDS = 0.5  # how often, at most, a moving slider is written to the database
# of a song, after which a slider at rest is written again: the rating is a mean over time
NOTE_AGAIN_SECONDS = 5.0
RETRY_SECONDS = 10.0  # until a database that could not be written to is tried again
CLOCKS_DIFFER = 0.25  # seconds, at most, between our clock and that of a page
# Before a song's end its rating is learned, so that it counts when the next one is chosen: learning
# takes 0.2 s at most (benchmarks/taste.py).
EARLY_SECONDS = 1.5


class RatingWriter:
    """See the module's contract.

    Args:
        journal: of the listener.
        changed: called with the key of a play whose rating was written; the composer learns it.
        say: takes a line for the listener.

    Attributes:
        slider: of the song that plays.
        unwritten: ratings that are not in the database yet: song, curve, skipped.
        trouble: why the database can't be written to; the listener knows it already.
    """

    def __init__(
        self, journal: Journal, changed: Callable[[str], None], say: Callable[[str], None]
    ) -> None:
        self.slider = Slider()
        self.unwritten: list[tuple[Song, np.ndarray, bool]] = []
        self.trouble: RatingsError | None = None
        self._journal = journal
        self._changed = changed
        self._say = say
        self._song: Song | None = None
        # the slider in the database: when written, where in the song, its value
        self._noted: tuple[float, float, float | None] = (0.0, 0.0, None)
        self._rated_early: float | None = None  # the slider that was learned before the song's end
        self._retry_at = 0.0

    @property
    def noted(self) -> bool:
        """Whether the database has a rating of the song that plays."""
        return self._noted[2] is not None

    def begin(self, song: Song) -> None:
        """Begin a song, untouched."""
        self._song, self._rated_early = song, None
        self.slider = Slider()
        self._noted = (time.monotonic(), 0.0, None)

    def resume_curve(self, curve: np.ndarray) -> None:
        """Continue the curve (k, 2), seconds and slider, that this play of the song has already."""
        self.slider.restore(curve)
        self._noted = (time.monotonic(), 0.0, self.slider.value)

    def draw(self, points: Sequence[tuple[float, float]], position: float) -> bool:
        """Draw the curve through (seconds into the song, slider), and write it at once.

        Args:
            points: of a page, which has a clock of its own.
            position: seconds into the song by our clock.

        Returns:
            Whether it is in the database; if not, it is tried again.
        """
        for seconds, value in points:
            drawn = self.slider.curve()
            if (drawn == (seconds, round(value, 2))).all(axis=1).any():
                continue  # sent twice: the server was killed before it could answer
            # Between two points of a page we draw by our own clock, which may be a little before.
            last = float(drawn[-1, 0]) if len(drawn) else 0.0
            self.slider.set(value)
            self.slider.record(last if 0 < last - seconds < CLOCKS_DIFFER else seconds)
        return self.note(position, at_once=True)

    def tick(self, player: Player | SilentDevice) -> None:
        """Draw the curve, write it if it is time, and learn it a moment before the song's end."""
        self.slider.record(player.position)
        self.note(player.position)
        value, left = self.slider.value, player.duration - player.position
        if value not in (None, self._rated_early) and left < EARLY_SECONDS and not player.paused:
            self._rated_early = value
            self._rate(skipped=False)

    def note(self, position: float, *, at_once: bool = False) -> bool:
        """Write the slider while the song plays, so that a crash of this process loses nothing.

        Args:
            position: seconds into the song.
            at_once: write even a small change, soon after the last one.

        Returns:
            False if it could not be written.
        """
        song, value = self._song, self.slider.value
        when, where, before = self._noted
        now = time.monotonic()
        if song is None or now < self._retry_at:
            return False
        moved = value != before and (value is None or before is None or now - when > NOTE_SECONDS)
        played_on = value is not None and abs(position - where) >= NOTE_AGAIN_SECONDS
        if not (moved or played_on or at_once):
            return True

        def write() -> None:
            if self._journal.note(song, self.slider.curve()) is None:
                self._changed(song.key)

        written = self._written(write)
        if written:
            self._noted = (now, position, value)
        return written

    def rate_now(self, position: float) -> None:
        """Write and learn what the slider says so far of the song that plays."""
        if self._song is not None and self.slider.value is not None:
            self.slider.record(position)
            self._rate(skipped=False)

    def end(self, position: float, *, skipped: bool, revisited: bool) -> None:
        """Write and learn the rating of the song, which is over; its slider is gone.

        Args:
            position: seconds into it.
            skipped: whether it was ended early: untouched, it then counts as a mild dislike.
            revisited: whether it played before: untouched, it keeps its rating.
        """
        self.slider.record(position)
        if self.slider.value is not None or self.noted or not revisited:
            self._rate(skipped=skipped and not revisited)
        self.slider = Slider()

    def release(self) -> None:
        """Put the slider back to untouched; what waits to be written of this song is given up."""
        self.slider.release()
        self.unwritten = [one for one in self.unwritten if one[0] is not self._song]

    def flush(self, *, at_once: bool = False) -> None:
        """Write the ratings that wait; after a failure only now and then, as each try takes 1 s."""
        while self.unwritten and (at_once or time.monotonic() >= self._retry_at):
            song, curve, skipped = self.unwritten[0]

            def write(
                song: Song = song, curve: np.ndarray = curve, skipped: bool = skipped
            ) -> None:
                if self._journal.rate(song, curve, skipped=skipped) is not None or self.noted:
                    self._changed(song.key)

            if not self._written(write):
                return
            self.unwritten.pop(0)

    def forget(self, key: str) -> None:
        """Put the slider back to untouched if the rating of the song that plays was deleted."""
        if self._song is not None and key == self._song.key:
            self.slider.release()
            self._noted = (time.monotonic(), 0.0, None)

    def close(self) -> None:
        """Try a last time to write the ratings that wait, and name those that are lost."""
        self.flush(at_once=True)
        if self.unwritten:
            names = ", ".join(song.name for song, _, _ in self.unwritten)
            self._say(f"Not saved: your rating of {names}; {self.trouble}")
            self.unwritten = []

    def _rate(self, *, skipped: bool) -> None:
        assert self._song is not None
        song, curve = self._song, self.slider.curve()
        self.unwritten = [one for one in self.unwritten if one[0] is not song]
        self.unwritten.append((song, curve, skipped))
        if len(curve):
            self._noted = (time.monotonic(), float(curve[-1, 0]), float(curve[-1, 1]))
        self.flush()

    def _written(self, write: Callable[[], None]) -> bool:
        """Write, and return whether it worked; say so at the first failure, and when it is over."""
        try:
            write()
        except RatingsError as error:
            first, self.trouble = self.trouble is None, error
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if first:
                self._say(f"Not saved yet, and tried again: {error}")
            return False
        if self.trouble is not None:
            self.trouble, self._retry_at = None, 0.0
            self._say("Ratings are saved again.")
        return True
