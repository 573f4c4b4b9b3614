"""A running programme: a session's songs on a player, one after the other, and what a listener can do meanwhile.

It knows nothing of keys or screens. A face calls `tick()` several times a second and the other methods as the listener wishes, shows
`view()` and prints the lines that are handed to `say`. No method waits for a song to be made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audio_parsing.playback import Player, SilentDevice, open_player
from radio.ratings import RatingsError
from radio.slider import Slider

if TYPE_CHECKING:
    from radio.session import RadioSession, Song

NOTE_SECONDS = 0.5  # how often, at most, a moving slider is written to the database
NOTE_AGAIN_SECONDS = 5.0  # of a song, after which a slider at rest is written again: the rating is a mean over time
RETRY_SECONDS = 10.0  # until a database that could not be written to is tried again


@dataclass(frozen=True)
class View:
    """What there is to see at a moment; a screen is a function of it.

    Attributes:
        number: of the song in this session, from 1; 0 before the first.
        name: of the song.
        details: tempo and key, or nothing.
        position: seconds heard.
        duration: seconds the song lasts.
        paused: whether it waits.
        slider: -1 to 1, None while untouched.
        rated: songs rated by this listener on this station.
        expected: the rating the radio expects and its uncertainty, None before it learned anything.
        volume: 0 to 1.
        busy: what is waited for, or nothing.
        silent: whether there is no sound device.
    """

    number: int
    name: str
    details: str
    position: float
    duration: float
    paused: bool
    slider: float | None
    rated: int
    expected: tuple[float, float] | None
    volume: float
    busy: str
    silent: bool


class Broadcast:
    """Play a session.

    Args:
        session: where songs come from and ratings go.
        player: where songs go.
        say: takes one line at a time for the listener.
        started: called whenever a song begins.
    """

    def __init__(
        self,
        session: RadioSession,
        player: Player | SilentDevice,
        *,
        say: Callable[[str], None],
        started: Callable[[], None] = lambda: None,
    ) -> None:
        self.session = session
        self.player = player
        self.song: Song | None = None
        self.slider = Slider()
        self._say = say
        self._started = started
        self._number = 0
        self._wanted = True  # a song is to be started as soon as there is one
        self._noted: tuple[float, float, float | None] = (0.0, 0.0, None)  # when the slider was last written, where in the song, its value
        self._unkept: list[tuple[Song, np.ndarray, bool]] = []  # ratings that are not in the database yet: song, curve, skipped
        self._trouble: RatingsError | None = None  # why the database could not be written to, told already
        self._retry_at = 0.0
        self.final: Song | None = None  # the latest final song that was played
        self._finishing = threading.Event()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="final-song")
        self._final: Future[Song] | None = None

    @property
    def playing(self) -> bool:
        """Whether a song is on, paused or not."""
        return self.song is not None and not self._wanted

    @property
    def making_final(self) -> bool:
        """Whether the final song is being made."""
        return self._final is not None

    def tick(self) -> None:
        """Do what is due: go on with the next song, draw the slider's curve, tell of a finished final song."""
        if self.player.failure:
            self._open_another_player()
        if self._final is not None and self._final.done():
            self._present_final()
        if self.song is not None and self.player.finished and not self._wanted:
            self._end(skipped=False)
            self._wanted = True
        if self._wanted and self.session.ready:
            self._start(self.session.next_song())
        elif self._wanted:
            self.session.hurry()
        self._keep()
        if self.playing:
            self.slider.record(self.player.position)
            self._note()

    def next(self) -> None:
        """Go on to the next song; an untouched one counts as a weak dislike."""
        if self.playing:
            self._end(skipped=True)
            self.player.stop()
            self._wanted = True

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        if self.player.paused:
            self.player.resume()
        else:
            self.player.pause()

    def seek(self, by: float) -> None:
        """Jump by seconds."""
        self.player.seek(self.player.position + by)

    def change_volume(self, by: float) -> None:
        """Make it louder or softer."""
        self.player.volume = round(self.player.volume + by, 2)

    def move_slider(self, by: float) -> None:
        """Push the slider."""
        self.slider.move(by)
        self._touched()

    def set_slider(self, value: float | None) -> None:
        """Put the slider somewhere; None takes back what was said about this song."""
        if value is None:
            self.slider.release()
            self._unkept = [one for one in self._unkept if one[0] is not self.song]
        else:
            self.slider.set(value)
        self._touched()

    def undo(self) -> None:
        """Take back the rating of this song, or else the latest one."""
        if self.playing and self.slider.value is not None:
            self.set_slider(None)
            self._say("The rating of this song is taken back.")
            return
        self._keep(at_once=True)
        try:
            if self._unkept and self._trouble:
                raise self._trouble
            rating = self.session.undo()
        except RatingsError as error:
            self._say(f"Nothing is taken back: {error}")
            return
        if rating is None:
            self._say("There is no rating to take back.")
        else:
            self._say(f"The rating of {rating.song} ({rating.rating:+.1f}) is taken back.")

    def save(self) -> None:
        """Save the song that plays."""
        if self.song is None:
            self._say("Nothing plays yet.")
            return
        try:
            self._say(f"Saved {self.session.save(self.song)}")
        except (OSError, ValueError) as error:
            self._say(f"Not saved: {error}")

    def make_final(self) -> None:
        """Begin the descent to the final song in the background; it is saved and played when it is there."""
        if self._final is not None:
            self._say("The final song is being made already.")
            return
        if self.song is not None and self.playing and self.slider.value is not None:
            self.slider.record(self.player.position)
            self._rate(self.song, skipped=False)
        self._keep(at_once=True)
        if self.session.rated:
            self._say("Making the final song from your ratings ...")
            self._final = self._background.submit(self.session.final_song, should_stop=self._finishing.is_set)
        elif self._unkept:
            self._say(f"The final song is made from your ratings, and none could be kept yet: {self._trouble}")
        else:
            self._say("Rate a song first: the final song is made from what you like.")

    def finish(self) -> None:
        """Keep what was said about the song that plays, fall silent, and end. Harmless when done twice."""
        self._finishing.set()
        try:
            if self.playing and (self.slider.value is not None or self._noted[2] is not None):
                self._end(skipped=False)
            self._wanted, self.song = True, None
            self._keep(at_once=True)
            if self._unkept:
                names = ", ".join(song.name for song, _, _ in self._unkept)
                self._say(f"Not kept: what you said of {names}; {self._trouble}")
                self._unkept = []
            if self._final is not None and self._final.done():
                self._take_final()
            elif self._final is not None:
                self._final = None
                self._say("The final song was not ready yet and is dropped.")
        finally:
            self.player.close()
            self._background.shutdown(wait=False, cancel_futures=True)

    def view(self) -> View:
        """Return what there is to see now."""
        song = self.song
        return View(
            number=self._number,
            name=song.name if song else "",
            details=song.details if song else "",
            position=self.player.position if self.playing else 0.0,
            duration=self.player.duration if self.playing else 0.0,
            paused=self.player.paused,
            slider=self.slider.value,
            rated=self.session.rated,
            expected=song.expected if song else None,
            volume=self.player.volume,
            busy="making the final song" if self._final else "making the next song" if self._wanted else "",
            silent=isinstance(self.player, SilentDevice),
        )

    def _start(self, song: Song) -> None:
        self.song, self.slider, self._wanted = song, Slider(), False
        self._noted = (time.monotonic(), 0.0, None)
        self._number += 1
        self.player.play(song.samples, song.sample_rate)
        self._started()
        details = f"  {song.details}" if song.details else ""
        self._say(f"{self._number:3d}  {song.name}{details}  {_clock(self.player.duration)}")

    def _end(self, *, skipped: bool) -> None:
        assert self.song is not None
        self.slider.record(self.player.position)
        self._rate(self.song, skipped=skipped)
        self.slider = Slider()

    def _touched(self) -> None:
        if self.song is None or self._wanted:
            self.slider.release()
            return
        self.slider.record(self.player.position)
        self._note()

    def _note(self) -> None:
        """Write the slider to the database while the song plays, so that nothing is lost whatever happens to this process."""
        when, where, value = self._noted
        now, position = time.monotonic(), self.player.position
        if self.song is None or self._wanted or now < self._retry_at:
            return
        moved = value != self.slider.value and (value is None or self.slider.value is None or now - when > NOTE_SECONDS)
        heard_on = self.slider.value is not None and abs(position - where) >= NOTE_AGAIN_SECONDS
        if (moved or heard_on) and self._written(self.session.note, self.song, self.slider.curve()):
            self._noted = (now, position, self.slider.value)

    def _rate(self, song: Song, *, skipped: bool) -> None:
        """Keep and learn what the slider says of a song, now or, while the database can't be written to, later."""
        self._unkept = [one for one in self._unkept if one[0] is not song] + [(song, self.slider.curve(), skipped)]
        self._keep()

    def _keep(self, *, at_once: bool = False) -> None:
        """Keep the ratings that wait for it; after a failure only now and then, as every attempt takes a second."""
        while self._unkept and (at_once or time.monotonic() >= self._retry_at):
            song, curve, skipped = self._unkept[0]
            if not self._written(self.session.rate, song, curve, skipped=skipped):
                return
            self._unkept.pop(0)

    def _written(self, write: Callable[..., object], *arguments: Any, **named: Any) -> bool:
        """Write to the database and return whether it could be done; tell of the first failure, and when it is over."""
        try:
            write(*arguments, **named)
        except RatingsError as error:
            told, self._trouble, self._retry_at = self._trouble, error, time.monotonic() + RETRY_SECONDS
            if told is None:
                self._say(f"Not kept yet, and tried again: {error}")
            return False
        if self._trouble is not None:
            self._trouble, self._retry_at = None, 0.0
            self._say("Ratings are kept again.")
        return True

    def _present_final(self) -> None:
        song = self._take_final()
        if song is None:
            return
        if self.playing:
            self._end(skipped=False)
        self._start(song)
        self.final = song

    def _take_final(self) -> Song | None:
        """Save the final song that was made and return it; None if it could not be."""
        assert self._final is not None
        future, self._final = self._final, None
        try:
            song = future.result()
            path = self.session.save(song)
        except (OSError, ValueError) as error:
            self._say(f"No final song: {error}")
            return None
        except CancelledError:
            return None
        self._say(f"Your final song is {song.name}, saved as {path}")
        return song

    def _open_another_player(self) -> None:
        """Go on silently, or on another device, at the same moment."""
        old, position, paused = self.player, self.player.position, self.player.paused
        failure = old.failure
        old.close()
        self.player, reason = open_player()
        self._say(f"{str(failure)[:1].upper()}{str(failure)[1:]}. {reason or f'Going on with {self.player.name}.'}")
        self.player.volume = old.volume
        if self.song is not None and not self._wanted:
            self.player.play(self.song.samples, self.song.sample_rate)
            self.player.seek(position)
            if paused:
                self.player.pause()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
