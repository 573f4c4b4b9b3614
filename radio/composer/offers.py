"""The songs that a worker has offered, the best first by its newest taste."""

from __future__ import annotations

from dataclasses import replace

from radio.composer.messages import Order
from radio.composer.song import Song
from radio.composer.wish import Wish

MAX_WITHDRAWN = 2  # songs that are kept though better ones are offered: 3 MB each


class Offers:
    """See the module's sentence. NOTE: one thread at a time.

    Attributes:
        withdrawn: the latest songs that were offered and then replaced by better ones, by key.
        wish: what is left of the latest wish, should the worker die; None if nothing is.
    """

    def __init__(self) -> None:
        self.withdrawn: dict[str, Song] = {}
        self.wish: Wish | None = None
        self._songs: dict[str, Song] = {}  # by key
        self._order: list[str] = []
        self._unanswered = 0  # wishes that the worker has not answered: what it offers is older

    def __len__(self) -> int:
        return len(self._songs)

    @property
    def best_first(self) -> list[Song]:
        """The songs in the order of the newest taste."""
        return [self._songs[key] for key in self._order if key in self._songs]

    def add(self, song: Song) -> bool:
        """Add a song; return False if it was offered before the latest wish."""
        if not self._unanswered:
            self._songs[song.key] = song
        return not self._unanswered

    def take(self, key: str | None) -> Song | None:
        """Return the song of this key, or else the best, which is offered no more; None if none."""
        if key in self.withdrawn:
            return self.withdrawn.pop(key)
        best = (one for one in (key, *self._order, *self._songs) if one in self._songs)
        song = self._songs.pop(next(best, ""), None)
        if song is not None and song.wish and self.wish is not None:
            left = self.wish.songs - 1
            self.wish = replace(self.wish, songs=left) if left else None
        return song

    def begin_wish(self, wish: Wish) -> None:
        """Drop all songs: those that answer the wish follow."""
        self._songs, self.withdrawn = {}, {}
        self._unanswered += 1
        self.wish = wish

    def restart(self) -> None:
        """Await no answer of a worker that died."""
        self._unanswered = 0

    def sort(self, order: Order) -> None:
        """Take the order of the songs, and their predicted ratings; withdraw those without one."""
        self._order = order.keys
        if not order.keys:
            self._unanswered = max(0, self._unanswered - 1)
        # Songs that a former worker offered are not in the order, and usable until there are newer
        # ones.
        before = self._songs
        self._songs = {key: before[key] for key in order.keys if key in before}
        gone = {key: song for key, song in before.items() if key not in self._songs}
        self.withdrawn = dict([*self.withdrawn.items(), *gone.items()][-MAX_WITHDRAWN:])
        for key, expected in zip(order.keys, order.expected, strict=True):
            if key in self._songs:
                self._songs[key].expected = expected
