"""The functions that follow a state."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

Take = Callable[[dict[str, Any]], None]


class Subscribers:
    """Functions to call with every new state, on any thread."""

    def __init__(self) -> None:
        self._takers: list[Take] = []
        self._lock = threading.Lock()

    def add(self, take: Take) -> Callable[[], None]:
        """Call `take` with every state from now on; return a function that ends this."""
        with self._lock:
            self._takers.append(take)

        def end() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._takers.remove(take)

        return end

    def tell(self, state: dict[str, Any]) -> None:
        """Call all functions with a state."""
        with self._lock:
            takers = list(self._takers)
        for take in takers:
            take(state)
