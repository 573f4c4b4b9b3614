"""Makes songs: draws coordinates, computes their features for the taste, renders the chosen ones.

maker = SongMaker(station, taste, beats=None)
maker.fit_taste()                                   the taste learns the station's usual songs
maker.candidates(count, rng, enough=, wish=None) -> P (n, D), features (n, K)
maker.draft(P) -> Draft                             maker.render(draft) -> Song
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from radio.composer.personal_generator import PersonalGenerator
from radio.composer.song import Draft, Song
from radio.composer.wish import SHARE, Wish
from radio.station import Station, description_of
from radio.taste import Taste

MINI_BATCH = 16  # candidates generated at once; chosen, not measured
# songs of the station from which the taste learns its features' mean and spread; always the same
POOL = 64
# Standard deviations of the usual songs, to which the features of other sound are limited. Music
# lies 1 to 4 from them, all of it on the same side, and its seeds then mislead (docs/taste.md).
LIMIT = 3.0


class TasteInput(NamedTuple):
    """What the taste needs of a song to learn its rating.

    Attributes:
        features: (K,).
        segments: (SEGMENTS, linear + factors), for the targets from the slider's curve.
    """

    features: np.ndarray
    segments: np.ndarray


class SongMaker:
    """See the module's contract.

    Args:
        station: whose generator is used.
        taste: that computes the features.
        beats: length of the songs; that of their forms, or the station's, if None. The taste judges
            every song at the station's length, whatever is played of it.
    """

    def __init__(self, station: Station, taste: Taste, *, beats: int | None = None) -> None:
        self.station = station
        self.taste = taste
        self.beats = beats
        # whose adapter makes every second candidate once it is trained
        self.generator: PersonalGenerator | None = None
        self._usual_form = np.zeros(0)  # facts of it, of the usual songs
        self._limits = np.array([-np.inf]), np.array([np.inf])  # of features

    def fit_taste(self) -> None:
        """Fit the taste to the station's usual songs; it forgets all ratings."""
        usual = self.station.sample(POOL, np.random.default_rng(0))
        known = self.station.known(usual)
        features = self.taste.fit_pool(self.station.decode(usual), known)
        mean, spread = features.mean(axis=0), features.std(axis=0)
        self._limits = mean - LIMIT * spread, mean + LIMIT * spread
        self._usual_form = known[:, self.station.coordinates.shape[1] :].mean(axis=0)

    def candidates(
        self,
        count: int,
        rng: np.random.Generator,
        *,
        enough: Callable[[], bool],
        wish: Wish | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return P (n, D) and features (n, K) of random songs; fewer once `enough` returns True.

        With a wish SHARE times as many are drawn, and only those that answer it are decoded.
        """
        coordinates, features = [], []
        adapter = None if self.generator is None else self.generator.in_use
        for _ in range(0, count, MINI_BATCH):
            drawn = self.station.sample(MINI_BATCH * (1 if wish is None else SHARE), rng)
            if adapter is not None:
                # a song of G' is the song of G at A(P)
                drawn[::2] = adapter.forward(drawn[::2].astype(np.float64))[0]
            if wish is not None:
                drawn = wish.of(drawn, self.station.latent_size)
            coordinates.append(drawn)
            features.append(self.features(drawn))
            if enough():
                break
        return np.concatenate(coordinates), np.concatenate(features)

    def features(self, coordinates: np.ndarray) -> np.ndarray:
        """Return features (n, K) of songs P (n, D) at the station's length, as in the descent."""
        return self.taste.features(
            self.station.decode(coordinates), self.station.known(coordinates)
        )

    def draft(
        self,
        coordinate: np.ndarray,
        *,
        features: np.ndarray | None = None,
        steps: np.ndarray | None = None,
    ) -> Draft:
        """Return the draft of a song P (D,).

        Args:
            coordinate: P.
            features: (K,), if they are known.
            steps: (S, 1, F), if they are known.
        """
        coordinate = np.asarray(coordinate, np.float32)
        features = self.features(coordinate[None])[0] if features is None else features
        steps = self.decode(coordinate) if steps is None else steps
        return Draft(coordinate, features, steps[:, 0])

    def inputs(self, coordinates: np.ndarray) -> list[TasteInput]:
        """Return what the taste learns from of songs P (n, D) whose ratings are known."""
        beside = self.station.known(coordinates)
        steps = self.station.decode(coordinates)
        features = self.taste.features(steps, beside)
        lengths = {self.station.beats_of(one, self.beats) for one in coordinates}
        if lengths <= {self.station.beats}:
            segments = self.taste.segments(steps, beside)
        else:
            pairs = zip(coordinates, beside, strict=True)
            segments = np.concatenate(
                [self.taste.segments(self.decode(p), known[None]) for p, known in pairs]
            )
        return [TasteInput(*one) for one in zip(features, segments, strict=True)]

    def input_of_frames(self, frames: np.ndarray, beside: np.ndarray) -> TasteInput:
        """Return what the taste learns of frames (T, 202) of music or of another training.

        Args:
            frames: canonical.
            beside: (C,) tempo and key; the form counts as the usual one.
        """
        batch = self.station.model.to_steps(frames[None])
        known = np.concatenate([beside, self._usual_form])[None]
        features = np.clip(self.taste.features(batch, known), *self._limits)
        return TasteInput(features[0], self.taste.segments(batch, known)[0])

    def input_of_draft(self, draft: Draft) -> TasteInput:
        """Return what the taste learns from of a draft."""
        beside = self.station.known(draft.coordinate[None])
        steps = np.ascontiguousarray(draft.steps[:, None])
        return TasteInput(draft.features, self.taste.segments(steps, beside)[0])

    def decode(self, coordinate: np.ndarray) -> np.ndarray:
        """Return canonical steps (S, 1, F) of P (D,), as long as the song is played."""
        beats = self.station.beats_of(coordinate, self.beats)
        return self.station.decode(coordinate[None], beats=beats)

    def render(self, draft: Draft) -> Song:
        """Render a draft."""
        station, coordinate = self.station, draft.coordinate
        steps = np.ascontiguousarray(draft.steps[:, None])
        frames = station.frames_of(steps, coordinate[None])[0]
        return Song(
            station.render(coordinate, frames=frames),
            station.sample_rate,
            coordinate,
            station.song_name(coordinate),
            station.describe(coordinate),
            description_of(station, coordinate, beats=self.beats),
        )
