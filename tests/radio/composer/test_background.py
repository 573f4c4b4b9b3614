"""A search in the background: one at a time, given up, and begun again at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError

import pytest

from radio.composer.background import Background
from radio.composer.events import Event, NoMend, Trouble

WAIT = 20.0


def test_who_hears_of_the_end_may_begin_the_next_search_at_once() -> None:
    ended = threading.Semaphore(0)
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if len(heard) < 3:  # on the thread of the search that has just ended
            search.begin(lambda should_stop: Trouble(str(len(heard))))
        ended.release()

    search = Background("search", hear, NoMend)
    search.begin(lambda should_stop: Trouble("0"))
    for _ in range(3):
        assert ended.acquire(timeout=WAIT)
    assert heard == [Trouble("0"), Trouble("1"), Trouble("2")]


def test_one_runs_at_a_time_and_one_that_was_given_up_is_waited_for() -> None:
    heard: list[Event] = []
    both = threading.Event()
    running, going_on = threading.Event(), threading.Event()

    def hear(event: Event) -> None:
        heard.append(event)
        if len(heard) == 2:
            both.set()

    def slow(should_stop: Callable[[], bool]) -> Event:
        running.set()
        assert going_on.wait(WAIT)
        if should_stop():
            raise CancelledError
        return Trouble("first")

    search = Background("search", hear, NoMend)
    search.give_up()  # there is none
    search.begin(slow)
    assert running.wait(WAIT)
    search.begin(lambda should_stop: Trouble("ignored"))
    search.give_up()
    search.begin(lambda should_stop: Trouble(f"second, stopped: {should_stop()}"))
    assert heard == []
    going_on.set()
    assert both.wait(WAIT)
    assert heard == [NoMend(""), Trouble("second, stopped: False")]


@pytest.mark.parametrize(
    ("error", "line"),
    [(ValueError("no  such\nstretch"), "no such stretch"), (MemoryError(), "MemoryError")],
)
def test_an_error_is_told_in_a_line(error: Exception, line: str) -> None:
    heard: list[Event] = []
    ended = threading.Event()

    def fail(should_stop: Callable[[], bool]) -> Event:
        raise error

    search = Background("search", lambda event: (heard.append(event), ended.set()), NoMend)
    search.begin(fail)
    assert ended.wait(WAIT)
    assert heard == [NoMend(line)]
