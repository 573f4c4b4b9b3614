"""The final song while it is made: a descent in the background, its progress, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radio.composer.composer import RadioSession
    from radio.composer.remote import RemoteSession

DROPPED = "The final song was not ready yet and is dropped."


class FinalMaking:
    """Make final songs, one at a time.

    Args:
        session: descends.
        say: takes a line for the listener.
    """

    def __init__(self, session: RadioSession | RemoteSession, say: Callable[[str], None]) -> None:
        self._session: Any = session
        self._say = say
        self.future: Future[Any] | None = None
        # steps done, in all, cautious rating, distance
        self.progress: tuple[int, int, float, float] | None = None
        self._stopping = threading.Event()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="final-song")

    @property
    def running(self) -> bool:
        """Whether a final song is being made, or was made and not taken yet."""
        return self.future is not None

    @property
    def done(self) -> bool:
        """Whether there is one to take."""
        return self.future is not None and self.future.done()

    def begin(self) -> None:
        """Begin the descent."""

        def progress(*found: Any) -> None:
            self.progress = found

        self.progress = None
        self.future = self._background.submit(
            self._session.final_song, progress=progress, should_stop=self._stopping.is_set
        )

    def take(self) -> Any:
        """Save the song that was made and return it; None if it could not be, which is told."""
        assert self.future is not None
        future, self.future, self.progress = self.future, None, None
        try:
            song = future.result()
            path = self._session.save(song)
        except (OSError, ValueError) as error:
            self._say(f"No final song: {error}")
            return None
        except CancelledError:
            self._say(DROPPED)
            return None
        self._say(f"Your final song is {song.name}, saved as {path}")
        return song

    def stop(self) -> None:
        """Give up what is being made."""
        self._stopping.set()

    def finish(self) -> None:
        """Save what is ready, drop what is not."""
        self.stop()
        if self.done:
            self.take()
        elif self.running:
            self.future = None
            self._say(DROPPED)
        self._background.shutdown(wait=False, cancel_futures=True)
