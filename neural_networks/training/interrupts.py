"""Ctrl-C that waits for the end of a step, so that no step is left half made; a second one doesn't wait."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def held_interrupts() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was pressed; the second time it raises KeyboardInterrupt at once.

    Where Ctrl-C belongs to someone else already, or on another thread than the main one, it stays
    as it is.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return
    pressed = False

    def hold(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    signal.signal(signal.SIGINT, hold)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def interrupt_between_steps() -> Iterator[Callable[[], None]]:
    """Hold a Ctrl-C back until `check` is called: it raises KeyboardInterrupt."""
    with held_interrupts() as pressed:

        def check() -> None:
            if pressed():
                raise KeyboardInterrupt

        yield check
