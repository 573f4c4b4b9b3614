"""Announce the compilation of the kernels, a wait at their first use on a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core import event

WAIT = "compiling the kernels for this machine, once; it takes some ten seconds ..."


class _First(event.Listener):
    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.announced = False

    def on_start(self, event: event.Event) -> None:
        """Announce the first compilation; reading from the cache is none."""
        if not self.announced:
            self.announced = True
            self.say(WAIT)

    def on_end(self, event: event.Event) -> None:
        """Do nothing."""


@contextmanager
def compilation_announced(say: Callable[[str], object] = print) -> Iterator[None]:
    """Print one line if a kernel has to be compiled within this block."""
    with event.install_listener("numba:compile", _First(say)):
        yield
