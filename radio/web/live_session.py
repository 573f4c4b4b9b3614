"""A running programme for pages: a Broadcast on a thread of its own, which its faces tell what to do and which tells them what changed.

    programme = Programme("starter", "me", home=home, kind="wav")      returns at once; the learner is started on the thread
    programme.do(lambda orders: ...) -> Future                         done on that thread, between two ticks
    programme.subscribe(take) -> Callable[[], None]                    take(part, content) for every part that changes; call it to end

A part is one of PARTS; what it holds is made by radio/web/parts.py.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np

from radio.composer.remote import RemoteSession
from radio.home.folder import Home
from radio.ratings.database import Rating, RatingsError
from radio.session.resume import Remembered, recall
from radio.session.session import Broadcast
from radio.session.taking_up import TakingUp
from radio.station.station import Station
from radio.web import parts as seen
from radio.web.browser_player import BrowserPlayer
from radio.web.commands import Orders
from radio.web.map import LatentView

PARTS = ("state", "song", "now", "drawn", "expected", "learning", "history", "map", "said")
TICK_SECONDS = 0.1
# how often, at most, the ratings are read again: this face wrote some, or another one
LOOK_SECONDS = 1.0
SONGS_KEPT = 12  # whose sound can be asked for: 3 MB each
LINES = 30


class Programme:
    """See the module's contract.

    Args:
        station: its name.
        listener: whose programme it is.
        home: where everything is kept.
        kind: of saved songs, 'wav' or 'flac'.
        options: of the session: seed, explore, beats, latent.
    """

    def __init__(
        self, station: str, listener: str, *, home: Home, kind: str = "wav", **options: Any
    ) -> None:
        self.station, self.listener, self.home = station, listener, home
        # by the key of their play: what may be asked for as sound
        self.songs: OrderedDict[str, Any] = OrderedDict()
        # name and coordinate of every song of this programme, by key
        self.heard: dict[str, tuple[str, np.ndarray]] = {}
        self.parts: dict[str, Any] = {
            "state": {"open": False, "telling": "Tuning in", "trouble": ""},
            "said": [],
        }
        self.empty_since = time.monotonic()
        self.player = BrowserPlayer()
        self._options, self._kind = options, kind
        self._faces: list[Callable[[str, Any], None]] = []
        self._inbox: queue.Queue[tuple[Callable[[Orders], Any], Future[Any]] | None] = queue.Queue()
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()  # of the faces and of what they are told
        self._view: LatentView | None = None
        self._mark: Any = None
        self._insight: Any = None  # of which insight, and of how much learning, the faces were told
        self._learned: Any = None
        self._looked = 0.0
        self._thread = threading.Thread(
            target=self._run, name=f"programme-{station}-{listener}", daemon=True
        )
        self._thread.start()

    def do(self, order: Callable[[Orders], Any]) -> Future[Any]:
        """Have something done on the programme's thread and return its answer to come."""
        answer: Future[Any] = Future()
        self._inbox.put((order, answer))
        return answer

    def subscribe(self, take: Callable[[str, Any], None]) -> Callable[[], None]:
        """Tell a face of everything that changes from now on; return what ends that."""
        with self._lock:
            self._faces.append(take)

        def end() -> None:
            with self._lock:
                if take in self._faces:
                    self._faces.remove(take)
                    self.empty_since = time.monotonic()

        return end

    @property
    def watched(self) -> bool:
        """Whether a page shows it."""
        return bool(self._faces)

    @property
    def alive(self) -> bool:
        """Whether its thread runs; not after `close`, nor when it could not be opened."""
        return self._thread.is_alive()

    def close(self, *, wait: bool = True) -> None:
        """Keep what was said, and end."""
        self._inbox.put(None)
        if wait:
            self._thread.join(20)

    def _run(self) -> None:
        from radio.errors import explain

        try:
            folder = self.home.station(self.station)
            session = RemoteSession(
                folder, self.listener, home=self.home, telling=self._telling, **self._options
            )
        except Exception as error:
            line = explain(error) or f"a fault of the program ({type(error).__name__}: {error})"
            self._tell("state", {"open": False, "telling": "", "trouble": line})
            self._refuse(line)
            return
        try:
            self._serve(session, folder)
        finally:
            session.close()
            self._refuse("the programme has ended")

    def _serve(self, session: RemoteSession, folder: Any) -> None:
        path = self.home.writable(f"web/{self.listener}") / f"{self.station}.json"
        last = recall(path) if path.exists() else Remembered(self.listener, self.station)
        taking_up = TakingUp(path, last, session, fresh=self._options.get("seed") is not None)

        def started(song: Any) -> None:
            taking_up.started(song)
            self._keep_sound(song)
            # A play that was rated before a reload or a restart goes on with the curve that it had.
            rating = session.rating(song.key)
            if rating is not None and rating.weight == 1.0 and len(rating.curve):
                broadcast.take_up(rating.curve)

        broadcast = Broadcast(
            session,
            self.player,
            say=self._say,
            started=started,
            attend=session.attend,
            leaving=taking_up.leaving,
            kind=self._kind,
        )
        orders = Orders(broadcast, self)
        try:
            taking_up.begin(broadcast)
            self._tell("state", {"open": True, "telling": "", "trouble": ""})
            station = Station.load(folder)
            self._view = LatentView(station)
            self._tell_map(broadcast, [])
            while self._obey(orders):
                broadcast.tick()
                self.player.look_after()
                self._look(broadcast)
        finally:
            broadcast.finish()

    def _obey(self, orders: Orders) -> bool:
        """Do what is asked for until the next tick; False when the programme is to end."""
        until = time.monotonic() + TICK_SECONDS
        while (left := until - time.monotonic()) > 0:
            try:
                asked = self._inbox.get(timeout=left)
            except queue.Empty:
                break
            if asked is None:
                return False
            order, answer = asked
            try:
                answer.set_result(order(orders))
            except Exception as error:
                answer.set_exception(error)
            self._look(orders.broadcast, closely=False)
        return True

    def _look(self, broadcast: Broadcast, *, closely: bool = True) -> None:
        """Tell the faces what changed; not `closely`: only what a person who has pressed a key waits for."""
        view = broadcast.view()
        song = broadcast.song if broadcast.playing else None
        before = self.parts.get("song")
        if (song and song.key) != (before and before["key"]) or "song" not in self.parts:
            self._tell("song", seen.song_seen(song, view.duration))
        now = seen.now_seen(view, self.player, song and song.key)
        shown = self.parts.get("now", {})
        if {**now, "position": 0} != {**shown, "position": 0}:
            self._tell("now", now)
        self.parts["now"] = now
        if not closely:
            return
        self._tell("drawn", seen.drawn_seen(view))
        insight = song and song.key, id(view.predicted)
        if insight != self._insight:
            self._insight = insight
            self._tell("expected", seen.expected_seen(view))
        learned = view.rated, view.queue, view.batches, id(view.judged)
        if learned != self._learned:
            self._learned = learned
            self._tell("learning", seen.learning_seen(view))
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._look_at_table(broadcast)
        if view.final is not None or self.parts.get("map", {}).get("now") != (song and song.key):
            self._tell_map(broadcast, None)

    def _look_at_table(self, broadcast: Broadcast) -> None:
        try:
            mark = broadcast.session.look_again()
            if mark == self._mark:
                return
            ratings = broadcast.session.history()
        except RatingsError:
            return
        self._mark = mark
        broadcast.look_back()
        self._tell("history", seen.history_seen(ratings))
        self._tell_map(broadcast, ratings)

    def _tell_map(self, broadcast: Broadcast, ratings: list[Rating] | None) -> None:
        if self._view is None:
            return
        known = self.parts.get("map", {})
        song = broadcast.song if broadcast.playing else None
        played = (
            known.get("played", []) if ratings is None else self._view.dots(ratings, self.heard)
        )
        if song is not None and all(one["key"] != song.key for one in played):
            played = [*played, self._view.dot(song.key, song.name, song.latent, None)]
        paths = self._view.paths(broadcast.session.descent)
        final = broadcast.final
        self._tell(
            "map",
            {
                "learned": self._view.learned,
                "played": played,
                "now": song and song.key,
                "paths": paths,
                "final": final and self._view.dot(final.key, final.name, final.latent, None),
                "running": broadcast.making_final,
            },
        )

    def coordinate_at(self, x: float, y: float) -> np.ndarray:
        """Return the coordinate P (D,) at a place of the map.

        Raises:
            ValueError: if there is no map yet.
        """
        if self._view is None:
            raise ValueError("there is no map yet; try again in a moment")
        return self._view.coordinate_at((x, y))

    def _keep_sound(self, song: Any) -> None:
        self.heard[song.key] = song.name, song.latent
        self.songs[song.key] = song
        self.songs.move_to_end(song.key)
        while len(self.songs) > SONGS_KEPT:
            self.songs.popitem(last=False)

    def _say(self, line: str) -> None:
        self._lines = [
            *self._lines,
            {"number": (self._lines[-1]["number"] + 1 if self._lines else 1), "text": line},
        ][-LINES:]
        self._tell("said", self._lines)

    def _telling(self, text: str) -> None:
        self._tell("state", {"open": False, "telling": text or "Tuning in", "trouble": ""})

    def _tell(self, part: str, content: Any) -> None:
        if part in self.parts and self.parts[part] == content:
            return
        with self._lock:
            self.parts[part] = content
            faces = list(self._faces)
        for take in faces:
            take(part, content)

    def _refuse(self, why: str) -> None:
        while True:
            try:
                asked = self._inbox.get_nowait()
            except queue.Empty:
                return
            if asked is not None:
                asked[1].set_exception(ValueError(why))
