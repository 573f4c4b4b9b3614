"""Finds a final song for a learned taste, in the caller's thread or in a separate one.

descent = FinalDescent(maker, taste_learner, rng, emit)
descent.run(progress=) -> Song
descent.start()  stop()                 steps and song arrive as events
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError

import numpy as np

from radio.composer.background import Background
from radio.composer.events import Event, FinalSong, FinalStep, NoFinal
from radio.composer.final_picture import picture
from radio.composer.final_song import find_final
from radio.composer.song import Song
from radio.composer.song_maker import SongMaker
from radio.composer.taste_learner import TasteLearner
from radio.station import stacked

CANDIDATES = 192  # among which the descent may start; chosen, not measured


class FinalDescent:
    """See the module's contract.

    Args:
        maker: of the songs.
        taste_learner: of the listener.
        rng: of the candidates.
        emit: takes the events.
    """

    def __init__(
        self,
        maker: SongMaker,
        taste_learner: TasteLearner,
        rng: np.random.Generator,
        emit: Callable[[Event], None],
    ) -> None:
        self._maker = maker
        self._taste_learner = taste_learner
        self._rng = rng
        self._emit = emit
        self._search = Background("final-song", emit, NoFinal)
        self.stop = self._search.give_up

    def run(
        self,
        *,
        progress: Callable[[FinalStep], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        draw: bool = True,
    ) -> Song:
        """Descend on P through taste and generator, and return the song it leads to.

        Args:
            progress: called at the start and after each step.
            should_stop: called again and again; the song is given up once it returns True.
            draw: whether the song gets a picture of the descent.

        Raises:
            CancelledError: if it was given up.
        """
        maker, taste, station = self._maker, self._taste_learner.taste, self._maker.station
        self._taste_learner.begin()
        rng = self._rng.spawn(1)[0]
        candidates, features = maker.candidates(CANDIDATES, rng, enough=should_stop)
        if should_stop():
            raise CancelledError
        with self._taste_learner.lock:
            known = list(self._taste_learner.known.values())
        rated = stacked([one.coordinate for one in known], station.size)
        ratings = np.array([one.rating for one in known])
        coordinate, found = find_final(
            station,
            taste,
            rated=rated,
            ratings=ratings,
            candidates=candidates,
            expected=taste.predict(features)[0],
            progress=progress,
            should_stop=should_stop,
            adapter=None if maker.generator is None else maker.generator.in_use,
        )
        if should_stop():
            raise CancelledError
        draft = maker.draft(coordinate)
        song = maker.render(draft)
        mean, deviation = taste.predict(draft.features[None])
        song.expected, song.descent = (float(mean[0]), float(deviation[0])), found
        if draw:
            learned = np.concatenate([station.means, station.coordinates], axis=1)
            title = f"{song.name}: {self._taste_learner.listener} on station {station.name}"
            moved = rated[:, station.movable]
            drawn = picture(learned, found, rated=moved, ratings=ratings, title=title)
            song.picture = np.frombuffer(drawn, np.uint8)
        return song

    def start(self) -> None:
        """Begin in a thread, if none runs."""
        self._search.begin(
            lambda should_stop: FinalSong(self.run(progress=self._emit, should_stop=should_stop))
        )
