"""The process of a worker as its session sees it: start, send, listen, notice its death, end.

It is a fresh interpreter, not a fork: it inherits no thread, sound or terminal of the session.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

from radio.composer import messages
from radio.composer.heap import release_large_blocks

PACKAGES = Path(__file__).parents[2]  # the folder of our packages
ONE_THREAD = {
    name: "1"
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
}
END_SECONDS = 2.0  # until a worker that does not end is killed; chosen, not measured
# on Windows, where a process can't lower its own priority by nice
BELOW_NORMAL = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)


class WorkerProcess:
    """See the module's sentence.

    Args:
        begin: the composer to open.
        log: file for what the process writes to stderr.
    """

    def __init__(self, begin: messages.Begin, log: Path) -> None:
        self.died = False
        # until somebody listens; None once the process is gone
        self._inbox: queue.Queue[object] = queue.Queue()
        self._listener: Callable[[object], None] | None = None
        self._handing_over = threading.Lock()
        self._closed = False
        environment = {**os.environ, **ONE_THREAD}
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])
        )
        with _opened(log) as errors:
            # -P: a file in the working folder must not be taken for a library.
            command = [sys.executable, "-P", "-m", "radio.composer.worker"]
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                creationflags=BELOW_NORMAL,
                # for a share of the processor of its own: see priority.py
                start_new_session=True,
            )
        release_large_blocks()
        self._writing = threading.Lock()
        self.send(begin)
        threading.Thread(target=self._read, name="from-the-worker", daemon=True).start()

    def send(self, message: messages.Command) -> None:
        """Send a message; one that a dying process misses, its successor doesn't need."""
        with self._writing, contextlib.suppress(OSError, ValueError):
            messages.send(cast(BinaryIO, self.process.stdin), message)

    def receive(self, seconds: float) -> object:
        """Return the next message; None if the process is gone, or silent for so many seconds."""
        try:
            return self._inbox.get(timeout=seconds)
        except queue.Empty:
            return None

    def listen(self, listener: Callable[[object], None]) -> None:
        """Hand waiting messages, and from now on every message, to `listener`, on a thread."""
        with self._handing_over:
            while not self._inbox.empty():
                message = self._inbox.get_nowait()
                if message is not None:
                    listener(message)
            self._listener = listener

    def close(self) -> None:
        """End the process, at once: everything it has is in the database."""
        self._closed = True
        with self._writing, contextlib.suppress(OSError, ValueError):
            cast(BinaryIO, self.process.stdin).close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _read(self) -> None:
        stream = cast(BinaryIO, self.process.stdout)
        while True:
            try:
                message = messages.receive(stream)
            except Exception:  # half a message of a process that was killed is as good as none
                break
            with self._handing_over:
                if self._listener is None:
                    self._inbox.put(message)
                else:
                    self._listener(message)
        self.process.wait()
        self.died = not self._closed
        self._inbox.put(None)
        stream.close()


@contextlib.contextmanager
def _opened(log: Path) -> Iterator[IO[bytes] | int]:
    try:
        file = log.open("ab")
    except OSError:
        yield subprocess.DEVNULL
        return
    with file:
        yield file
