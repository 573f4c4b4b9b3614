"""Mends a song in a thread: the worst stretch of it, or one that is given.

mending = Mending(maker, taste_learner, journal, rng, emit)
mending.run(key, P, start, stop) -> Song or None
mending.start(key, P, start, stop)  stop()       the song arrives as an event
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError

import numpy as np

from radio.composer.background import Background
from radio.composer.events import Event, MendedSong, NoMend
from radio.composer.mended_song import LONGEST, SHORTEST, mend, worst_stretch
from radio.composer.song import Song
from radio.composer.song_maker import SongMaker
from radio.composer.taste_learner import TasteLearner
from radio.ratings import Journal

NOT_BETTER = "no version is expected to be liked more than this one"
UNTAUGHT = "rate a song first: it is mended by what you like"


class Mending:
    """See the module's contract.

    Args:
        maker: of the songs.
        taste_learner: of the listener.
        journal: of the listener's ratings.
        rng: of the versions.
        emit: takes the events.
    """

    def __init__(
        self,
        maker: SongMaker,
        taste_learner: TasteLearner,
        journal: Journal,
        rng: np.random.Generator,
        emit: Callable[[Event], None],
    ) -> None:
        self._maker, self._learner, self._journal = maker, taste_learner, journal
        self._rng = rng
        self._search = Background("mend", emit, NoMend)
        self.stop = self._search.give_up

    def run(
        self,
        key: str,
        coordinate: np.ndarray,
        start: float | None = None,
        stop: float | None = None,
        *,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Song:
        """Return the mended song, with `mended` in its description.

        Args:
            key: of the play, whose rating says which stretch is the worst.
            coordinate: P of the song.
            start: of the stretch in seconds; with `stop`, None for the worst one.
            stop: of the stretch.
            should_stop: called again and again; the song is given up once it returns True.

        Raises:
            CancelledError: if it was given up.
            ValueError: if there is nothing to mend; one line says why.
        """
        maker, station, taste = self._maker, self._maker.station, self._maker.taste
        self._learner.begin()
        if not taste.count:
            raise ValueError(UNTAUGHT)
        coordinate = np.asarray(coordinate, np.float32)
        steps = maker.decode(coordinate)
        seconds = station.seconds(coordinate, beats=maker.beats)
        if start is None or stop is None:
            rating = self._journal.ratings.get(key)
            first, last = worst_stretch(
                self._learner.moments(steps, coordinate[None])[:, 0],
                np.zeros((0, 2)) if rating is None else rating.curve,
                delay=self._learner.delay,
                seconds=seconds,
            )
        else:
            check_stretch(start, stop, seconds)
            first, last = (round(at / seconds * len(steps)) for at in (start, stop))
        found = mend(
            station,
            taste,
            coordinate,
            first,
            min(len(steps), max(last, first + 1)),
            beats=maker.beats,
            rng=self._rng.spawn(1)[0],
            should_stop=should_stop,
        )
        if should_stop():
            raise CancelledError
        if found is None:
            raise ValueError(NOT_BETTER)
        draft = maker.draft(found.coordinate)
        song = maker.render(draft)
        mean, deviation = taste.predict(draft.features[None])
        song.expected = float(mean[0]), float(deviation[0])
        song.description["mended"] = found.facts
        return song

    def start(
        self,
        key: str,
        coordinate: np.ndarray,
        start: float | None = None,
        stop: float | None = None,
    ) -> None:
        """Begin in a thread, if none runs."""
        self._search.begin(
            lambda should_stop: MendedSong(
                key, self.run(key, coordinate, start, stop, should_stop=should_stop)
            )
        )


def check_stretch(start: float, stop: float, seconds: float) -> None:
    """Check a stretch that was asked for.

    Raises:
        ValueError: if it is not within the song, too short or too long.
    """
    if not 0 <= start < stop <= seconds:
        raise ValueError(f"{start:g} to {stop:g} s is not within the song, 0 to {seconds:.1f} s")
    if not SHORTEST <= stop - start <= LONGEST:
        raise ValueError(
            f"a stretch of {stop - start:.1f} s can't be mended; choose {SHORTEST:g} to "
            f"{LONGEST:g} s"
        )
