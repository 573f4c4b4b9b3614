"""What a session publishes: the latest content of each part of its pages, and who follows them.

    published.tell(part, content)      to all who follow it, if it has changed
    published.say(line)                a line for the listener: the part `said`
    published.subscribe(take)          take(part, content) for changes; returns what ends this

The parts are state, song, now, drawn, expected, learning, history, map, saved and said;
radio/web/parts.py makes most of their content.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from radio.web.subscribers import Subscribers

LINES = 30  # of `said`, the latest


class Published:
    """See the module's contract.

    Attributes:
        parts: the latest contents.
        unwatched_since: when the latest page left, in the seconds of `time.monotonic`.
    """

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {"said": []}
        self.unwatched_since = time.monotonic()
        self._subscribers = Subscribers()
        self.tell_state("Tuning in")

    @property
    def watched(self) -> bool:
        """Whether a page follows."""
        return bool(self._subscribers)

    def subscribe(self, take: Callable[[str, Any], None]) -> Callable[[], None]:
        """Call `take` with all changes from now on; return a function that ends this."""
        remove = self._subscribers.add(take)

        def end() -> None:
            remove()
            self.unwatched_since = time.monotonic()

        return end

    def tell(self, part: str, content: Any) -> None:
        """Publish the content of a part, if it is another than before."""
        if part not in self.parts or self.parts[part] != content:
            self.parts[part] = content
            self._subscribers.tell(part, content)

    def tell_state(self, telling: str = "", *, trouble: str = "") -> None:
        """Publish whether the session is open: it is, unless there is something to tell."""
        opened = not telling and not trouble
        self.tell("state", {"open": opened, "telling": telling, "trouble": trouble})

    def say(self, line: str) -> None:
        """Publish a line for the listener."""
        said = self.parts["said"]
        number = said[-1]["number"] + 1 if said else 1
        self.tell("said", [*said, {"number": number, "text": line}][-LINES:])
