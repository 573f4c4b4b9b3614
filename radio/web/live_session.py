"""A session for pages: a `Session` on a separate thread, which takes commands and sends changes.

session = LiveSession("starter", "me", home=home, kind="wav")    returns at once
session.do(lambda commands: ...) -> Future       executed on that thread, between two ticks
session.published                                the contents of its pages, see published.py
"""

from __future__ import annotations

import os
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
from radio.session import LastSession, Resume, Session, read_last
from radio.station import Station
from radio.web.browser_player import BrowserPlayer
from radio.web.commands import Commands
from radio.web.map import LatentView
from radio.web.published import Published
from radio.web.publisher import Publisher
from radio.web.stage import Stage

TICK_SECONDS = 0.1
SONGS_KEPT = 12  # whose sound pages can request: 3 MB each, or 10 MB of two minutes


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
        self.published = Published()
        self.player = BrowserPlayer()
        self._options, self._kind = options, kind
        self._inbox: queue.Queue[tuple[Callable[[Commands], Any], Future[Any]] | None] = (
            queue.Queue()
        )
        self._composer: ComposerProcess | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"session-{station}-{listener}", daemon=True
        )
        self._thread.start()

    def do(self, command: Callable[[Commands], Any]) -> Future[Any]:
        """Schedule a function on the session's thread; return the future of its answer."""
        answer: Future[Any] = Future()
        self._inbox.put((command, answer))
        return answer

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

        def telling(busy: Busy) -> None:
            self.published.tell_state(str(busy).capitalize())

        try:
            folder = self.home.station(self.station)
            composer = ComposerProcess(
                folder, self.listener, home=self.home, report=telling, **self._options
            )
        except Exception as error:
            line = explain(error) or f"a bug in the program ({type(error).__name__}: {error})"
            self.published.tell_state(trouble=line)
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

        songs = f"{self.home.path / 'songs'}{os.sep}"

        def say(line: str) -> None:
            # where the server keeps a song is of no use to a page, which downloads it
            self.published.say(line.replace(songs, ""))

        session = Session(
            composer,
            self.player,
            home=self.home,
            say=say,
            started=started,
            resume=Resume(path, last, fresh=self._options.get("seed") is not None),
            kind=self._kind,
        )
        stage = Stage(session, self.player, self.songs, self.played)
        commands, publisher = Commands(stage), Publisher(stage, self.published, self._following)

        def load_map() -> None:  # which loads the networks, while the first song plays
            publisher.show_map(LatentView(Station.load(folder)))

        try:
            self.published.tell_state()
            threading.Thread(target=load_map, daemon=True).start()
            while self._execute(commands, publisher):
                session.tick()
                self.player.look_after()
                publisher.look()
        finally:
            session.finish()

    def _execute(self, commands: Commands, publisher: Publisher) -> bool:
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
            publisher.look(closely=False)
        return True

    def _keep_sound(self, song: Song) -> None:
        self.played[song.key] = song.name, song.latent
        self.songs[song.key] = song
        self.songs.move_to_end(song.key)
        while len(self.songs) > SONGS_KEPT:
            self.songs.popitem(last=False)

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
