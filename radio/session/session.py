"""A running programme: a session's songs on a player, one after the other, and what a listener can do meanwhile.

It knows nothing of keys or screens. A face calls `tick()` several times a second and the other
methods as the listener wishes, shows `view()` and prints the lines that are handed to `say`. No
method waits for a song to be made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from audio_parsing.playback import Player, SilentDevice, open_player
from radio.ratings.database import Rating, RatingsError
from radio.ratings.journal import Judged
from radio.ratings.slider import Slider
from radio.session.final_task import FinalMaking
from radio.session.play_history import SongsPlayed
from radio.session.rating_writer import Keeper
from radio.session.view import View
from radio.session.viewing import view_of

if TYPE_CHECKING:
    from radio.composer.composer import RadioSession
    from radio.composer.remote import RemoteSession

CLOCKS_DIFFER = 0.25  # seconds, at most, between our clock and that of a face
# before a song's end its rating is learned, so that the next one is chosen by it
EARLY_SECONDS = 1.5


class Broadcast:
    """Play a session.

    Args:
        session: where songs come from and ratings go.
        player: where songs go.
        say: takes one line at a time for the listener.
        started: called with every song that begins.
        attend: called at every tick; returns a line for the listener, or nothing.
        leaving: called before the last song falls silent.
        kind: of saved songs, 'wav' or 'flac'.
    """

    def __init__(
        self,
        session: RadioSession | RemoteSession,
        player: Player | SilentDevice,
        *,
        say: Callable[[str], None],
        started: Callable[[Any], None] = lambda song: None,
        attend: Callable[[], str] = str,
        leaving: Callable[[], None] = lambda: None,
        kind: str = "wav",
    ) -> None:
        self.session: Any = session
        self.player = player
        self.song: Any = None
        self.slider = Slider()
        self.final: Any = None  # the latest final song that was played
        self.keeper = Keeper(session, say)
        self._say = say
        self._started = started
        self._attend = attend
        self._leaving = leaving
        self._kind = kind
        self.number = 0  # of the song in this session, from 1
        self._wanted = True  # a song is to be started as soon as there is one
        self._played = SongsPlayed()
        # whether the song that plays was played before: untouched, its rating stays as it was
        self._revisited = False
        # the slider's value that was learned before the song's end
        self._rated_early: float | None = None
        self.making = FinalMaking(session, say)
        self._background = ThreadPoolExecutor(1, thread_name_prefix="again")
        self._again: Future[Any] | None = None  # a song that is made again
        self._again_at = 0.0  # and where in it to begin
        self.judged: tuple[Judged, ...] = ()
        self._batches = session.batches  # that had been learned when it was looked back last
        self.lost_underruns = 0  # of players that were closed
        self.look_back()

    @property
    def playing(self) -> bool:
        """Whether a song is on, paused or not."""
        return self.song is not None and not self._wanted

    @property
    def making_final(self) -> bool:
        """Whether the final song is being made."""
        return self.making.running

    def tick(self) -> None:
        """Do what is due: go on with the next song, draw the slider's curve, tell of a finished final song."""
        line = self._attend()
        if line:
            self._say(line)
        # learned from what was said here, or in another radio of this listener
        if self.session.batches != self._batches:
            self._batches = self.session.batches
            self.look_back()
        if self.player.failure:
            failure = str(self.player.failure)
            self.use_device(None, because=f"{failure[:1].upper()}{failure[1:]}. ")
        if self.making.done:
            self._present_final()
        if self._again is not None and self._again.done():
            self._present_again()
        if self.playing and self.player.finished:
            self._end(skipped=False)
            self._wanted = True
        if self._wanted and not self._played.at_end:
            self._begin(self._played.forward(), revisited=True)
        elif self._wanted and self._again is None:
            if self.session.ready:
                self._start(self.session.next_song())
            else:
                self.session.hurry()
        self.keeper.keep()
        if self.playing:
            self.slider.record(self.player.position)
            self._note()
            self._rate_early()

    def next(self) -> None:
        """Go on to the next song; an untouched one counts as a weak dislike, unless it was heard before."""
        if self.playing:
            self._end(skipped=self._played.at_end)
            self.player.stop()
            self._wanted = True

    def previous(self) -> None:
        """Go back to the song before; there the slider may say something new."""
        if self._played.at_start:
            self._say("There is no song before this one.")
            return
        if self.playing:
            self._end(skipped=False)
        self._begin(self._played.back(), revisited=True)

    def replay(self, rating: Rating, *, position: float = 0.0) -> None:
        """Play a song of the history again; what is said of it now replaces what was said."""
        if self._again is None:
            self._again_at = position
            self._again = self._background.submit(
                self.session.again, rating.coordinate, key=rating.key
            )

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
            self.keeper.drop(self.song)
        else:
            self.slider.set(value)
        self._touched()

    def draw(self, points: Sequence[tuple[float, float]]) -> bool:
        """Draw the slider's curve through (seconds into the song, slider), for a face that keeps the time itself, and keep it at once.

        Returns:
            Whether it is in the database; if not, it is tried again.
        """
        for seconds, value in points:
            drawn = self.slider.curve()
            if (drawn == (seconds, round(value, 2))).all(axis=1).any():
                continue  # it came before the server was killed, and its answer did not
            # Between two points of a face we draw by our own clock, which may be a little before
            # its.
            last = float(drawn[-1, 0]) if len(drawn) else 0.0
            self.slider.set(value)
            self.slider.record(last if 0 < last - seconds < CLOCKS_DIFFER else seconds)
        return self._note(at_once=True)

    def take_up(self, curve: np.ndarray) -> None:
        """Go on with the curve (k, 2), seconds and slider, that was drawn of this play of the song before."""
        self.slider.restore(curve)
        self.keeper.begin(self.slider.value)

    def undo(self) -> None:
        """Take back the rating of this song, or else the latest one."""
        if self.playing and self.slider.value is not None:
            self.set_slider(None)
            self._note()
            self._say("The rating of this song is taken back.")
            return
        self.keeper.keep(at_once=True)
        try:
            if self.keeper.unkept and self.keeper.trouble:
                raise self.keeper.trouble
            rating = self.session.undo()
        except RatingsError as error:
            self._say(f"Nothing is taken back: {error}")
            return
        if rating is None:
            self._say("There is no rating to take back.")
        else:
            self._say(f"The rating of {rating.song} ({rating.rating:+.1f}) is taken back.")
            self.look_back()

    def history(self) -> list[Rating]:
        """Return what the listener said, the latest first; nothing if the database can't be read."""
        try:
            return self.session.history()[::-1]
        except RatingsError as error:
            self._say(f"No history: {error}")
            return []

    def change(self, rating: Rating, value: float | None) -> None:
        """Change a rating of the history, or delete it with None; the network learns again without waiting."""
        try:
            if value is None:
                self.session.delete(rating.key)
            else:
                self.session.change(rating.key, value)
        except RatingsError as error:
            self._say(f"Not changed: {error}")
            return
        if value is None and self.song is not None and rating.key == self.song.key:
            self.slider.release()
            self.keeper.begin()
        self.look_back()

    def reset_layers(self) -> None:
        """Let the generator be the station's own again, without what it learned from the listener."""
        self.session.reset_layers()

    def save(self) -> None:
        """Save the song that plays."""
        if self.song is None:
            self._say("Nothing plays yet.")
            return
        try:
            self._say(f"Saved {self.session.save(self.song, kind=self._kind)}")
        except (OSError, ValueError) as error:
            self._say(f"Not saved: {error}")

    def make_final(self) -> None:
        """Begin the descent to the final song in the background; it is saved and played when it is there."""
        if self.making_final:
            self._say("The final song is being made already.")
            return
        if self.song is not None and self.playing and self.slider.value is not None:
            self.slider.record(self.player.position)
            self.keeper.rate(self.song, self.slider.curve(), skipped=False)
        self.keeper.keep(at_once=True)
        if self.session.rated:
            self._say("Making the final song from your ratings ...")
            self.making.begin()
        elif self.keeper.unkept:
            self._say(
                f"The final song is made from your ratings, and none could be kept yet: {self.keeper.trouble}"
            )
        else:
            self._say("Rate a song first: the final song is made from what you like.")

    def use_device(self, name: str | None, *, because: str = "") -> None:
        """Go on at the same moment on another sound device, the system's own if None, or silently where there is none."""
        old, position, paused = self.player, self.player.position, self.player.paused
        self.lost_underruns += old.underruns
        old.close()
        self.player, reason = open_player(name)
        self._say(f"{because}{reason or f'Going on with {self.player.name}.'}")
        self.player.volume = old.volume
        if self.playing:
            self.player.play(self.song.samples, self.song.sample_rate)
            self.player.seek(position)
            if paused:
                self.player.pause()

    def finish(self) -> None:
        """Keep what was said about the song that plays, fall silent, and end. Harmless when done twice."""
        self.making.stop()
        leaving, self._leaving = self._leaving, lambda: None
        try:
            leaving()
            if self.playing and (self.slider.value is not None or self.keeper.noted):
                self._end(skipped=False)
            self._wanted, self.song = True, None
            self.keeper.keep(at_once=True)
            if self.keeper.unkept:
                names = ", ".join(song.name for song, _, _ in self.keeper.unkept)
                self._say(f"Not kept: what you said of {names}; {self.keeper.trouble}")
                self.keeper.unkept = []
            self.making.finish()
        finally:
            self.player.close()
            self._background.shutdown(wait=False, cancel_futures=True)

    def view(self) -> View:
        """Return what there is to see now."""
        return view_of(self)

    def _start(self, song: Any, *, revisited: bool = False) -> None:
        """Begin a new song, or one that is not the next: from here `previous` goes back to what was heard before."""
        self._played.add(song)
        self.number += 1
        self._begin(song, revisited=revisited)
        details = f"  {song.details}" if song.details else ""
        self._say(f"{self.number:3d}  {song.name}{details}  {_clock(self.player.duration)}")

    def _begin(self, song: Any, *, revisited: bool) -> None:
        self.song, self.slider, self._wanted, self._revisited = song, Slider(), False, revisited
        self._rated_early = None
        self.keeper.begin()
        self.player.play(song.samples, song.sample_rate)
        self._started(song)

    def _end(self, *, skipped: bool) -> None:
        assert self.song is not None
        self.slider.record(self.player.position)
        if self.slider.value is not None or self.keeper.noted or not self._revisited:
            self.keeper.rate(
                self.song, self.slider.curve(), skipped=skipped and not self._revisited
            )
        self.slider = Slider()
        self.look_back()

    def _touched(self) -> None:
        if not self.playing:
            self.slider.release()
            return
        # the next tick writes it, so that a key is seen before a disk has moved
        self.slider.record(self.player.position)

    def _note(self, *, at_once: bool = False) -> bool:
        if not self.playing:
            return False
        return self.keeper.note(
            self.song, self.slider.curve(), self.slider.value, self.player.position, at_once=at_once
        )

    def _rate_early(self) -> None:
        """Learn the rating a moment before the song's end; what is said in that moment is learned after it."""
        value, left = self.slider.value, self.player.duration - self.player.position
        if (
            value is not None
            and value != self._rated_early
            and left < EARLY_SECONDS
            and not self.player.paused
        ):
            self._rated_early = value
            self.keeper.rate(self.song, self.slider.curve(), skipped=False)

    def _present_final(self) -> None:
        song = self.making.take()
        if song is None:
            return
        if self.playing:
            self._end(skipped=False)
        self._start(song)
        self.final = song

    def _present_again(self) -> None:
        assert self._again is not None
        future, self._again = self._again, None
        try:
            song = future.result()
        except (OSError, ValueError) as error:
            self._say(f"That song can't be played again: {error}")
            return
        if self.playing:
            self._end(skipped=False)
        self._start(song, revisited=True)
        if self._again_at:
            self.player.seek(self._again_at)

    def look_back(self) -> None:
        """Read again what was expected of the listener's songs, and given to them."""
        try:
            self.judged = self.session.judged()
        except RatingsError:
            return


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
