"""Work on several things at once, whose results come in the order of the things."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Thing], Result], things: Iterable[Thing], *, threads: int
) -> Iterator[Result]:
    """Yield function(thing) of each thing in their order, as many computed at once as `threads`.

    Things are taken in the calling thread, one more than there are threads at most. If one fails or
    the caller stops, those that have not begun are left out.
    """
    pool, waiting = ThreadPoolExecutor(threads), deque[Future[Result]]()
    try:
        for thing in things:
            waiting.append(pool.submit(function, thing))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
