"""A session whose songs are made by another process, with the methods of a `RadioSession` that a broadcast needs.

    session = RemoteSession(station_folder, "me", home=Home())       returns once the learner is there; raises what it can't do
    session.ready, next_song(), rate(song, curve), undo(), ...        none of them waits for the learner
    session.attend()                                                  called often: revives a learner that died; what there is to say

What was said goes into the database here and at once; the learner is told what changed there. So
neither its death nor ours loses a rating, and a new learner knows all that the last one did.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np

from radio.composer import messages
from radio.composer.messages import HeardSong
from radio.composer.process import LearnerProcess
from radio.home.folder import Home, check_name
from radio.ratings.database import Rating, Ratings, RatingsError
from radio.ratings.journal import Judged, Said
from radio.station.song_file import file_name, save_song
from radio.taste.insight import Insight

OPEN_SECONDS = 300.0  # of silence after which a learner that doesn't open counts as broken
ANSWER_SECONDS = 20.0
REVIVALS, REVIVAL_SECONDS = 3, 60.0  # so many in that time; then it is tried once in that time


def told_of_layers(ratings: int, gain: float) -> str:
    """Return a line for the listener about the generator's added layers."""
    if not ratings:
        return "The generator is the station's own again; ten more ratings may change it."
    return f"The generator has learned from {ratings} ratings: you should like its songs by {gain:+.2f} more."


class LearnerError(ValueError):
    """The learner can't open the session; the message is one line."""


class RemoteSession:
    """See the module's contract.

    Args:
        station: folder of the station.
        listener: whose taste is learned.
        home: where ratings and songs are kept.
        seed: as in `RadioSession`, as are the others.
        explore: how the next song is chosen.
        beats: length of the songs.
        latent: the distribution that songs are drawn from; the station's own if None.
        added_layers: as in `RadioSession`.
        telling: called with what takes long while the session opens.

    Raises:
        LearnerError: if the station or the home can't be used.
        RatingsError: if the ratings can't.
    """

    def __init__(
        self,
        station: Path,
        listener: str,
        *,
        home: Home,
        seed: int | None = None,
        explore: str = "ucb",
        beats: int | None = None,
        latent: str | None = None,
        added_layers: bool = True,
        telling: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.listener = check_name(listener, "listener")
        self.home = home
        self.telling = ""  # what the learner does that takes long
        # seconds by which the listener's hand follows the ear, as far as the learner knows
        self.delay = 0.0
        self.batches = 0  # mini-batches that the taste has learned since the session began
        # ratings from which the added layers were trained, 0 for none; what they should be worth
        self.learned_layers = (0, 0.0)
        self._begin = messages.Begin(
            station, listener, home.path, seed, explore, beats, latent, added_layers
        )
        self._log = home.path / "messages.log"
        self._offers: dict[str, HeardSong] = {}
        self._order: list[str] = []
        # for songs that are made again, by the key of their play
        self._answers: dict[str, queue.Queue[HeardSong]] = {}
        self._insights: dict[str, Insight] = {}
        self._unlearned: set[str] = set()
        # whether the learner found what another radio of this listener wrote
        self._followed = False
        self._news = ""
        self._hurried = False
        self._playing: HeardSong | None = None
        self._final: queue.Queue[Any] | None = None
        # (starts, D) of the latest final song's descent, after each step
        self._descent: list[np.ndarray] = []
        # of all that is above, which a thread changes as messages come
        self._lock = threading.Lock()
        self._deaths: list[float] = []
        # before the learner opens it: if it has to be rescued, that is said here
        if home.ratings.exists():
            Ratings(home.ratings).close()
        self._learner = LearnerProcess(self._begin, self._log)
        opened = self._wait_until_open(telling)
        self.station, self.made_by = opened.station, opened.made_by
        self._said = Said(Ratings(home.ratings), listener, opened.station, opened.made_by)
        self._mark = self._said.mark()
        self._rated = {one.key for one in self._said.history()}
        if not self._rated and (count := self._said.heard_again()):
            songs = "The song" if count == 1 else f"The {count} songs"
            self._news = f"{songs} that you rated before this station was trained again taught the radio what you like."
        self._learner.listen(self._take)

    @property
    def rated(self) -> int:
        """How many songs of this station the listener has rated."""
        return len(self._rated)

    @property
    def queue(self) -> int:
        """How many ratings the learner has not learned yet."""
        return len(self._unlearned)

    @property
    def ready(self) -> bool:
        """Whether there is a next song."""
        return bool(self._offers)

    def hurry(self) -> None:
        """Somebody waits for the next song."""
        if not self.ready and not self._hurried:
            self._hurried = True
            self._learner.tell(messages.Hurry())

    def next_song(self) -> HeardSong:
        """Return the best of the songs that wait, by the newest taste; there is one if `ready`."""
        with self._lock:
            self._hurried = False
            key = next((key for key in self._order if key in self._offers), None) or next(
                iter(self._offers)
            )
            return self._offers.pop(key)

    def began(self, song: HeardSong) -> None:
        """Say that a song is on now: its insight is asked for, and the learner makes another one."""
        self._playing = song
        self._learner.tell(messages.Played(song.key, song.latent))

    def note(self, song: HeardSong, curve: np.ndarray | float) -> None:
        """Keep what was said so far of a song that still plays."""
        if (
            self._said.note(
                song, curve, delay=self.delay, seconds=song.samples.size / song.sample_rate
            )
            is None
        ):
            self._forget(song.key)

    def rate(
        self, song: HeardSong, curve: np.ndarray | float, *, skipped: bool = False
    ) -> float | None:
        """Keep the rating of a song and have it learned; None if nothing was said."""
        seconds = song.samples.size / song.sample_rate
        rating = self._said.rate(song, curve, delay=self.delay, seconds=seconds, skipped=skipped)
        if rating is None:
            self._forget(song.key)
            return None
        self._rated.add(song.key)
        self._changed(song.key)
        return rating.rating

    def undo(self) -> Rating | None:
        """Take back the latest rating and return it; None if there is none."""
        rating = self._said.undo()
        if rating is not None:
            self._rated.discard(rating.key)
            self._changed(rating.key)
        return rating

    def look_again(self) -> tuple[int, int]:
        """Count again what was rated, as another face may have written, and return what changes whenever the table does."""
        mark = self._said.mark()
        if mark != self._mark:
            self._mark = mark
            self._rated = {one.key for one in self._said.history()}
        return mark

    def rating(self, key: str) -> Rating | None:
        """Return what this listener said of one play of a song; None if that is nothing."""
        found = self._said.ratings.get(key)
        return (
            found
            if found is not None
            and (found.listener, found.station) == (self.listener, self.station)
            else None
        )

    def add(self, key: str, points: np.ndarray) -> bool:
        """Draw the curve of a play that is over on, (k, 2) seconds and slider; False if that play has no rating to draw on."""
        before = self.rating(key)
        if before is None:
            return False
        self._said.add(before, points, delay=self.delay)
        self._changed(key)
        return True

    def history(self) -> list[Rating]:
        """Return what the listener said of this station's songs, oldest first."""
        return self._said.history()

    def judged(self) -> tuple[Judged, ...]:
        """Return what was expected of each rated song and given to it, the latest first."""
        return self._said.judged()

    def change(self, key: str, value: float) -> None:
        """Rate a play of a song anew and have it learned."""
        self._said.change(key, value)
        self._changed(key)

    def delete(self, key: str) -> None:
        """Take back the rating of one play of a song and have it unlearned."""
        self._said.delete(key)
        self._rated.discard(key)
        self._changed(key)

    def again(self, coordinate: np.ndarray, *, key: str) -> HeardSong:
        """Have a song made again, as the same play of it, and wait for it: called in a thread of its own."""
        with self._lock:
            answer = self._answers.setdefault(key, queue.Queue())
        self._learner.tell(messages.Again(key, np.asarray(coordinate, np.float32)))
        try:
            return answer.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise LearnerError("the learner does not answer; try again") from None
        finally:
            with self._lock:
                self._answers.pop(key, None)

    def insight(self, song: HeardSong) -> Insight | None:
        """Return what is known of the moments of the song that plays; None while it is worked out."""
        return self._insights.get(song.key)

    def final_song(
        self,
        *,
        progress: Callable[[int, int, float, float], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> HeardSong:
        """Have the final song made, and wait for it: called in a thread of its own. See `RadioSession.final_song`."""
        found: queue.Queue[Any] = queue.Queue()
        self._final, self._descent = found, []
        self._learner.tell(messages.Final())
        try:
            while True:
                if should_stop():
                    self._learner.tell(messages.StopFinal())
                    raise CancelledError
                try:
                    message = found.get(timeout=0.1)
                except queue.Empty:
                    continue
                if isinstance(message, messages.FinalStep):
                    if progress is not None:
                        progress(message.step, message.steps, message.expected, message.distance)
                elif isinstance(message, messages.FinalSong):
                    return message.song
                elif message.text:
                    raise LearnerError(message.text)
                else:
                    raise CancelledError
        finally:
            self._final = None

    @property
    def descent(self) -> np.ndarray:
        """Where the latest final song's descent went so far, (steps, starts, D); (0, 0, 0) before the first."""
        return np.array(self._descent) if self._descent else np.zeros((0, 0, 0))

    def reset_layers(self) -> None:
        """Let the generator be the station's own again."""
        self._learner.tell(messages.ResetLayers())

    def save(self, song: HeardSong, *, kind: str = "wav") -> Path:
        """Write a song into the home's folder of songs, its coordinate and station in the tags and in a JSON beside it."""
        path = self.home.songs() / f"{file_name(song.name, song.latent)}.{kind}"
        rating = self._said.ratings.get(song.key)
        given, drawn = None if rating is None else rating.rating, song.picture.tobytes()
        return save_song(
            path, song, song.description, listener=self.listener, rating=given, picture=drawn
        )

    def attend(self) -> str:
        """Start the learner again if it died; return a line about it, or nothing."""
        if self._followed:
            self._followed = False
            # a database that is held is asked again with the next rating
            with contextlib.suppress(RatingsError):
                self._rated = {one.key for one in self._said.history()}
        if not self._learner.died:
            with self._lock:
                news, self._news = self._news, ""
            return news
        now = time.monotonic()
        self._deaths = [when for when in self._deaths if now - when < REVIVAL_SECONDS]
        if len(self._deaths) >= REVIVALS:
            return ""
        self._deaths.append(now)
        self._learner.close()
        with self._lock:
            final, self._final = self._final, None
        if final is not None:
            final.put(messages.NoFinal("the learner died while it was made; ask for it again"))
        self._learner = LearnerProcess(self._begin, self._log)
        self._learner.listen(self._take)
        if self._playing is not None:
            self._learner.tell(messages.Played(self._playing.key, self._playing.latent))
        if len(self._deaths) == 1:
            return "The learner died and was started again; no rating is lost."
        return (
            f"The learner keeps dying; {self._log} may say why."
            if len(self._deaths) == REVIVALS
            else ""
        )

    def close(self) -> None:
        """End the learner; what was rated is kept already."""
        self._learner.close()
        self._said.ratings.close()

    def _changed(self, key: str) -> None:
        self._unlearned.add(key)
        self._learner.tell(messages.Changed(key))

    def _forget(self, key: str) -> None:
        if key in self._rated:
            self._rated.discard(key)
            self._changed(key)

    def _wait_until_open(self, telling: Callable[[str], None]) -> messages.Opened:
        while True:
            message = self._learner.receive(OPEN_SECONDS)
            if isinstance(message, messages.Opened):
                return message
            if isinstance(message, messages.Telling):
                telling(message.text)
                continue
            self._learner.close()
            if isinstance(message, messages.Refused):
                raise LearnerError(message.text)
            raise LearnerError(
                f"the process that makes the songs ended before it began; {self._log} may say why"
            )

    def _take(self, message: Any) -> None:
        """Do what a message of the learner says; called on the thread that reads them."""
        with self._lock:
            match message:
                case messages.Offer():
                    if not message.again:
                        self._offers[message.song.key] = message.song
                    elif message.song.key in self._answers:
                        self._answers[message.song.key].put(message.song)
                case messages.Order():
                    self._order = message.keys
                    # Songs that a former learner offered are not in the order, and good until there
                    # are newer ones.
                    self._offers = {
                        key: self._offers[key] for key in message.keys if key in self._offers
                    }
                    for key, expected in zip(message.keys, message.expected, strict=True):
                        if key in self._offers:
                            self._offers[key].expected = expected
                case messages.Learned():
                    self._unlearned -= set(message.keys)
                    self.batches += 1
                    self.delay = message.delay
                    self._followed = self._followed or not message.keys
                case messages.Layers():
                    self.learned_layers = message.ratings, message.gain
                    if message.news:
                        self._news = told_of_layers(*self.learned_layers)
                case messages.Insights():
                    self._insights = {message.key: message.insight}
                case messages.Telling():
                    self.telling = message.text
                case messages.Opened():
                    self._unlearned.clear()  # it has read the whole database
                case messages.FinalPlaces():
                    self._descent = [*self._descent, message.coordinates]
                case messages.FinalStep() | messages.FinalSong() | messages.NoFinal():
                    if self._final is not None:
                        self._final.put(message)
