"""Songs made ahead: a thread draws candidates, judges them and renders the best while a song plays.

shelf = Shelf(maker, rng, explore, before=learn, background=True)
shelf.take() -> (song, draft)            waits only if none is there
shelf.hurry()                            the listener waits: judge no more candidates
shelf.wish(wish)                         make the songs anew, the next ones by a listener's wish
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from radio.composer.novelty import MAX_CORRELATION, MAX_REMEMBERED_SONGS, RememberedSongs
from radio.composer.song import Draft, Song
from radio.composer.song_maker import MINI_BATCH, SongMaker
from radio.composer.wish import Wish
from radio.taste import Explore

CANDIDATES = 192  # judged for every song that is played; chosen, not measured
AHEAD = 3  # songs rendered ahead, among which the newest taste chooses; chosen, not measured


class Shelf:
    """See the module's contract.

    Args:
        maker: of the songs.
        rng: of the random choices.
        explore: how the taste chooses, see `LocalComposer`.
        before: called before songs are made, on the thread that makes them.
        background: whether there is a thread; without it each song is made by `take`.
    """

    def __init__(
        self,
        maker: SongMaker,
        rng: np.random.Generator,
        explore: Explore,
        *,
        before: Callable[[], object],
        background: bool,
    ) -> None:
        self._maker = maker
        self._taste = maker.taste
        self._rng = rng
        self._explore: Explore = explore
        self._before = before
        self._earlier = RememberedSongs(MAX_REMEMBERED_SONGS)
        self._hurry = threading.Event()  # of the songs being made
        self._wish: Wish | None = None
        self._wished = 0  # songs that are still to answer it
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="next-song") if background else None
        # few candidates, so that the first song starts soon
        self._songs = self._make_ahead(1, 2 * MINI_BATCH)

    @property
    def ready(self) -> bool:
        """Whether `take` returns without waiting for a thread."""
        return self._songs is None or self._songs.done()

    def hurry(self) -> None:
        """Make do with the candidates judged so far."""
        self._hurry.set()

    def take(self) -> tuple[Song, Draft]:
        """Return the best song, unlike the last MAX_REMEMBERED_SONGS, and begin to make others."""
        self.hurry()
        songs = (
            self._make(1, CANDIDATES, self._wish, self._hurry)
            if self._songs is None
            else self._songs.result()
        )
        features = np.stack([draft.features for _, draft in songs])
        song, draft = songs[self._taste.choose(features, self._rng, self._explore)]
        self._earlier.add(draft.steps)
        if self._wish is not None:
            song.wish = str(self._wish)
            self._wished -= 1
            self._wish = self._wish if self._wished else None
        self._songs = self._make_ahead(AHEAD, CANDIDATES)
        return song, draft

    def wish(self, wish: Wish) -> None:
        """Drop the songs made ahead, and choose the next ones by a wish."""
        self._wish, self._wished = wish, wish.songs
        self.hurry()
        if self._songs is not None:
            self._songs.cancel()
        self._songs = self._make_ahead(AHEAD, CANDIDATES)

    def close(self) -> None:
        """End the thread."""
        self.hurry()
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)

    def _make_ahead(self, count: int, candidates: int) -> Future[list[tuple[Song, Draft]]] | None:
        if self._thread is None:
            return None
        self._hurry = threading.Event()
        return self._thread.submit(self._make, count, candidates, self._wish, self._hurry)

    def _make(
        self, count: int, candidates: int, wish: Wish | None, hurry: threading.Event
    ) -> list[tuple[Song, Draft]]:
        """Return the `count` best of so many candidates, rendered; fewer if the listener waits."""
        self._before()

        def enough() -> bool:
            return self._thread is not None and hurry.is_set()

        undecided = self._explore == "random" or not self._taste.count
        coordinates, features = self._maker.candidates(
            MINI_BATCH if undecided else candidates, self._rng, enough=enough, wish=wish
        )
        distinct: list[tuple[Song, Draft]] = []
        alike: tuple[float, Draft] | None = None
        while len(coordinates) and len(distinct) < count and not (distinct and enough()):
            chosen = self._taste.choose(features, self._rng, self._explore)
            draft = self._maker.draft(coordinates[chosen], features=features[chosen])
            correlation = self._earlier.max_correlation(draft.steps)
            if correlation < MAX_CORRELATION:
                distinct.append((self._maker.render(draft), draft))
            elif alike is None or correlation < alike[0]:
                alike = correlation, draft
            coordinates = np.delete(coordinates, chosen, axis=0)
            features = np.delete(features, chosen, axis=0)
        if not distinct and alike is not None:  # a station may know only one song
            return [(self._maker.render(alike[1]), alike[1])]
        return distinct
