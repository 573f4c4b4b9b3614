"""The learner: a process of its own that makes songs and learns, so that neither is heard or felt where the radio plays.

It wraps a `RadioSession`, is niced, computes in one thread, and speaks the messages of
radio/composer/messages.py over standard input and output. It offers songs before they are wanted:
up to OFFERS wait in the radio, the best first by the newest taste. After each rating it makes one
more and withdraws the worst. It looks for what another radio of the same listener wrote, and trains
the generator's added layers when there are enough new ratings. It ends when the radio does, however
that ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from radio.composer import messages

if TYPE_CHECKING:
    from radio.composer.composer import RadioSession, Song

OFFERS = 3
IN_HASTE = 2  # with fewer than so many a song is made of few candidates: somebody skips
REMEMBERED = 24  # songs whose frames are kept, for their insights and ratings: 1 MB each
NICENESS = 10
FOLLOW_SECONDS = 2.0  # how often it is looked what others wrote
LOOK_SECONDS = 0.05  # how often it is looked whether the next song is ready


class LearnerService:
    """Serve one radio.

    Args:
        session: that makes songs and learns.
        inbox: what the radio says, `End` last.
        tell: sends a message to the radio, from any thread.
    """

    def __init__(
        self, session: RadioSession, inbox: queue.Queue[Any], tell: Callable[[object], None]
    ) -> None:
        self._session = session
        self._inbox = inbox
        self._tell = tell
        self._offers: list[Song] = []
        self._songs: OrderedDict[str, Song] = OrderedDict()  # by the key of their play
        self._playing: str | None = None
        self._batches = 0
        self._stale = False  # whether a rating came since the latest song was chosen
        self._stop_final = threading.Event()
        self._final: threading.Thread | None = None
        self._training: threading.Thread | None = None
        self._told = 0  # how much of what others wrote was told
        self._trained: queue.Queue[str] = queue.Queue()  # an empty text, or what went wrong
        self._followed = time.monotonic()

    def run(self) -> None:
        """Serve until the radio ends."""
        self._tell_layers(news=False)
        while True:
            self._attend()
            wanting = len(self._offers) < OFFERS or self._stale
            if len(self._offers) < IN_HASTE:
                self._session.hurry()
            if wanting and self._session.ready:
                self._offer()
            try:
                message = self._inbox.get(timeout=LOOK_SECONDS if wanting else FOLLOW_SECONDS)
            except queue.Empty:
                continue
            # Ratings that came together are learned together.
            changed = []
            while isinstance(message, messages.Changed):
                changed.append(message.key)
                message = self._next_that_waits()
            if changed:
                self._learn(changed)
            if isinstance(message, messages.End):
                self._stop_final.set()
                return
            if message is not None:
                self._obey(message)

    def _next_that_waits(self) -> Any:
        try:
            return self._inbox.get_nowait()
        except queue.Empty:
            return None

    def _obey(self, message: Any) -> None:
        match message:
            case messages.Played():
                self._offers = [one for one in self._offers if one.key != message.key]
                self._playing = message.key
                self._tell_insight(self._song(message.key, message.coordinate))
            case messages.Again():
                song = self._session.again(message.coordinate, key=message.key)
                self._remember(song)
                self._send(song, again=True)
            case messages.Hurry():
                if not self._offers:
                    self._session.hurry()
            case messages.Final():
                self._begin_final()
            case messages.StopFinal():
                self._stop_final.set()
            case messages.ResetLayers():
                self._session.reset_layers()
                self._stale = True
                self._tell_layers(news=True)

    def _offer(self) -> None:
        song = self._session.next_song()
        self._stale = False
        self._remember(song)
        self._offers.append(song)
        self._send(song, again=False)
        self._order()

    def _send(self, song: Song, *, again: bool) -> None:
        self._tell(messages.Offer(self._heard(song), again=again))
        song.samples = song.samples[:0].copy()  # 3 MB that only the radio needs

    def _order(self) -> None:
        """Tell which offers are best by now, and withdraw those beyond OFFERS."""
        if not self._offers:
            return
        self._offers = [self._offers[place] for place in self._session.order(self._offers)][:OFFERS]
        expected = [
            self._session.predict(song) if self._session.taught else None for song in self._offers
        ]
        self._tell(messages.Order([song.key for song in self._offers], expected))

    def _learn(self, keys: list[str]) -> None:
        for key in dict.fromkeys(keys):
            self._session.learn_again(key, song=self._songs.get(key))
        self._batches += 1
        self._stale = True
        self._tell(messages.Learned(keys, self._batches, self._session.delay))
        self._order()
        playing = self._songs.get(self._playing or "")
        if playing is not None:
            self._tell_insight(playing)

    def _attend(self) -> None:
        """Follow what others wrote, and train the added layers, when either is due."""
        if self._training is not None and not self._training.is_alive():
            self._training = None
            self._stale = True
            self._tell_layers(news=not self._trained.get())
        if time.monotonic() - self._followed < FOLLOW_SECONDS:
            return
        self._followed = time.monotonic()
        self._session.follow(playing=self._playing)
        if self._session.followed != self._told:
            self._told = self._session.followed
            self._batches += 1
            self._stale = True
            self._tell(messages.Learned([], self._batches, self._session.delay))
            self._tell_layers(news=False)
            self._order()
        if self._training is None and self._session.generator.due(self._session.rated):
            self._training = threading.Thread(target=self._train, name="added-layers", daemon=True)
            self._training.start()

    def _train(self) -> None:
        try:
            self._trained.put("" if self._session.train_layers() else "not better")
        except Exception as error:
            # in messages.log; the radio plays on with the layers it has
            traceback.print_exception(error)
            self._trained.put(str(error) or type(error).__name__)

    def _tell_layers(self, *, news: bool) -> None:
        self._tell(messages.Layers(*self._session.learned_layers, news))

    def _tell_insight(self, song: Song) -> None:
        self._tell(messages.Insights(song.key, self._session.insight(song)))

    def _song(self, key: str, coordinate: Any) -> Song:
        if key not in self._songs:
            song = self._session.again(coordinate, key=key)
            song.samples = song.samples[:0].copy()
            self._remember(song)
        return self._songs[key]

    def _remember(self, song: Song) -> None:
        self._songs[song.key] = song
        while len(self._songs) > REMEMBERED:
            self._songs.popitem(last=False)

    def _begin_final(self) -> None:
        if self._final is not None and self._final.is_alive():
            return
        self._stop_final.clear()
        self._final = threading.Thread(target=self._make_final, name="final-song", daemon=True)
        self._final.start()

    def _make_final(self) -> None:
        try:
            song = self._session.final_song(
                progress=lambda *found: self._tell(messages.FinalStep(*found)),
                trace=lambda coordinates: self._tell(messages.FinalPlaces(coordinates)),
                should_stop=self._stop_final.is_set,
            )
            heard = self._heard(song)
        except CancelledError:
            self._tell(messages.NoFinal(""))
        except Exception as error:
            self._tell(messages.NoFinal(" ".join(str(error).split()) or type(error).__name__))
        else:
            self._tell(messages.FinalSong(heard))

    def _heard(self, song: Song) -> messages.HeardSong:
        return messages.HeardSong(
            song.samples,
            song.sample_rate,
            song.latent,
            song.name,
            song.details,
            song.key,
            song.expected,
            song.descent,
            self._session.description(song),
            np.frombuffer(self._session.picture(song), np.uint8),
        )


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Open the session that the radio asks for, and serve it until the radio ends."""
    writing = threading.Lock()

    def tell(message: object) -> None:
        # the radio has ended; the loop hears of it by itself
        with writing, contextlib.suppress(OSError):
            messages.send(outgoing, message)

    begin = messages.receive(incoming)
    inbox: queue.Queue[Any] = queue.Queue()
    threading.Thread(
        target=_read, args=(incoming, inbox), name="from-the-radio", daemon=True
    ).start()
    try:
        session = _open(begin, tell)
    except Exception as error:
        from radio.errors import explain

        line = explain(error)
        if line is None:
            raise
        tell(messages.Refused(line))
        return
    try:
        LearnerService(session, inbox, tell).run()
    finally:
        session.close()


def _open(begin: messages.Begin, tell: Callable[[object], None]) -> RadioSession:
    from radio.composer.composer import RadioSession
    from radio.composer.warm_up import WAIT, compile_once
    from radio.home.folder import Home
    from radio.station.song_file import station_fingerprint
    from radio.station.station import Station

    station = Station.load(begin.station)
    if begin.latent:
        latent: Any = begin.latent
        station.draw_from(latent)
    home = Home(begin.home)
    home.writable()
    compile_once(lambda: tell(messages.Telling(WAIT)))
    tell(messages.Telling(""))
    explore: Any = begin.explore
    session = RadioSession(
        station,
        begin.listener,
        home=home,
        seed=begin.seed,
        explore=explore,
        beats=begin.beats,
        added_layers=begin.added_layers,
    )
    tell(messages.Opened(station.name, station_fingerprint(station)))
    return session


def _read(incoming: BinaryIO, inbox: queue.Queue[Any]) -> None:
    while True:
        try:
            inbox.put(messages.receive(incoming))
        except EOFError:
            inbox.put(messages.End())
            break
    # Whatever is being computed is wanted by nobody; the database needs no goodbye.
    threading.Event().wait(5)
    os._exit(0)


def main() -> None:
    """Be the learner of the radio that started this process."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a library prints must not get between the messages.
    os.dup2(2, 1)
    for name in ("SIGINT", "SIGHUP", "SIGTSTP"):  # meant for the radio, which shares our terminal
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):  # no such thing on Windows
        os.nice(NICENESS)
    with contextlib.suppress(EOFError):
        serve(incoming, outgoing)
    sys.stderr.flush()
    os._exit(0)  # threads that still compute are not waited for


if __name__ == "__main__":
    main()
