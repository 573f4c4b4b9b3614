"""The running sessions of a server, one for each station and listener in use."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from radio.composer import Song
from radio.home import Home, HomeError, check_name, normal
from radio.ratings import RatingsError, open_ratings
from radio.web.live_session import LiveSession

MAX_SESSIONS = 4  # at once; each has a process of some 300 MB
LEFT_SECONDS = 120.0  # after which a session without a page ends, except the first


class LiveSessions:
    """A collection of sessions, opened on request and ended when unused.

    Args:
        home: folder of all data.
        first: station and listener of a page whose address names none.
        kind: of saved songs.
        options: of their sessions.
    """

    def __init__(
        self, home: Home, first: tuple[str, str], *, kind: str = "wav", **options: Any
    ) -> None:
        self.home, self.first = home, first
        self._kind, self._options = kind, options
        self._running: dict[tuple[str, str], LiveSession] = {}
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[LiveSession]:
        """Yield the running sessions."""
        return iter(list(self._running.values()))

    def get(self, station: str | None, listener: str | None) -> LiveSession:
        """Return the session of a station and a listener, opened if needed.

        Raises:
            HomeError: if there is no such station, the listener's name is invalid, or too many run.
        """
        station, listener = (
            normal(station or self.first[0]),
            check_name(listener or self.first[1], "listener"),
        )
        if station not in self.home.stations():
            raise HomeError(
                f"there is no station {station!r}; choose one of {', '.join(self.home.stations())}"
            )
        with self._lock:
            found = self._running.get((station, listener))
            if found is None or not found.alive:
                self._make_room()
                found = LiveSession(
                    station, listener, home=self.home, kind=self._kind, **self._options
                )
                self._running[station, listener] = found
        return found

    def running(self, station: str, listener: str) -> LiveSession | None:
        """Return the session of a station and a listener if it runs."""
        found = self._running.get((station, listener))
        return found if found is not None and found.alive else None

    def song(self, key: str) -> Song | None:
        """Return a song that was played, or may be next, by the key of its play, or None."""
        return next((song for session in self if (song := session.song(key))), None)

    def coordinate(self, key: str) -> np.ndarray | None:
        """Return P (D,) of a song that was played, by the key of its play, or None."""
        return next((one.played[key][1] for one in self if key in one.played), None)

    def tidy(self) -> None:
        """End sessions that no page has shown for long."""
        now = time.monotonic()
        for place, session in list(self._running.items()):
            left = (
                not session.published.watched
                and now - session.published.unwatched_since > LEFT_SECONDS
                and place != self.first
            )
            if left or not session.alive:
                del self._running[place]
                session.close(wait=False)

    def close(self) -> None:
        """End all sessions."""
        sessions = list(self._running.values())
        for session in sessions:
            session.close(wait=False)
        for session in sessions:
            session.close()
        self._running.clear()

    def names(self) -> dict[str, list[str]]:
        """Return the stations and the listeners there are, sorted."""
        listeners = {self.first[1], *(listener for _, listener in self._running)}
        try:
            ratings = open_ratings(self.home.ratings)
            listeners |= {name for name, _, _ in ratings.listeners()}
            ratings.close()
        except (HomeError, RatingsError):
            pass
        return {"stations": sorted(self.home.stations()), "listeners": sorted(listeners)}

    def _make_room(self) -> None:
        if len(self._running) < MAX_SESSIONS:
            return
        idle = [
            (one.published.unwatched_since, place)
            for place, one in self._running.items()
            if not one.published.watched
        ]
        if not idle:
            raise HomeError(
                f"{MAX_SESSIONS} sessions are already running; close one of their pages first"
            )
        self._running.pop(min(idle)[1]).close(wait=False)
