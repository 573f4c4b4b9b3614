"""The learner's process as the radio sees it: started, told things, listened to, noticed when it dies, ended.

It is a fresh interpreter, not a fork: nothing of the radio's threads, sound or terminal is in it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from radio.composer import messages

PACKAGES = Path(__file__).parents[2]  # where our packages lie
ONE_THREAD = {
    name: "1"
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
}
END_SECONDS = 2.0
MMAP_THRESHOLD, LARGE = -3, 1 << 17  # glibc's parameter of mallopt, and bytes
# on Windows, where a process can't make itself nice
BELOW_NORMAL = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)


class LearnerProcess:
    """See the module's contract.

    Args:
        begin: the session to open.
        log: takes what the process has to complain of.
    """

    def __init__(self, begin: messages.Begin, log: Path) -> None:
        self.died = False
        # until somebody listens; None once the process is gone
        self._inbox: queue.Queue[Any] = queue.Queue()
        self._listener: Callable[[Any], None] | None = None
        self._handing = threading.Lock()
        self._closed = False
        environment = {**os.environ, **ONE_THREAD}
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(PACKAGES), os.environ.get("PYTHONPATH")])
        )
        with _log(log) as errors:
            # -P: a file in the working folder must not be taken for a library.
            command = [sys.executable, "-P", "-m", "radio.composer.worker"]
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                creationflags=BELOW_NORMAL,
            )
        _give_back_what_is_freed()
        self._writing = threading.Lock()
        self.tell(begin)
        threading.Thread(target=self._read, name="from-the-learner", daemon=True).start()

    def tell(self, message: object) -> None:
        """Send a message; one that a dying process doesn't get is needed by nobody."""
        with self._writing, contextlib.suppress(OSError, ValueError):
            messages.send(cast(BinaryIO, self.process.stdin), message)

    def receive(self, seconds: float) -> Any:
        """Return the next message; None if the process is gone or silent for so long."""
        try:
            return self._inbox.get(timeout=seconds)
        except queue.Empty:
            return None

    def listen(self, listener: Callable[[Any], None]) -> None:
        """Hand every message from now on, and those that wait, to `listener`, on a thread of its own."""
        with self._handing:
            while not self._inbox.empty():
                message = self._inbox.get_nowait()
                if message is not None:
                    listener(message)
            self._listener = listener

    def close(self) -> None:
        """End the process, at once: it holds nothing that is not in the database."""
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
            with self._handing:
                if self._listener is None:
                    self._inbox.put(message)
                else:
                    self._listener(message)
        self.process.wait()
        self.died = not self._closed
        self._inbox.put(None)
        stream.close()


def _give_back_what_is_freed() -> None:
    """Let large blocks go back to the system as soon as they are freed.

    Once a song was freed, glibc keeps what is as large for later, and songs that come and go for
    days leave holes there. Other systems have no such parameter. See mallopt(3).
    """
    with contextlib.suppress(AttributeError, TypeError, OSError):
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)


@contextlib.contextmanager
def _log(path: Path) -> Any:
    try:
        file: Any = path.open("ab")
    except OSError:
        yield subprocess.DEVNULL
        return
    with file:
        yield file
