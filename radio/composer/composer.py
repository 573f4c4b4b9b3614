"""A listener's session with a station, without a face: it makes songs, takes ratings, learns, and in the end descends to a final song.

    session = RadioSession(station, "me", home=Home())
    song = session.next_song()               made in the background while the song before plays
    session.rate(song, curve)                (k, 2) seconds and slider, or one number; in the database at once, then learned
    session.undo()
    session.predict(song) -> (mean, std)
    session.final_song() -> Song             descent on P through taste and generator
    session.close()

One thread beside the caller's makes candidates, judges them and renders the best; the caller waits
only if it asks before a song is there. The taste is rebuilt from the ratings in the database when a
session begins, so the database is all there is to keep. Songs that the station made before it was
trained again are heard in the frames that are kept beside their ratings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from radio.composer.final_picture import picture
from radio.composer.final_song import FinalProgress, Trace, find_final
from radio.composer.novelty import LIKENESS, REMEMBERED, SongsHeard
from radio.composer.personal_generator import PersonalGenerator
from radio.composer.song_maker import MINI_BATCH, Heard, Song, SongMaker
from radio.composer.sound_memory import SoundMemory
from radio.home.folder import Home, check_name
from radio.ratings.database import Rating, Ratings
from radio.ratings.journal import SKIP_RATING, SKIP_WEIGHT, Judged, Said
from radio.ratings.reaction_delay import KEPT, Delay
from radio.ratings.slider import checked_curve
from radio.station.song_file import description_of, file_name, save_song, station_fingerprint
from radio.station.station import Station
from radio.taste.insight import Insight, insight
from radio.taste.taste import FIRST_RANDOM, Explore, Taste

CANDIDATES = 192  # judged for every song that is played
SHELF = 3  # songs rendered ahead; the newest taste chooses among them
__all__ = ["SKIP_RATING", "SKIP_WEIGHT", "RadioSession", "Song"]


class RadioSession:
    """See the module's contract.

    Args:
        station: that makes the songs.
        listener: whose taste is learned.
        home: where ratings and songs are kept; the default home if None.
        seed: of the session's random choices; other songs every time if None.
        explore: how the next song is chosen after the first few: 'random', 'greedy' (the highest
            expected rating), 'thompson' (the best under a taste drawn from those that the ratings
            allow), 'ucb' (expected rating plus uncertainty).
        beats: length of the songs; the station's if None. The taste judges every song at the
            station's length, whatever is played of it.
        background: whether songs are made ahead in a thread; without it each is made when it is
            asked for, from all ratings given before.
        added_layers: whether layers that were added to the generator are used, and may be trained.

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
        explore: Explore = "ucb",
        beats: int | None = None,
        background: bool = True,
        added_layers: bool = True,
    ) -> None:
        self.station = station
        self.listener = check_name(listener, "listener")
        self.home = home if home is not None else Home()
        self.explore: Explore = explore
        self.beats = beats
        self._made_by = station_fingerprint(station)
        self._rng = np.random.default_rng(seed)
        self._heard = SongsHeard(REMEMBERED)
        self._taste = Taste(station.critic, extra=station.coordinates.shape[1])
        self._maker = SongMaker(station, self._taste, beats=beats)
        self._ratings = Ratings(self.home.ratings)
        self._said = Said(self._ratings, self.listener, station.name, self._made_by)
        self._sounds = SoundMemory(self._said, self._maker)
        self._known = self._in_database()
        # what the taste hears of each rated song, by the key of its play
        self._songs: dict[str, Heard] = {}
        # what was rated before the station was trained again
        self._before: list[tuple[Rating, Heard]] = []
        self._delay = Delay()
        self.generator = self._maker.generator = PersonalGenerator(
            station, self._own_folder(), used=added_layers
        )
        # of what is known and learned: the worker learns it when the session begins
        self._lock = threading.RLock()
        self._begun = False
        # the latest that was asked for: of which play, after how many batches
        self._insight: tuple[str, int, Insight] | None = None
        self.batches = 0  # mini-batches that the taste has learned
        self.queue = 0  # ratings that it has not learned yet
        self.followed = 0  # how often it has learned or taken what another session wrote
        self._noted: set[str] = set()  # plays of this session that are in the database but not over
        self._hurry = threading.Event()  # the next song is waited for: judge no more candidates
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="next-song") if background else None
        # little to judge, so that the first song starts soon
        self._shelf = self._prepare_ahead(1, 2 * MINI_BATCH)

    @property
    def rated(self) -> int:
        """How many songs of this station the listener has rated."""
        return len(self._known)

    @property
    def taught(self) -> bool:
        """Whether the taste has learned anything, before the station was trained again or since."""
        return self._taste.count > 0

    @property
    def ready(self) -> bool:
        """Whether `next_song` returns without waiting."""
        return self._shelf is None or self._shelf.done()

    @property
    def delay(self) -> float:
        """How many seconds the listener's hand follows the ear, as far as is known."""
        return self._delay.seconds

    def hurry(self) -> None:
        """Make the next song from what was judged so far: somebody waits for it."""
        self._hurry.set()

    def next_song(self) -> Song:
        """Return the next song, unlike the last REMEMBERED before it in this session."""
        self.hurry()
        shelf = self._prepare(1, CANDIDATES) if self._shelf is None else self._shelf.result()
        song = shelf[
            self._taste.choose(np.stack([one.features for one in shelf]), self._rng, self.explore)
        ]
        song.expected = self.predict(song) if self._taste.count else None
        self._heard.add(song.steps)
        self._hurry.clear()
        self._shelf = self._prepare_ahead(SHELF, CANDIDATES)
        return song

    def note(self, song: Song, curve: np.ndarray | float) -> None:
        """Keep what was said so far of a song that still plays; it is learned when `rate` is called, what is taken back is so at once."""
        if (
            self._said.note(song, curve, delay=self.delay, seconds=self._seconds(song.latent))
            is None
        ):
            self._noted.discard(song.key)
            self._unlearn(song.key)
        else:
            self._noted.add(song.key)

    def rate(self, song: Song, curve: np.ndarray | float, *, skipped: bool = False) -> float | None:
        """Keep and learn the rating of a song.

        Args:
            song: of this session.
            curve: (k, 2) seconds into the song and slider, or one number; empty if the slider was
                not touched.
            skipped: whether the song was ended early. An untouched song that was skipped counts as
                a weak dislike, one that was heard to its end says nothing.

        Returns:
            The rating from -1 to 1; None if nothing was said.
        """
        self._notice_delay(checked_curve(curve), song)
        with self._lock:
            rating = self._said.rate(
                song, curve, skipped=skipped, delay=self.delay, seconds=self._seconds(song.latent)
            )
            self._noted.discard(song.key)
            if rating is None:
                self._unlearn(song.key)
                return None
            self._learn_one(rating, self._maker.heard(song))
            self._sounds.keep(song.key, song.steps)
        return rating.rating

    def undo(self) -> Rating | None:
        """Take back the latest rating and return it; None if there is none."""
        self._begin()
        rating = self._said.undo()
        if rating is not None:
            self._unlearn(rating.key)
        return rating

    def history(self) -> list[Rating]:
        """Return what the listener said of this station's songs, oldest first."""
        return self._said.history()

    def judged(self) -> tuple[Judged, ...]:
        """Return what was expected of each rated song and given to it, the latest first."""
        return self._said.judged()

    def change(self, key: str, value: float) -> None:
        """Rate a play of a song anew, by one number from -1 to 1, and learn again."""
        self._said.change(key, value)
        self.learn_again(key)

    def delete(self, key: str) -> None:
        """Take back the rating of one play of a song, and learn again."""
        self._said.delete(key)
        self.learn_again(key)

    def learn_again(self, key: str, *, song: Song | None = None) -> None:
        """Learn what the database says now of one play of a song: another process may have written, changed or deleted its rating.

        Args:
            key: of the play.
            song: that was played, if it is at hand.
        """
        self._begin()
        rating = self._ratings.get(key)
        if rating is None or rating.coordinate.shape != (self.station.size,):
            self._unlearn(key)
            return
        if song is not None:
            self._notice_delay(rating.curve, song)
        heard = self._songs.get(key) if song is None else self._maker.heard(song)
        if song is not None:
            self._sounds.keep(key, song.steps)
        self._learn_one(
            rating,
            self._maker.hear(np.asarray(rating.coordinate, np.float32)[None])[0]
            if heard is None
            else heard,
        )

    def again(self, coordinate: np.ndarray, *, key: str) -> Song:
        """Make a song again, as the same play of it: what is said of it now replaces what was said."""
        self._begin()
        coordinate = np.asarray(coordinate, np.float32)
        song = self._maker.make(coordinate, self._maker.judge(coordinate[None])[0])
        song.key, song.expected = key, self.predict(song) if self._taste.count else None
        return song

    def order(self, songs: list[Song]) -> list[int]:
        """Return the places of songs in the order in which they are to be played, by the newest taste."""
        left, order = list(range(len(songs))), []
        while left:
            chosen = self._taste.choose(
                np.stack([songs[place].features for place in left]), self._rng, self.explore
            )
            order.append(left.pop(chosen))
        return order

    def _notice_delay(self, points: np.ndarray, song: Song) -> None:
        if self._known and len(points) > 2:
            self._delay.observe(
                points,
                self._moments(song.steps[:, None], song.latent[None])[:, 0],
                self._seconds(song.latent),
            )

    def _notice_earlier_delays(self) -> None:
        """Find how late the hand was in earlier sessions.

        By a taste of the ratings alone: one that has learned from the curves would find whatever
        delay it took for granted.
        """
        drawn = [one for one in self._known.values() if len(one.curve) > 2][-KEPT:]
        if drawn:
            self._learn_all(curves=False)
        for start in range(0, len(drawn), MINI_BATCH):
            part = drawn[start : start + MINI_BATCH]
            coordinates = np.array([one.coordinate for one in part], np.float32)
            predicted = self._moments(self._maker.decode(coordinates), coordinates)
            for rating, moments, coordinate in zip(part, predicted.T, coordinates, strict=True):
                self._delay.observe(rating.curve, moments, self._seconds(coordinate))

    def moments(self, song: Song) -> np.ndarray:
        """Return the rating that is expected of every moment of a song (k,), evenly spread over it; its mean is the song's."""
        self._begin()
        return self._moments(song.steps[:, None], song.latent[None])[:, 0]

    def insight(self, song: Song) -> Insight:
        """Return why a song is liked: which of its moments the taste network and the critic like, by their gradients."""
        if self._insight is None or self._insight[:2] != (song.key, self.batches):
            known = insight(self.station, self._taste, song.steps, song.latent, self.moments(song))
            self._insight = song.key, self.batches, known
        return self._insight[2]

    def predict(self, song: Song) -> tuple[float, float]:
        """Return the mean and the standard deviation of the rating that is expected of a song.

        NOTE: the taste is linear, so far from what was rated the mean may lie beyond -1 or 1; who
        shows it cuts it there.
        """
        mean, deviation = self._taste.predict(song.features[None])
        return float(mean[0]), float(deviation[0])

    def final_song(
        self,
        *,
        progress: FinalProgress | None = None,
        trace: Trace | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Song:
        """Descend on P through taste and generator, from the best rated and the best predicted songs, and return where it leads.

        Args:
            progress: called with (steps done, steps in all, cautious rating of the best so far, its
                distance from the station's middle).
            trace: called with the coordinates (starts, D) where the descent is.
            should_stop: asked again and again; the song is given up once it says so.

        Raises:
            CancelledError: if it was given up.
        """
        self._begin()
        candidates, features = self._maker.candidates(
            CANDIDATES, self._rng.spawn(1)[0], enough=should_stop
        )
        if should_stop():
            raise CancelledError
        with self._lock:
            known = list(self._known.values())
        coordinate, found = find_final(
            self.station,
            self._taste,
            rated=np.array([one.coordinate for one in known]).reshape(-1, self.station.size),
            ratings=np.array([one.rating for one in known]),
            candidates=candidates,
            expected=self._taste.predict(features)[0],
            progress=progress,
            trace=trace,
            should_stop=should_stop,
            layers=self.generator.in_use,
        )
        if should_stop():
            raise CancelledError
        song = self._maker.make(coordinate, self._maker.judge(coordinate[None])[0])
        song.expected, song.descent = self.predict(song), found
        return song

    def train_layers(self, steps: int = 40) -> list[float]:
        """Train the generator's added layers by what the taste says of every moment, and keep them if they are better; return the losses.

        Better are layers whose songs the taste expects to be liked more and the critic doesn't
        think less of; with others everything stays as it was, and there are no losses to return.

        Raises:
            RuntimeError: if another session learns for this listener.
        """
        if not self.generator.may_train():
            raise RuntimeError(
                f"another session learns for {self.listener} on station {self.station.name}; close it first"
            )
        self._begin()
        return self.generator.train(
            self._taste, self._rng.spawn(1)[0], ratings=self.rated, steps=steps
        )

    @property
    def learned_layers(self) -> tuple[int, float]:
        """From how many ratings the generator's added layers were trained, 0 for none, and how much more their songs should be liked."""
        return self.generator.learned

    def reset_layers(self) -> None:
        """Let the generator be the station's own again, in later sessions too; more ratings may train new layers."""
        self.generator.reset(ratings=self.rated)

    def personal(self, song: Song) -> Song:
        """Return the song that the generator with its added layers makes of a song's coordinate."""
        coordinate = self.generator.layers.forward(song.latent[None].astype(np.float64))[0].astype(
            np.float32
        )
        return self._maker.make(coordinate[0], self._maker.judge(coordinate)[0])

    def save(self, song: Song, path: Path | None = None, *, kind: str = "wav") -> Path:
        """Write a song as WAV or FLAC, and beside it a JSON with everything needed to make it again; return the song's path.

        Args:
            song: of this session.
            path: ends in .wav or .flac; in the home's folder of songs if None.
            kind: the ending it gets there.
        """
        path = (
            self.home.songs() / f"{file_name(song.name, song.latent)}.{kind}"
            if path is None
            else path
        )
        rating = self._known.get(song.key)
        given = None if rating is None else rating.rating
        return save_song(
            path,
            song,
            self.description(song),
            listener=self.listener,
            rating=given,
            picture=self.picture(song),
        )

    def picture(self, song: Song) -> bytes:
        """Return a PNG of how a final song was found; nothing for others."""
        if not song.descent:
            return b""
        with self._lock:
            known = list(self._known.values())
        return picture(
            np.concatenate([self.station.means, self.station.coordinates], axis=1),
            song.descent,
            rated=np.array([one.coordinate for one in known]).reshape(-1, self.station.size),
            ratings=np.array([one.rating for one in known]),
            title=f"{song.name}: {self.listener} on station {self.station.name}",
        )

    def description(self, song: Song) -> dict[str, Any]:
        """Return everything needed to make a song again, ready for JSON."""
        return description_of(self.station, song.latent, beats=self.beats)

    def close(self) -> None:
        """End the session; what was rated is kept already."""
        self.hurry()
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)
        self._ratings.close()
        self.generator.close()

    def _prepare_ahead(self, count: int, candidates: int) -> Future[list[Song]] | None:
        return (
            None if self._worker is None else self._worker.submit(self._prepare, count, candidates)
        )

    def _prepare(self, count: int, candidates: int) -> list[Song]:
        """Return the `count` best songs of so many candidates, rendered; fewer if the next one is waited for."""
        self._begin()
        self._follow()

        def enough() -> bool:
            return self._worker is not None and self._hurry.is_set()

        undecided = self.explore == "random" or self._taste.count < FIRST_RANDOM
        coordinates, features = self._maker.candidates(
            MINI_BATCH if undecided else candidates, self._rng, enough=enough
        )
        songs: list[Song] = []
        alike: list[tuple[float, Song]] = []
        while len(coordinates) and len(songs) < count and not (songs and enough()):
            chosen = self._taste.choose(features, self._rng, self.explore)
            steps = self._maker.decode(coordinates[chosen][None])
            likeness = self._heard.likeness(steps[:, 0])
            if likeness < LIKENESS:
                songs.append(self._maker.make(coordinates[chosen], features[chosen], steps))
            elif not alike or likeness < alike[0][0]:
                alike = [(likeness, self._maker.make(coordinates[chosen], features[chosen], steps))]
            coordinates, features = (
                np.delete(coordinates, chosen, axis=0),
                np.delete(features, chosen, axis=0),
            )
        # A station may know only one song; then the least alike has to do.
        return songs or [song for _, song in alike]

    def _begin(self) -> None:
        """Learn, once, what is usual on this station, and what the listener said in earlier sessions."""
        with self._lock:
            if self._begun:
                return
            self._maker.fit_taste()
            self._hear(list(self._known.values()))
            self._before = self._sounds.before()
            self._notice_earlier_delays()
            self._learn_all()
            self._begun = True
            self._sounds.keep_missing(list(self._known.values()))

    def _own_folder(self) -> Path:
        return self.home.writable(f"listeners/{self.listener}/{self.station.name}-{self._made_by}")

    def _in_database(self) -> dict[str, Rating]:
        """Return what the listener said of this station's songs, by the key of the play; rows that another program left may not fit."""
        return {
            one.key: one
            for one in self._said.history()
            if one.coordinate.shape == (self.station.size,)
        }

    def follow(self, *, playing: str | None = None) -> None:
        """Learn what another session said for the same listener since, and take the layers that it trained; `followed` counts both.

        Args:
            playing: key of the song that plays, of which the listener may still say something else.
        """
        self.followed += self.generator.follow()
        if self._ratings.changed_elsewhere():
            self._follow(playing)

    def _follow(self, playing: str | None = None) -> None:
        with self._lock:
            known = {key: (one.rating, one.weight) for key, one in self._known.items()}
            # Looked at before every song: the rows themselves, with their curves and coordinates,
            # are read only if something changed.
            if {
                key: values for key, values in self._said.values().items() if key not in self._noted
            } == known:
                return
            now = {key: one for key, one in self._in_database().items() if key not in self._noted}
            if playing is not None and playing in now:  # it is learned when it is over
                now.pop(playing)
                now |= {playing: self._known[playing]} if playing in self._known else {}
            if {key: (one.rating, one.weight) for key, one in now.items()} == known:
                return
            self._hear([one for key, one in now.items() if key not in self._songs])
            self._known = now
            self._learn_all()
            self.followed += 1

    def _hear(self, ratings: list[Rating]) -> None:
        for start in range(0, len(ratings), MINI_BATCH):
            part = ratings[start : start + MINI_BATCH]
            heard = self._maker.hear(np.array([one.coordinate for one in part], np.float32))
            self._songs.update({one.key: song for one, song in zip(part, heard, strict=True)})

    def _seconds(self, coordinate: np.ndarray) -> float:
        return (
            self.station.seconds(coordinate)
            * (self.beats or self.station.beats)
            / self.station.beats
        )

    def _moments(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return the predicted rating of every moment (S, B) of songs (S, B, F) at P (B, D)."""
        return self._taste.predict_moments(steps, coordinates[:, self.station.latent_size :])

    def _learn_all(self, *, curves: bool = True) -> None:
        with self._lock:
            self.batches += 1
            self._taste.forget()
            for rating, heard in self._before:
                self._observe(rating, heard, curves=curves)
            for key, rating in self._known.items():
                self._observe(rating, self._songs[key], curves=curves)
            self._taste.learn()

    def _observe(self, rating: Rating, heard: Heard, *, curves: bool = True) -> None:
        seconds = self._seconds(np.asarray(rating.coordinate))
        told = (
            self._taste.told(heard.stretches, rating.curve, delay=self.delay, seconds=seconds)
            if curves
            else None
        )
        self._taste.observe(heard.features, rating.rating, rating.weight, told)

    def _learn_one(self, rating: Rating, heard: Heard) -> None:
        with self._lock:
            again = rating.key in self._known
            self._known[rating.key], self._songs[rating.key] = rating, heard
            if again:
                self._learn_all()
            else:
                self.batches += 1
                self._observe(rating, heard)
                self._taste.learn()

    def _unlearn(self, key: str) -> None:
        with self._lock:
            if self._known.pop(key, None) is not None:
                self._songs.pop(key, None)
                self._learn_all()
