"""The first wait on a machine, announced: kernels are compiled at their first call and kept for the next start of the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core import event

WAIT = "compiling the kernels for this machine, once; it takes some ten seconds ..."


class _First(event.Listener):
    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.said = False

    def on_start(self, event: event.Event) -> None:
        """Announce the first compilation; what is read from the cache is none."""
        if not self.said:
            self.said = True
            self.say(WAIT)

    def on_end(self, event: event.Event) -> None:
        """Say nothing: what was waited for goes on."""


@contextmanager
def compilation_announced(say: Callable[[str], object] = print) -> Iterator[None]:
    """Say one line, once, if a kernel has to be compiled within this block."""
    with event.install_listener("numba:compile", _First(say)):
        yield
