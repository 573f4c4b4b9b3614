"""The running programmes of a server, one for each station and listener; opened when asked for, ended when left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from radio.home.folder import Home, HomeError, check_name
from radio.ratings.database import Ratings, RatingsError
from radio.web.live_session import Programme

MOST = 4  # at once: each has a learner of some 300 MB
LEFT_SECONDS = 120.0  # after which a programme that no page shows is ended; the first one stays


class Programmes:
    """See the module's sentence.

    Args:
        home: where everything is kept.
        first: the station and the listener that a page without names shows.
        kind: of saved songs.
        options: of their sessions.
    """

    def __init__(
        self, home: Home, first: tuple[str, str], *, kind: str = "wav", **options: Any
    ) -> None:
        self.home, self.first = home, first
        self._kind, self._options = kind, options
        self._running: dict[tuple[str, str], Programme] = {}
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Programme]:
        """Yield those that run."""
        return iter(list(self._running.values()))

    def get(self, station: str | None, listener: str | None) -> Programme:
        """Return the programme of a station and a listener, opened now if it does not run.

        Raises:
            HomeError: if there is no such station, the name can't be a listener's, or too many run.
        """
        station, listener = (
            station or self.first[0],
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
                found = Programme(
                    station, listener, home=self.home, kind=self._kind, **self._options
                )
                self._running[station, listener] = found
        return found

    def running(self, station: str, listener: str) -> Programme | None:
        """Return the programme of a station and a listener if it runs."""
        found = self._running.get((station, listener))
        return found if found is not None and found.alive else None

    def song(self, key: str) -> Any:
        """Return a song that was played, by the key of its play; None if it is none of ours."""
        return next((programme.songs[key] for programme in self if key in programme.songs), None)

    def tidy(self) -> None:
        """End programmes that nobody has looked at for long."""
        now = time.monotonic()
        for place, programme in list(self._running.items()):
            left = (
                not programme.watched
                and now - programme.empty_since > LEFT_SECONDS
                and place != self.first
            )
            if left or not programme.alive:
                del self._running[place]
                programme.close(wait=False)

    def close(self) -> None:
        """End all."""
        programmes = list(self._running.values())
        for programme in programmes:
            programme.close(wait=False)
        for programme in programmes:
            programme.close()
        self._running.clear()

    def names(self) -> dict[str, list[str]]:
        """Return the stations and the listeners there are, sorted."""
        listeners = {self.first[1], *(listener for _, listener in self._running)}
        try:
            ratings = Ratings(self.home.ratings)
            listeners |= {name for name, _, _ in ratings.listeners()}
            ratings.close()
        except (HomeError, RatingsError):
            pass
        return {"stations": sorted(self.home.stations()), "listeners": sorted(listeners)}

    def _make_room(self) -> None:
        if len(self._running) < MOST:
            return
        idle = [(one.empty_since, place) for place, one in self._running.items() if not one.watched]
        if not idle:
            raise HomeError(f"{MOST} programmes are on already; close one of their pages first")
        self._running.pop(min(idle)[1]).close(wait=False)
