"""Keeps a taste up to date with the ratings in the database.

    learning = TasteLearner(journal, maker)
    learning.begin()                        learns all ratings that were given before, once
    learning.learn(key, draft)              learns the current rating of one play, or unlearns it
    learning.follow(playing=key) -> bool    learns what other sessions of the listener wrote

The taste is rebuilt from the ratings when a session begins, so the database is all there is to
store. Ratings of songs that the station made before it was retrained are learned from the frames
that are stored beside them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from radio.composer.song import Draft
from radio.composer.song_maker import MINI_BATCH, SongMaker, TasteInput
from radio.composer.sound_memory import SoundMemory
from radio.ratings import MAX_SONGS, Journal, Rating, ReactionDelay
from radio.station import stacked

Row = TypeVar("Row")


class TasteLearner:
    """See the module's contract.

    Args:
        journal: of the listener.
        maker: of the station's songs.

    Attributes:
        taste: that it teaches.
        listener: whose taste it is.
        known: the ratings of songs that the station still makes, by the key of the play.
        batches: mini-batches that the taste has learned.
        lock: held while the taste and `known` change.
    """

    def __init__(self, journal: Journal, maker: SongMaker) -> None:
        self.taste = maker.taste
        self.listener = journal.listener
        self.batches = 0
        self.lock = threading.RLock()
        self._journal = journal
        self._maker = maker
        self._station = maker.station
        self._sounds = SoundMemory(journal, maker)
        self.known = self._in_database()
        self._inputs: dict[str, TasteInput] = {}  # of the known ratings
        self._earlier: list[tuple[Rating, TasteInput]] = []  # from before the retraining
        self._delay = ReactionDelay()
        self._begun = False

    @property
    def delay(self) -> float:
        """Seconds by which the listener's hand follows the ear, as far as is known."""
        return self._delay.seconds

    def begin(self) -> None:
        """Learn, once, the station's usual songs and the ratings of earlier sessions."""
        with self.lock:
            if self._begun:
                return
            self._maker.fit_taste()
            self._add_inputs(list(self.known.values()))
            self._earlier = self._sounds.earlier()
            self._observe_earlier_delays()
            self._learn_all()
            self._begun = True
            self._sounds.store_missing(list(self.known.values()))

    def learn(self, key: str, draft: Draft | None = None) -> None:
        """Learn what the database holds now of one play: a rating, another one, or none.

        Args:
            key: of the play.
            draft: of the song, if it is remembered.
        """
        self.begin()
        rating = self._journal.ratings.get(key)
        with self.lock:
            if rating is None or not self._station.makes(rating.coordinate):
                self._unlearn(key)
                return
            given = self._inputs.get(key)
            if draft is not None or given is None:
                draft = self._maker.draft(rating.coordinate) if draft is None else draft
                self._observe_delay(rating.curve, draft)
                self._sounds.store(key, draft.steps)
                given = self._maker.input_of_draft(draft)
            again = key in self.known
            self.known[key], self._inputs[key] = rating, given
            if again:
                self._learn_all()
            else:
                self.batches += 1
                self._observe(rating, given)
                self.taste.learn()

    def follow(self, *, playing: str | None) -> bool:
        """Learn what other sessions of the listener wrote; return whether there was anything.

        Args:
            playing: key of the song that plays, whose rating is learned when it is over.
        """
        with self.lock:
            known = {key: (one.rating, one.weight) for key, one in self.known.items()}
            # Called before every song: the rows themselves, with their curves and coordinates, are
            # read only if something changed.
            if self._without_unlearned(self._journal.values(), known, playing) == known:
                return False
            now = self._without_unlearned(self._in_database(), self.known, playing)
            if {key: (one.rating, one.weight) for key, one in now.items()} == known:
                return False
            self._add_inputs([one for key, one in now.items() if key not in self._inputs])
            self.known = now
            self._learn_all()
            return True

    def moments(self, steps: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Return the predicted rating of every moment (S, B) of songs (S, B, F) at P (B, D)."""
        return self.taste.predict_moments(steps, self._station.known(coordinates))

    @staticmethod
    def _without_unlearned(
        rows: dict[str, Row], known: Mapping[str, Row], playing: str | None
    ) -> dict[str, Row]:
        """Return rows in which the song that plays has the value that was learned of it, if any."""
        if playing is None or playing not in rows:
            return rows
        others = {key: row for key, row in rows.items() if key != playing}
        return {**others, playing: known[playing]} if playing in known else others

    def _in_database(self) -> dict[str, Rating]:
        """Return the ratings of this station's songs by key; rows of another size don't fit."""
        return {
            one.key: one for one in self._journal.history() if self._station.makes(one.coordinate)
        }

    def _add_inputs(self, ratings: list[Rating]) -> None:
        for start in range(0, len(ratings), MINI_BATCH):
            part = ratings[start : start + MINI_BATCH]
            found = self._maker.inputs(
                stacked([one.coordinate for one in part], self._station.size)
            )
            self._inputs.update({one.key: given for one, given in zip(part, found, strict=True)})

    def _learn_all(self, *, curves: bool = True) -> None:
        self.batches += 1
        self.taste.forget()
        for rating, given in self._earlier:
            self._observe(rating, given, curves=curves)
        for key, rating in self.known.items():
            self._observe(rating, self._inputs[key], curves=curves)
        self.taste.learn()

    def _observe(self, rating: Rating, given: TasteInput, *, curves: bool = True) -> None:
        seconds = self._seconds(np.asarray(rating.coordinate))
        targets = (
            self.taste.curve_targets(
                given.segments, rating.curve, delay=self.delay, seconds=seconds
            )
            if curves
            else None
        )
        self.taste.observe(given.features, rating.rating, rating.weight, targets)

    def _unlearn(self, key: str) -> None:
        if self.known.pop(key, None) is not None:
            self._inputs.pop(key, None)
            self._learn_all()

    def _observe_delay(self, curve: np.ndarray, draft: Draft) -> None:
        if self.known and len(curve) > 2:
            predicted = self.moments(draft.steps[:, None], draft.coordinate[None])[:, 0]
            self._delay.observe(curve, predicted, self._seconds(draft.coordinate))

    def _observe_earlier_delays(self) -> None:
        """Estimate the delay from earlier sessions.

        By a taste of the ratings alone: one that has learned from the curves would confirm whatever
        delay it assumed.
        """
        drawn = [one for one in self.known.values() if len(one.curve) > 2][-MAX_SONGS:]
        if drawn:
            self._learn_all(curves=False)
        for rating in drawn:
            coordinate = np.asarray(rating.coordinate, np.float32)
            predicted = self.moments(self._maker.decode(coordinate), coordinate[None])[:, 0]
            self._delay.observe(rating.curve, predicted, self._seconds(coordinate))

    def _seconds(self, coordinate: np.ndarray) -> float:
        return self._station.seconds(coordinate, beats=self._maker.beats)
