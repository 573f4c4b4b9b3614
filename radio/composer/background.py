"""Runs one search at a time in a thread, from which it can be given up; its end is an event.

search = Background("mend", emit, NoMend)
search.begin(work)  give_up()           work(should_stop) returns the event that it ends with
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError

from radio.composer.events import Event


class Background:
    """See the module's contract.

    Args:
        name: of the thread.
        emit: takes the event.
        failed: makes the event of a search that found nothing, of a line that says why; the line
            is empty if it was given up.
    """

    def __init__(
        self, name: str, emit: Callable[[Event], None], failed: Callable[[str], Event]
    ) -> None:
        self._name, self._emit, self._failed = name, emit, failed
        self._lock = threading.Lock()
        self._running: threading.Event | None = None  # stops the search that runs
        self._thread: threading.Thread | None = None

    def begin(self, work: Callable[[Callable[[], bool]], Event]) -> None:
        """Begin in a thread, if none runs; one that was given up is waited for there."""
        with self._lock:
            if self._running is not None and not self._running.is_set():
                return
            stop, before = threading.Event(), self._thread
            self._running = stop
            self._thread = threading.Thread(
                target=self._run, args=(work, stop, before), name=self._name, daemon=True
            )
            self._thread.start()

    def give_up(self) -> None:
        """Give up the search that runs; harmless if there is none."""
        with self._lock:
            if self._running is not None:
                self._running.set()

    def _run(
        self,
        work: Callable[[Callable[[], bool]], Event],
        stop: threading.Event,
        before: threading.Thread | None,
    ) -> None:
        if before is not None:
            before.join()
        try:
            event = work(stop.is_set)
        except CancelledError:
            event = self._failed("")
        except Exception as error:
            event = self._failed(" ".join(str(error).split()) or type(error).__name__)
        # Over before it is told: who hears of the end may begin the next search at once.
        with self._lock:
            if self._running is stop:
                self._running = None
        self._emit(event)
