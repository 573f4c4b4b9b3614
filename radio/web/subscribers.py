"""The functions that follow a state."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any


class Subscribers:
    """Functions to call with every change, on any thread."""

    def __init__(self) -> None:
        self._takers: list[Callable[..., None]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._takers)

    def add(self, take: Callable[..., None]) -> Callable[[], None]:
        """Call `take` with every change from now on; return a function that ends this."""
        with self._lock:
            self._takers.append(take)

        def end() -> None:
            with self._lock, contextlib.suppress(ValueError):
                self._takers.remove(take)

        return end

    def tell(self, *change: Any) -> None:
        """Call all functions with a change."""
        with self._lock:
            takers = list(self._takers)
        for take in takers:
            take(*change)
