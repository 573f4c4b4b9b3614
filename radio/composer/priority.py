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


def leave_a_core() -> None:
    """Leave one core, if there are more, to the radio; for this thread and those it starts."""
    with contextlib.suppress(AttributeError, OSError):  # Linux alone
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores - {min(cores)} or cores)
