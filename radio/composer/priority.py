"""Lets the worker compute when the session, which plays the sound, has nothing to do.

A thread that gives the sound device its samples comes late if it waits for the end of another one's
turn, and several do so one after the other until a sample is played.
"""

from __future__ import annotations

import contextlib
import os

NICENESS = 10  # chosen, not measured


def lower() -> None:
    """Lower the priority of this process, among all others or, in Linux, among its session's.

    Linux shares the processor out among sessions of processes first. So the worker has a session of
    its own: in the radio's it would use up the share of the sound.
    """
    with contextlib.suppress(AttributeError, OSError):  # no such thing on Windows
        os.nice(NICENESS)


class Cores:
    """The cores that the threads of this process may use: all at first; Linux alone."""

    def __init__(self) -> None:
        self._all: set[int] = set()
        with contextlib.suppress(AttributeError, OSError):
            self._all = os.sched_getaffinity(0)
        self._leaves = False

    def leave_one(self, leave: bool) -> None:
        """Leave one to the radio, if there are more, or take them all."""
        if leave == self._leaves or len(self._all) < 2:
            return
        self._leaves = leave
        cores = self._all - {min(self._all)} if leave else self._all
        for thread in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError):  # it has ended
                os.sched_setaffinity(int(thread), cores)
