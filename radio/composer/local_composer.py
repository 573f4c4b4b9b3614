"""A composer in the caller's process: for the worker, `ai-radio final`, lessons and benchmarks.

    composer = LocalComposer(station, "me", home=Home())
    song = composer.next_song()              made in the background while the song before plays
    composer.journal.rate(song, curve)       (k, 2) seconds and slider, or one number
    composer.changed(song.key)               learns the row
    composer.predict(song) -> (mean, std)
    composer.final_song() -> Song            descent on P; see FinalDescent.run
    composer.close()

A thread draws candidates, judges them and renders the best; `next_song` waits until one is there.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

import numpy as np

from radio.composer.events import (
    AdapterChanged,
    Event,
    Learned,
    NoReplay,
    ReplayedSong,
)
from radio.composer.final_descent import FinalDescent
from radio.composer.mending import Mending
from radio.composer.messages import Busy
from radio.composer.personal_generator import PersonalGenerator
from radio.composer.shelf import Shelf
from radio.composer.song import Draft, Song
from radio.composer.song_maker import SongMaker
from radio.composer.taste_learner import TasteLearner
from radio.home import Home, check_name
from radio.ratings import Journal, open_ratings
from radio.station import Station, station_fingerprint
from radio.taste import DEFAULT_WAY, Explore, Insight, Taste, insight_of

MAX_REMEMBERED_DRAFTS = 24  # for insights and ratings: 1 MB each


class LocalComposer:
    """See the module's contract, and `Composer` for the methods that every composer has.

    Args:
        station: whose songs are played.
        listener: whose taste is learned.
        home: of ratings and adapters; the default home if None.
        seed: of the random choices; other songs every time if None.
        explore: how the next song is chosen after the first: 'random', 'greedy' (the highest
            predicted rating), 'thompson' (the best under a taste drawn from the posterior), 'ucb'
            (predicted rating plus uncertainty).
        beats: length of the songs; the station's if None. The taste judges every song at the
            station's length, whatever is played of it.
        background: whether songs are made ahead in a thread; without it each is made when it is
            asked for, from all ratings given before.
        adapter: whether the generator's adapter is used, and may be trained.
        make_maker: returns the maker of the songs.
        emit: takes each event, from any thread; they wait for `events` if None.

    Raises:
        RatingsError: if the ratings' database can't be used.
        HomeError: if the home or the listener's name can't.
    """

    def __init__(
        self,
        station: Station,
        listener: str,
        *,
        home: Home | None = None,
        seed: int | None = None,
        explore: Explore = DEFAULT_WAY,
        beats: int | None = None,
        background: bool = True,
        adapter: bool = True,
        make_maker: Callable[..., SongMaker] = SongMaker,
        emit: Callable[[Event], None] | None = None,
    ) -> None:
        listener = check_name(listener, "listener")
        home = Home() if home is None else home
        made_by = station_fingerprint(station)
        self.station = station
        self.explore: Explore = explore
        self.taste = Taste.of(station)
        self.maker = make_maker(station, self.taste, beats=beats)
        self.journal = Journal(open_ratings(home.ratings), listener, station.name, made_by)
        folder = home.writable(f"listeners/{listener}/{station.name}-{made_by}")
        self.generator = self.maker.generator = PersonalGenerator(station, folder, used=adapter)
        self._learner = TasteLearner(self.journal, self.maker)
        self._rng = np.random.default_rng(seed)
        self._drafts: OrderedDict[str, Draft] = OrderedDict()  # by the key of the play
        self._playing: str | None = None
        # the latest insight: of which play, after how many batches
        self._insight: tuple[str, int, Insight] | None = None
        self._events: deque[Event] = deque()
        self.busy: Busy | None = None  # it is open when it is made
        self._emit = self._events.append if emit is None else emit
        descent = FinalDescent(self.maker, self._learner, self._rng, self._emit)
        self.start_final, self.stop_final = descent.start, descent.stop
        self.final_song = descent.run
        mending = Mending(self.maker, self._learner, self.journal, self._rng, self._emit)
        self.mend, self.start_mend, self.stop_mend = mending.run, mending.start, mending.stop
        self._shelf = Shelf(
            self.maker, self._rng, explore, before=self._begin_and_follow, background=background
        )
        self.wish = self._shelf.wish

    @property
    def rated(self) -> int:
        """How many songs of this station the listener has rated."""
        return len(self._learner.known)

    @property
    def taught(self) -> bool:
        """Whether the taste has learned anything, before the station was retrained or since."""
        return self.taste.count > 0

    @property
    def delay(self) -> float:
        """Seconds by which the listener's hand follows the ear, as far as is known."""
        return self._learner.delay

    @property
    def ready(self) -> bool:
        """Whether `next_song` returns without waiting."""
        return self._shelf.ready

    @property
    def pending(self) -> int:
        """How many changed ratings are not learned yet: none, `changed` learns at once."""
        return 0

    def hurry(self) -> None:
        """Make the next song from the candidates judged so far: the listener is waiting."""
        self._shelf.hurry()

    def next_song(self, key: str | None = None) -> Song:
        """Return the next song, unlike the latest ones of this composer; none has a key before."""
        song, draft = self._shelf.take()
        self._remember(song.key, draft)
        song.expected = self.predict(song) if self.taught else None
        return song

    def order(self, songs: list[Song]) -> list[Song]:
        """Return songs in the order to play them: those wished for first, by the newest taste."""
        left, ordered = list(songs), []
        while left:
            features = np.stack([self._draft(one.key, one.latent).features for one in left])
            ordered.append(left.pop(self.taste.choose(features, self._rng, self.explore)))
        return sorted(ordered, key=lambda song: not song.wish)

    def predict(self, song: Song) -> tuple[float, float]:
        """Return the mean and the standard deviation of a song's predicted rating.

        NOTE: the taste is linear, so far from the rated songs the mean may lie beyond -1 or 1;
        whoever shows it clips it.
        """
        mean, deviation = self.taste.predict(self._draft(song.key, song.latent).features[None])
        return float(mean[0]), float(deviation[0])

    def moments(self, song: Song) -> np.ndarray:
        """Return the predicted rating of every moment of a song (k,); its mean is the song's."""
        self._learner.begin()
        return self._moments(self._draft(song.key, song.latent))

    def insight(self, key: str) -> Insight | None:
        """Return which moments of a song the taste and the critic like, by their gradients."""
        draft = self._drafts.get(key)
        if draft is None:
            return None
        batches = self._learner.batches
        if self._insight is None or self._insight[:2] != (key, batches):
            self._learner.begin()
            found = insight_of(
                self.station, self.taste, draft.steps, draft.coordinate, self._moments(draft)
            )
            self._insight = key, batches, found
        return self._insight[2]

    def upcoming(self) -> list[Song]:  # chosen when it is taken
        """Return none."""
        return []

    def played(self, key: str, coordinate: np.ndarray) -> None:
        """Take note of the play that has begun: its rating is learned when `changed` is called."""
        self._playing = key
        self._remember(key, self._draft(key, coordinate))

    def changed(self, key: str) -> None:
        """Learn the rating of one play anew: its row was written, changed or deleted."""
        self.learn([key])

    def learn(self, keys: list[str]) -> None:
        """Learn the ratings of several plays anew."""
        for key in dict.fromkeys(keys):
            self._learner.learn(key, self._drafts.get(key))
        self._emit(Learned(keys, self.delay))

    def follow(self) -> bool:
        """Learn what another session of the listener wrote, and load the adapter it trained.

        Returns:
            Whether there was anything.
        """
        adapted = self.generator.follow()
        if adapted:
            self._emit(AdapterChanged(*self.generator.learned, news=False))
        learned = self.journal.ratings.changed_elsewhere() and self._follow_ratings()
        return adapted or learned

    def replay(self, key: str, coordinate: np.ndarray) -> None:
        """Make the song at P (D,) again, as the same play of it; it arrives as an event."""
        try:
            if not self.maker.station.makes(coordinate):
                raise ValueError(f"it is no song of station {self.maker.station.name}")
            self._learner.begin()
            draft = self.maker.draft(coordinate)
            song = self.maker.render(draft)
        except ValueError as error:
            self._emit(NoReplay(key, " ".join(str(error).split())))
            return
        song.key = key
        self._remember(key, draft)
        song.expected = self.predict(song) if self.taught else None
        self._emit(ReplayedSong(song))

    def train_adapter(self, steps: int = 40) -> list[float]:
        """Train the generator's adapter by the taste at every moment; return the losses.

        An adapter is kept only if its songs have a higher predicted rating and the critic scores
        them no worse; else there are no losses to return.

        Raises:
            RuntimeError: if another session trains for this listener.
        """
        if not self.generator.may_train():
            raise RuntimeError(
                f"another session learns for {self.journal.listener} "
                f"on station {self.station.name}; close it first"
            )
        self._learner.begin()
        rng = self._rng.spawn(1)[0]
        losses = self.generator.train(self.taste, rng, ratings=self.rated, steps=steps)
        if losses:
            self._emit(AdapterChanged(*self.generator.learned, news=True))
        return losses

    def reset_adapter(self) -> None:
        """Remove the adapter, for later sessions too; the generator may adapt again."""
        self.generator.reset(ratings=self.rated)
        self._emit(AdapterChanged(*self.generator.learned, news=True))

    def events(self) -> list[Event]:
        """Return what has happened since the last call, oldest first."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def close(self) -> None:
        """End; every rating is in the database already."""
        self.stop_final()
        self.stop_mend()
        self._shelf.close()
        self.journal.close()
        self.generator.close()

    def _begin_and_follow(self) -> None:
        self._learner.begin()
        self._follow_ratings()

    def _follow_ratings(self) -> bool:
        learned = self._learner.follow(playing=self._playing)
        if learned:
            self._emit(Learned([], self.delay))
        return learned

    def _moments(self, draft: Draft) -> np.ndarray:
        return self._learner.moments(draft.steps[:, None], draft.coordinate[None])[:, 0]

    def _draft(self, key: str, coordinate: np.ndarray) -> Draft:
        draft = self._drafts.get(key)
        if draft is not None:
            return draft
        self._learner.begin()  # the features depend on the station's usual songs
        return self.maker.draft(coordinate)

    def _remember(self, key: str, draft: Draft) -> None:
        with self._learner.lock:
            self._drafts[key] = draft
            while len(self._drafts) > MAX_REMEMBERED_DRAFTS:
                self._drafts.popitem(last=False)
