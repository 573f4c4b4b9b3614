"""A composer in a worker process, so that playback never waits for a song or a rating.

    composer = ComposerProcess(folder, "me", home=Home())
    composer.ready, next_song(), changed(key), replay(key, P)    none of them waits
    composer.events()                                            restarts a worker that died

A rating is in the database before the worker is sent its key. So no rating is
lost when either process dies, and a new worker knows all that the last one did.
Where songs come rendered with the station it is made at once: they play, and are rated, while the
worker still opens. Otherwise it waits for the worker.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from radio.composer import messages
from radio.composer.events import (
    Event,
    FinalSong,
    Learned,
    MendedSong,
    NoFinal,
    NoMend,
    NoReplay,
    ReplayedSong,
    Trouble,
)
from radio.composer.first_songs import FirstSongs
from radio.composer.offers import Offers
from radio.composer.song import Song
from radio.composer.wish import Wish
from radio.composer.worker_process import WorkerProcess
from radio.home import Home, check_name
from radio.ratings import Journal, open_ratings
from radio.taste import Insight

OPEN_SECONDS = 300.0  # of silence after which a worker that doesn't open counts as broken
# so many restarts in that time, then one in that time; chosen, not measured
MAX_RESTARTS, RESTART_SECONDS = 3, 60.0
DIED = "the worker died while it was made; ask for it again"
RESTARTED = "The worker died and was started again; no rating is lost."


class ComposerError(ValueError):
    """The composer can't be opened; the message is one line."""


class ComposerProcess:
    """See the module's contract, and `Composer`.

    Args:
        station: folder of the station.
        listener: whose taste is learned.
        home: of ratings and adapters.
        seed: as in `LocalComposer`, as are the others.
        explore: how the next song is chosen.
        beats: length of the songs.
        latent: the distribution that songs are drawn from; the station's default if None.
        adapter: whether the generator's adapter is used.
        novelty: of new songs, 0 to 1; see radio/station/learned_songs.py. The default if None.
        report: called with what takes long while the worker opens, if this waits for it.

    Attributes:
        busy: what takes long while the worker opens; None once it is over.

    Raises:
        ComposerError: if the station or the home can't be used.
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
        adapter: bool = True,
        novelty: float | None = None,
        report: Callable[[messages.Busy], None] = lambda busy: None,
    ) -> None:
        listener = check_name(listener, "listener")
        self._begin = messages.Begin(
            station, listener, home.path, seed, explore, beats, latent, adapter, novelty
        )
        self._log = home.path / "messages.log"
        self._lock = threading.Lock()  # of what a thread changes as messages come
        self._offers = Offers()
        self._insight: tuple[str, Insight] | None = None
        self._pending: set[str] = set()  # keys of changed ratings that are not learned
        self._events: deque[Event] = deque()
        self._replays: dict[str, np.ndarray] = {}  # coordinates of the songs to be made again
        self._hurried = False
        self.busy: messages.Busy | None = messages.Busy("opening the station", 0, 1)
        self._open = False  # whether the worker is
        self._unfinished: dict[str, Event] = {}  # what to report if the worker dies meanwhile
        self._playing: messages.Played | None = None
        self._deaths: list[float] = []
        # before the worker opens it: a repair is reported here
        if home.ratings.exists():
            open_ratings(home.ratings).close()
        self._worker = WorkerProcess(self._begin, self._log)
        self._first = FirstSongs(station, home.path / "first_songs.json")
        # Songs of a seed, a length, a distribution or a novelty are others.
        others = any(asked is not None for asked in (seed, beats, latent, novelty))
        if others:
            self._first.close()
        name, made_by = station.name, self._first.made_by
        if others or not made_by:
            opened = self._wait_until_open(report)
            name, made_by = opened.station, opened.made_by
        self.journal = Journal(open_ratings(home.ratings), listener, name, made_by)
        self._worker.listen(self._take)

    @property
    def ready(self) -> bool:
        """Whether there is a next song."""
        return bool(self._offers) or self._first.next is not None

    @property
    def pending(self) -> int:
        """How many changed ratings the worker has not learned yet."""
        return len(self._pending)

    def hurry(self) -> None:
        """Ask for the next song at once: the listener is waiting."""
        if not self.ready and not self._hurried:
            self._hurried = True
            self._worker.send(messages.Hurry())

    def next_song(self, key: str | None = None) -> Song:
        """Return the song of this key, if it was offered, else the best by the newest taste."""
        with self._lock:
            self._hurried = False
            return self._offers.take(key) or self._first.take()

    def upcoming(self) -> list[Song]:
        """Return the offered songs, best first, by the newest taste."""
        with self._lock:
            if not self._offers and self._first.next is not None:
                return [self._first.next]
            return self._offers.best_first

    @property
    def withdrawn(self) -> dict[str, Song]:
        """The latest songs that better ones replaced, by key: a page may have loaded them."""
        return self._offers.withdrawn

    def played(self, key: str, coordinate: np.ndarray) -> None:
        """Take note of the play that has begun: the worker sends its insight and another song."""
        self._playing = messages.Played(key, np.asarray(coordinate, np.float32))
        self._worker.send(self._playing)

    def changed(self, key: str) -> None:
        """Let the worker learn the rating of one play anew."""
        self._pending.add(key)
        self._worker.send(messages.Changed(key))

    def replay(self, key: str, coordinate: np.ndarray) -> None:
        """Let the song at P (D,) be made again, as the same play of it."""
        if not self._open and (song := self._first.at(coordinate)) is not None:
            song.key = key
            self._events.append(ReplayedSong(song))
        else:
            self._replays[key] = np.asarray(coordinate, np.float32)
            self._worker.send(messages.Replay(key, self._replays[key]))

    def wish(self, wish: Wish) -> None:
        """Let the next songs be chosen by a wish; those that are ready are dropped."""
        with self._lock:
            self._offers.begin_wish(wish)
        self._worker.send(wish)

    def start_final(self) -> None:
        """Let the worker begin the descent to the final song."""
        self._unfinished["final"] = NoFinal(DIED)
        self._worker.send(messages.StartFinal())

    def stop_final(self) -> None:
        """Give the final song up."""
        self._worker.send(messages.StopFinal())

    def start_mend(
        self,
        key: str,
        coordinate: np.ndarray,
        start: float | None = None,
        stop: float | None = None,
    ) -> None:
        """Let the worker begin to mend the song at P (D,)."""
        self._unfinished["mend"] = NoMend(DIED)
        self._worker.send(messages.StartMend(key, np.asarray(coordinate, np.float32), start, stop))

    def stop_mend(self) -> None:
        """Give the mended song up."""
        self._unfinished.pop("mend", None)
        self._worker.send(messages.StopMend())

    def reset_adapter(self) -> None:
        """Go back to the generator without an adapter."""
        self._worker.send(messages.ResetAdapter())

    def insight(self, key: str) -> Insight | None:
        """Return what is known of the moments of the song that plays; None if nothing yet."""
        found = self._insight
        return found[1] if found is not None and found[0] == key else None

    def events(self) -> list[Event]:
        """Return what has happened since the last call; restart the worker if it died."""
        if self._worker.died:
            self._restart()
        with self._lock:
            found = list(self._events)
            self._events.clear()
        return found

    def close(self) -> None:
        """End the worker; every rating is in the database already."""
        self._worker.close()
        self.journal.close()

    def _restart(self) -> None:
        now = time.monotonic()
        self._deaths = [when for when in self._deaths if now - when < RESTART_SECONDS]
        if len(self._deaths) >= MAX_RESTARTS:
            self.busy = None  # nothing opens any more
            return
        self._deaths.append(now)
        self._worker.close()
        if len(self._deaths) == 1:
            self._events.append(Trouble(RESTARTED))
        elif len(self._deaths) == MAX_RESTARTS:
            self._events.append(Trouble(f"The worker keeps dying; {self._log} may say why."))
        self._events.extend(self._unfinished.values())
        self._unfinished.clear()
        self._offers.restart()
        self._worker = WorkerProcess(self._begin, self._log)
        self._worker.listen(self._take)
        if self._playing is not None:
            self._worker.send(self._playing)
        for key, coordinate in list(self._replays.items()):
            self._worker.send(messages.Replay(key, coordinate))
        if self._offers.wish is not None:
            self.wish(self._offers.wish)

    def _wait_until_open(self, report: Callable[[messages.Busy], None]) -> messages.Opened:
        while True:
            message = self._worker.receive(OPEN_SECONDS)
            if message is None or isinstance(message, messages.Refused):
                self._worker.close()
                why = f"the process that makes songs ended before it began; {self._log} may say why"
                raise ComposerError(message.text if message else why)
            self._take(message)
            if isinstance(message, messages.Busy):
                report(message)
            elif isinstance(message, messages.Opened):
                return message

    def _take(self, message: object) -> None:
        """Take a message of the worker; called on the thread that reads them."""
        with self._lock:
            match message:
                case messages.Busy():
                    self.busy = message
                case messages.Refused():
                    self.busy = None
                    self._events.append(Trouble(message.text))
                case messages.Offer():
                    if self._offers.add(message.song):
                        self._first.close()
                case messages.Order():
                    self._offers.sort(message)
                case messages.Insights():
                    self._insight = message.key, message.insight
                case messages.Opened():
                    self.busy, self._open = None, True
                    self._pending.clear()  # it has read the whole database
                case Learned():
                    self._pending -= set(message.keys)
                case ReplayedSong():
                    self._replays.pop(message.song.key, None)
                case NoReplay():
                    self._replays.pop(message.key, None)
                case FinalSong() | NoFinal():
                    self._unfinished.pop("final", None)
                # after one that was given up another may be running by now
                case MendedSong() | NoMend() if message != NoMend(""):
                    self._unfinished.pop("mend", None)
            if isinstance(message, Event):
                self._events.append(message)
