"""Makes songs for a session: draws coordinates, judges them by what the taste sees of them, renders those that are chosen.

maker = SongMaker(station, taste, beats=None)
maker.fit_taste()                        the taste learns what is usual on this station
maker.candidates(count, rng, enough) -> P (n, D), features (n, K)
maker.decode(P) -> steps (S, B, F)       maker.make(P, features, steps) -> Song
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from radio.composer.personal_generator import PersonalGenerator
from radio.station.station import Station
from radio.taste.taste import Taste

MINI_BATCH = 16  # candidates generated at once
POOL = 64  # songs of the station from which the taste learns what is usual; always the same ones


@dataclass(eq=False)
class Song:
    """A song that was made.

    Attributes:
        samples: (n,) float32.
        sample_rate: Hz.
        latent: P (D,), from which it can be made again.
        name: the same for the same coordinate.
        details: tempo and key as a listener reads them.
        features: (K,) what the taste sees of it.
        steps: (S, F) its frames, six a row, before tempo and key.
        expected: (mean, standard deviation) of the rating that was expected when it was chosen;
            None before anything was learned.
        descent: how a final song was found; empty for others.
        key: names this play of the song in the database.
    """

    samples: np.ndarray
    sample_rate: int
    latent: np.ndarray
    name: str
    details: str
    features: np.ndarray
    steps: np.ndarray
    expected: tuple[float, float] | None = None
    descent: dict[str, Any] = field(default_factory=dict)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


class Heard(NamedTuple):
    """What the taste needs of a song to learn its rating.

    Attributes:
        features: (K,).
        stretches: (STRETCHES, E + facts), for what the slider says of moments.
    """

    features: np.ndarray
    stretches: np.ndarray


class SongMaker:
    """See the module's contract.

    Args:
        station: that makes the songs.
        taste: whose features they get.
        beats: length of the songs; the station's if None. The taste judges every song at the
            station's length, whatever is played of it.
    """

    def __init__(self, station: Station, taste: Taste, *, beats: int | None = None) -> None:
        self.station = station
        self.taste = taste
        self.beats = beats
        # whose layers make every second candidate once they are trained
        self.generator: PersonalGenerator | None = None

    def fit_taste(self) -> None:
        """Let the taste learn what is usual on this station, and forget all ratings."""
        usual = self.station.sample(POOL, np.random.default_rng(0))
        self.taste.fit_pool(self.station.decode(usual), usual[:, self.station.latent_size :])

    def candidates(
        self, count: int, rng: np.random.Generator, *, enough: Callable[[], bool]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return P (n, D) and features (n, K) of fresh songs; fewer than `count` once `enough` says so."""
        coordinates, features, layers = (
            [],
            [],
            None if self.generator is None else self.generator.in_use,
        )
        for _ in range(0, count, MINI_BATCH):
            drawn = self.station.sample(MINI_BATCH, rng)
            if layers is not None:
                # a song of G' is the song of G at A(P)
                drawn[::2] = layers.forward(drawn[::2].astype(np.float64))[0]
            coordinates.append(drawn)
            features.append(self.judge(drawn))
            if enough():
                break
        return np.concatenate(coordinates), np.concatenate(features)

    def judge(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the features (n, K) of songs P (n, D), at the station's length, as the final song's descent sees them."""
        return self.taste.features(
            self.station.decode(coordinates), coordinates[:, self.station.latent_size :]
        )

    def hear(self, coordinates: np.ndarray) -> list[Heard]:
        """Return what the taste learns from of songs P (n, D), whose ratings are known."""
        beside = coordinates[:, self.station.latent_size :]
        steps = self.station.decode(coordinates)
        played = steps if self.beats in (None, self.station.beats) else self.decode(coordinates)
        return [
            Heard(*one)
            for one in zip(
                self.taste.features(steps, beside),
                self.taste.stretches(played, beside),
                strict=True,
            )
        ]

    def hear_again(self, steps: np.ndarray, beside: np.ndarray) -> Heard:
        """Return what the taste learns from of a song's steps (S, F), with what is beside z (C,), wherever they come from."""
        batch = np.ascontiguousarray(steps[:, None])
        return Heard(
            self.taste.features(batch, beside[None])[0],
            self.taste.stretches(batch, beside[None])[0],
        )

    def heard(self, song: Song) -> Heard:
        """Return what the taste learns from of a song that was made."""
        beside = song.latent[None, self.station.latent_size :]
        return Heard(
            song.features,
            self.taste.stretches(np.ascontiguousarray(song.steps[:, None]), beside)[0],
        )

    def decode(self, coordinates: np.ndarray) -> np.ndarray:
        """Return canonical steps (S, B, F) of coordinates (B, D), as long as songs are played."""
        return self.station.decode(coordinates, beats=self.beats)

    def make(
        self, coordinate: np.ndarray, features: np.ndarray, steps: np.ndarray | None = None
    ) -> Song:
        """Render a song P (D,) of features (K,), its steps (S, 1, F) if they were decoded before."""
        station = self.station
        steps = self.decode(coordinate[None]) if steps is None else steps
        frames = station.frames_of(steps, coordinate[None])[0]
        samples = station.render(coordinate, frames=frames)
        name, details = station.song_name(coordinate), station.describe(coordinate)
        return Song(samples, station.sample_rate, coordinate, name, details, features, steps[:, 0])
