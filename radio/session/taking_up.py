"""Takes up where the last session ended, and leaves for the next one where this one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from radio.composer.remote import RemoteSession
from radio.ratings.database import Rating
from radio.session.resume import Remembered, remember
from radio.session.session import Broadcast

NEARLY_OVER = 3.0  # seconds: a song that was heard up to these is not taken up


class TakingUp:
    """See the module's sentence.

    Args:
        path: of the file between sessions.
        last: what the last one left.
        session: that is open.
        fresh: take no song up.
    """

    def __init__(
        self, path: Path, last: Remembered, session: RemoteSession, *, fresh: bool
    ) -> None:
        self._path = path
        self._last = last
        self._session = session
        self._fresh = fresh
        self._left = Remembered(session.listener, session.station, last.volume)
        self._broadcast: Broadcast | None = None

    def begin(self, broadcast: Broadcast) -> None:
        """Set the volume, and ask for the song that the last session left."""
        self._broadcast = broadcast
        broadcast.player.volume = self._last.volume
        song, same = (
            self._last.song,
            (self._last.listener, self._last.station) == (self._left.listener, self._left.station),
        )
        if (
            song is not None
            and same
            and not self._fresh
            and song["made_by"] == self._session.made_by
        ):
            coordinate = np.array(song["coordinate"], np.float32)
            play = Rating(
                self._session.listener,
                self._session.station,
                self._session.made_by,
                "",
                coordinate,
                0.0,
                key=song["key"],
            )
            broadcast.replay(play, position=song["position"])

    def started(self, song: Any) -> None:
        """A song is on: should this session be killed, the next begins with it."""
        self._session.began(song)
        self._leave(song, 0.0)

    def leaving(self) -> None:
        """The session is about to end: remember where it is."""
        broadcast = self._broadcast
        if broadcast is not None and broadcast.playing:
            view = broadcast.view()
            over = view.duration - view.position < NEARLY_OVER
            self._leave(None if over else broadcast.song, view.position)
        elif broadcast is not None:
            self._leave(None, 0.0)

    def _leave(self, song: Any, position: float) -> None:
        if self._broadcast is not None:
            self._left.volume = self._broadcast.player.volume
        self._left.song = None
        if song is not None:
            coordinate = [float(value) for value in song.latent]
            self._left.song = {
                "key": song.key,
                "coordinate": coordinate,
                "made_by": self._session.made_by,
                "position": position,
            }
        remember(self._path, self._left)
