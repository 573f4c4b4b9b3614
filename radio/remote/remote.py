"""What other programs ask of the session that plays; they ask on threads, it answers in its tick.

remote = Remote(home, settings)
tuner.opened.append(remote.attach)       every session, one after the other
remote.call("rate 0.5") -> answer        from any thread but the session's
remote.now                               the latest state
remote.close()
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

from radio.composer import Song
from radio.errors import UsageError
from radio.home import Home, Settings
from radio.remote.control_socket import ControlSocket
from radio.remote.hooks import Hooks
from radio.remote.state import NOTHING, state_of
from radio.session import Session, execute

STATE_SECONDS = 0.2  # how often, at least, the state is taken anew
CALL_SECONDS = 5.0  # to wait for the session's next tick


class Remote:
    """See the module's contract.

    Args:
        home: that has the socket.
        settings: which doors there are, the hooks, and the keys that a line may name.
    """

    def __init__(self, home: Home, settings: Settings) -> None:
        self.now: dict[str, Any] = dict(NOTHING)
        self._settings = settings
        self._session: Session | None = None
        self._asked: queue.Queue[tuple[str, Future[dict[str, Any]]]] = queue.Queue()
        self._said: deque[str] = deque(maxlen=50)
        self._taken = 0.0
        self._hooks = Hooks(settings.hooks, self._tell)
        self._doors: list[Any] = []
        if settings.socket:
            self._doors.append(ControlSocket(home.path, self.call))
        if settings.mpris:
            self._doors += _mpris(self)

    def overhear(self, line: str) -> None:
        """Take a line that the session had for the listener: it is part of an answer."""
        self._said.append(line)

    def attach(self, session: Session, say: Callable[[str], None]) -> None:
        """Serve a session from now on.

        Args:
            session: calls `tick`, and notifies the hooks.
            say: takes a line for the listener.
        """
        self._session, self._say = session, say
        session.attached.append(self.tick)
        session.notify = self._notify

    def call(self, line: str) -> dict[str, Any]:
        """Have a line executed; return the state and the lines for the listener, or an error."""
        answer: Future[dict[str, Any]] = Future()
        self._asked.put((line, answer))
        try:
            return answer.result(CALL_SECONDS)
        except (TimeoutError, CancelledError):
            answer.cancel()
            return {"error": "the radio is busy; try again"}

    def tick(self) -> None:
        """Execute what was asked, and take the state."""
        session = self._session
        if session is None:
            return
        self._hooks.poll()
        if time.monotonic() - self._taken > STATE_SECONDS:
            self._take_state(session)
        while not self._asked.empty():
            line, answer = self._asked.get_nowait()
            if not answer.set_running_or_notify_cancel():
                continue
            self._said.clear()
            try:
                if self._settings.keys.get(line, line) in ("quit", "help"):
                    raise UsageError(f"{line} is not for other programs")
                execute(session, line, self._settings)
                session.take_events()
                self._take_state(session)
                answer.set_result({"now": self.now, "said": list(self._said)})
            except UsageError as error:
                answer.set_result({"error": str(error)})

    def close(self) -> None:
        """Close the doors."""
        self._hooks.close()
        for door in self._doors:
            door.close()

    def _take_state(self, session: Session) -> None:
        self.now, self._taken = state_of(session), time.monotonic()

    def _notify(self, kind: str, song: Song) -> None:
        session = self._session
        if session is None or kind not in self._settings.hooks:
            return
        rating = session.journal.rating(song.key)
        facts = {**state_of(session), "title": song.name, "key": song.key, "details": song.details}
        facts["rating"] = None if rating is None else round(rating.rating, 3)
        facts["coordinate"] = [float(value) for value in song.latent]
        if kind == "final":
            facts["path"] = str(session.folder.path_of(song))
        self._hooks.start(kind, facts)

    def _tell(self, line: str) -> None:
        self._say(line)


def _mpris(remote: Remote) -> list[Any]:
    """Return the desktop's door, if its library is installed and there is a session bus."""
    try:
        from radio.remote.mpris import Mpris
    except ImportError:
        return []
    return [Mpris(remote)]
