"""Opens the sessions of stations and listeners, one after the other.

tuner = Tuner(home, settings, last, seed=..., explore=..., beats=..., latent=..., novelty=...)
composer = tuner.compose(station, listener)      takes some seconds, on any thread
session = tuner.open(composer, say)              on the thread that ticks
session = tuner.open(composer, say, after=session)    with its volume and its sleep timer
tuner.close()
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from audio_parsing.playback import open_player
from radio.composer import Busy, ComposerProcess
from radio.home import Home, Settings, check_name
from radio.ratings import open_ratings
from radio.session.resume import LastSession, Resume
from radio.session.session import Session


class Tuner:
    """See the module's contract.

    Args:
        home: of all data.
        settings: of the sessions.
        last: what the last session left.
        report: called with what takes long while a composer is opened.
        options: of the composers: seed, explore, beats, latent, novelty.

    Attributes:
        station: that is open, by name.
        listener: whose session is open.
        opened: called with every session, and a function that shows a line.
        overhear: called with every line for the listener.
        first: coordinate (D,) of the song with which the next session begins; None for any.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        last: LastSession,
        *,
        report: Callable[[Busy], None] = lambda busy: None,
        **options: Any,
    ) -> None:
        self.station, self.listener = last.station, last.listener
        self.opened: list[Callable[[Session, Callable[[str], None]], None]] = []
        self.overhear: Callable[[str], None] = lambda line: None
        self.first: np.ndarray | None = None
        self._home = home
        self._settings = settings
        self._last = last
        self._report = report
        self._options = options
        self._composers: list[ComposerProcess] = []

    @property
    def title(self) -> str:
        """Station and listener, as they are shown."""
        return f"{self.station} / {self.listener}"

    def stations(self) -> list[str]:
        """Return the names of all stations."""
        return list(self._home.stations())

    def listeners(self) -> list[str]:
        """Return the names of all listeners with ratings, and of the one who listens."""
        names = {self.listener}
        path = self._home.path / "ratings.db"
        if path.exists():
            ratings = open_ratings(path)
            names |= {name for name, _, _ in ratings.listeners()}
            ratings.close()
        return sorted(names)

    def compose(self, station: str, listener: str) -> ComposerProcess:
        """Return the composer of a station for a listener, when it is ready.

        Raises:
            ValueError: if there is no such station, or it can't be opened.
        """
        check_name(listener, "listener")
        composer = ComposerProcess(
            self._home.known_station(station),
            listener,
            home=self._home,
            adapter=self._settings.added_layers,
            report=self._report,
            **self._options,
        )
        self._composers.append(composer)
        return composer

    def open(
        self,
        composer: ComposerProcess,
        say: Callable[[str], None],
        *,
        after: Session | None = None,
    ) -> Session:
        """Return a session of a composer, with the sound device.

        Args:
            composer: that makes its songs.
            say: takes a line for the listener.
            after: the session before, whose volume and sleep timer stay.
        """
        self.station, self.listener = composer.journal.station, composer.journal.listener
        player, reason = open_player()
        if reason:
            say(reason)

        def tell(line: str) -> None:
            self.overhear(line)
            say(line)

        first, self.first = self.first, None
        fresh = first is not None or self._options.get("seed") is not None
        session = Session(
            composer,
            player,
            home=self._home,
            say=tell,
            resume=Resume(self._home.path / "session.json", self._last, fresh=fresh),
            kind=self._settings.kind,
            loudness=self._settings.loudness,
        )
        if after is not None:
            player.volume = after.playback.player.volume
            session.sleep.continue_from(after.sleep)
        if first is not None:
            session.replay(uuid.uuid4().hex, first)
        for call in self.opened:
            call(session, say)
        return session

    def close(self) -> None:
        """End the composers."""
        for composer in self._composers:
            composer.close()
