"""A session for pages: a `Session` on a separate thread, which takes commands and sends changes.

    session = LiveSession("starter", "me", home=home, kind="wav")    returns at once
    session.do(lambda commands: ...) -> Future       executed on that thread, between two ticks
    session.subscribe(take) -> Callable[[], None]    take(part, content) for changes; call to end

A part is one of PARTS; radio/web/parts.py makes its content.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from radio.composer import Busy, ComposerProcess, Song
from radio.home import Home
from radio.ratings import Rating, RatingsError
from radio.session import LastSession, Resume, Session, read_last
from radio.station import Station
from radio.web import parts
from radio.web.browser_player import BrowserPlayer
from radio.web.commands import Commands
from radio.web.map import LatentView
from radio.web.mending import mend_part, sound_of
from radio.web.saved import SavedList, saved_part
from radio.web.stage import Stage

PARTS = (
    *("state", "song", "now", "drawn", "expected"),
    *("learning", "history", "map", "saved", "said"),
)
TICK_SECONDS = 0.1
# least interval at which the ratings are read again: some process may have changed them
LOOK_SECONDS = 1.0
SONGS_KEPT = 12  # whose sound pages can request: 3 MB each, or 10 MB of two minutes
LINES = 30


class LiveSession:
    """See the module's contract.

    Args:
        station: its name.
        listener: whose session it is.
        home: folder of all data.
        kind: of saved songs, 'wav' or 'flac'.
        options: of the session: seed, explore, beats, latent, novelty.
    """

    def __init__(
        self, station: str, listener: str, *, home: Home, kind: str = "wav", **options: Any
    ) -> None:
        self.station, self.listener, self.home = station, listener, home
        # by the key of their play: songs whose sound pages can request
        self.songs: OrderedDict[str, Song] = OrderedDict()
        # name and coordinate of every song of this session, by key of its play
        self.played: dict[str, tuple[str, np.ndarray]] = {}
        self.parts: dict[str, Any] = {
            "state": {"open": False, "telling": "Tuning in", "trouble": ""},
            "said": [],
        }
        self.unwatched_since = time.monotonic()
        self.player = BrowserPlayer()
        self._options, self._kind = options, kind
        self._subscribers: list[Callable[[str, Any], None]] = []
        self._inbox: queue.Queue[tuple[Callable[[Commands], Any], Future[Any]] | None] = (
            queue.Queue()
        )
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()  # for the subscribers and the parts
        self._view: LatentView | None = None
        self._saved = SavedList(home.path / "songs")
        self._composer: ComposerProcess | None = None
        self._mark: Any = None
        self._learned: Any = None  # the state of learning last published
        self._looked = 0.0
        self._thread = threading.Thread(
            target=self._run, name=f"session-{station}-{listener}", daemon=True
        )
        self._thread.start()

    def do(self, command: Callable[[Commands], Any]) -> Future[Any]:
        """Schedule a function on the session's thread; return the future of its answer."""
        answer: Future[Any] = Future()
        self._inbox.put((command, answer))
        return answer

    def subscribe(self, take: Callable[[str, Any], None]) -> Callable[[], None]:
        """Call `take` with all changes from now on; return a function that ends this."""
        with self._lock:
            self._subscribers.append(take)

        def end() -> None:
            with self._lock:
                if take in self._subscribers:
                    self._subscribers.remove(take)
                    self.unwatched_since = time.monotonic()

        return end

    @property
    def watched(self) -> bool:
        """Whether a page shows it."""
        return bool(self._subscribers)

    @property
    def alive(self) -> bool:
        """Whether its thread runs; False after `close`, or if it failed to start."""
        return self._thread.is_alive()

    def song(self, key: str) -> Song | None:
        """Return a song that was played, or that may be next, by the key of its play, or None."""
        return self.songs.get(key) or self._upcoming().get(key)

    def close(self, *, wait: bool = True) -> None:
        """Save the ratings, and end."""
        self._inbox.put(None)
        if wait:
            self._thread.join(20)

    def _run(self) -> None:
        from radio.errors import explain

        try:
            folder = self.home.station(self.station)
            composer = ComposerProcess(
                folder, self.listener, home=self.home, report=self._telling, **self._options
            )
        except Exception as error:
            line = explain(error) or f"a bug in the program ({type(error).__name__}: {error})"
            self._tell("state", {"open": False, "telling": "", "trouble": line})
            self._refuse(line)
            return
        self._composer = composer
        try:
            self._serve(composer, folder)
        finally:
            self._composer = None
            composer.close()
            self._refuse("the session has ended")

    def _serve(self, composer: ComposerProcess, folder: Path) -> None:
        path = self.home.writable(f"web/{self.listener}") / f"{self.station}.json"
        last = read_last(path) if path.exists() else LastSession(self.listener, self.station)

        def started(song: Song) -> None:
            self._keep_sound(song)
            # A play that was rated before a restart continues its curve.
            rating = composer.journal.rating(song.key)
            if rating is not None and rating.weight == 1.0 and len(rating.curve):
                session.writer.resume_curve(rating.curve)

        session = Session(
            composer,
            self.player,
            home=self.home,
            say=self._say,
            started=started,
            resume=Resume(path, last, fresh=self._options.get("seed") is not None),
            kind=self._kind,
        )
        stage = Stage(session, self.player, self.songs, self.played, self._coordinate_at)
        commands = Commands(stage)
        try:
            self._tell("state", {"open": True, "telling": "", "trouble": ""})
            threading.Thread(target=self._load_view, args=(folder,), daemon=True).start()
            while self._execute(commands):
                session.tick()
                self.player.look_after()
                self._look(session)
        finally:
            session.finish()

    def _load_view(self, folder: Path) -> None:
        """Make the map of the station, which loads its networks, while its first song plays."""
        self._view = LatentView(Station.load(folder))
        self._mark = None  # so that the ratings are shown on it

    def _execute(self, commands: Commands) -> bool:
        """Execute commands until the next tick; return False when the session must end."""
        until = time.monotonic() + TICK_SECONDS
        while (left := until - time.monotonic()) > 0:
            try:
                asked = self._inbox.get(timeout=left)
            except queue.Empty:
                break
            if asked is None:
                return False
            command, answer = asked
            try:
                answer.set_result(command(commands))
            except Exception as error:
                answer.set_exception(error)
            self._look(commands.session, closely=False)
        return True

    def _look(self, session: Session, *, closely: bool = True) -> None:
        """Publish what changed; if not `closely`, only the effect of a key."""
        view = session.view()
        song = session.song if session.playing else None
        key = None if song is None else song.key
        before = self.parts.get("song")
        if key != (before and before["key"]) or "song" not in self.parts:
            self._tell("song", parts.song_part(song, view.duration))
        if (sound := sound_of(session, self.player)) is not None:
            self.songs.setdefault(sound.key, sound)
        after = session.playback.history.following
        following = self._following() if after is None else [after.key]
        now = parts.now_part(view, self.player, key, following)
        now["mend"] = mend_part(session)
        shown = self.parts.get("now", {})
        if {**now, "position": 0} != {**shown, "position": 0}:
            self._tell("now", now)
        self.parts["now"] = now
        if not closely:
            return
        self._tell("drawn", parts.drawn_part(view))
        self._tell("expected", parts.expected_part(view))
        if view.judged is not self._learned:
            self._learned = view.judged
            self._tell("learning", parts.learning_part(view))
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._look_at_table(session)
            saved = self._saved.changed()
            if saved is not None:
                self._tell("saved", saved_part(saved, session.journal.made_by))
        if view.final is not None or self.parts.get("map", {}).get("now") != key:
            self._tell_map(session, None)

    def _look_at_table(self, session: Session) -> None:
        try:
            mark = session.journal.mark()
            if mark == self._mark:
                return
            ratings = session.journal.history()
        except RatingsError:
            return
        self._mark = mark
        session.history.read()
        self._tell("history", parts.history_part(ratings))
        self._tell_map(session, ratings)

    def _tell_map(self, session: Session, ratings: list[Rating] | None) -> None:
        if self._view is None:
            return
        song = session.song if session.playing else None
        place = self._view.dot(song.key, song.name, song.latent, None) if song else None
        played = (
            self.parts.get("map", {}).get("played", [])
            if ratings is None
            else self._view.dots(ratings, self.played)
        )
        self._tell("map", self._view.part(session, played, place))

    def _coordinate_at(self, x: float, y: float) -> np.ndarray:
        """Return the coordinate P (D,) at a place of the map.

        Raises:
            ValueError: if there is no map yet.
        """
        if self._view is None:
            raise ValueError("there is no map yet; try again in a moment")
        return self._view.coordinate_at((x, y))

    def _keep_sound(self, song: Song) -> None:
        self.played[song.key] = song.name, song.latent
        self.songs[song.key] = song
        self.songs.move_to_end(song.key)
        while len(self.songs) > SONGS_KEPT:
            self.songs.popitem(last=False)

    def _say(self, line: str) -> None:
        number = self._lines[-1]["number"] + 1 if self._lines else 1
        self._lines = [*self._lines, {"number": number, "text": line}][-LINES:]
        self._tell("said", self._lines)

    def _telling(self, busy: Busy) -> None:
        self._tell("state", {"open": False, "telling": str(busy).capitalize(), "trouble": ""})

    def _tell(self, part: str, content: Any) -> None:
        if part in self.parts and self.parts[part] == content:
            return
        with self._lock:
            self.parts[part] = content
            subscribers = list(self._subscribers)
        for take in subscribers:
            take(part, content)

    def _upcoming(self) -> dict[str, Song]:
        """Return the songs that are ready by their key, the next one first."""
        ready = () if self._composer is None else self._composer.upcoming()
        return {song.key: song for song in ready}

    def _following(self) -> list[str]:
        """Return the keys of the songs that may be next: the offered ones, then replaced ones."""
        withdrawn = () if self._composer is None else self._composer.withdrawn
        return [*self._upcoming(), *withdrawn]

    def _refuse(self, why: str) -> None:
        while True:
            try:
                asked = self._inbox.get_nowait()
            except queue.Empty:
                return
            if asked is not None:
                asked[1].set_exception(ValueError(why))
