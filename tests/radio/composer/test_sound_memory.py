"""The sound of rated songs, stored by this version or by the first ones."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from tiny_station import tiny_station

from audio_parsing.frames import EXPONENT, FRAME_SIZE
from radio.composer.song_maker import SongMaker
from radio.composer.sound_memory import FIRST_FRAME_SIZE, SoundMemory, _of_first_frames
from radio.ratings import pack
from radio.taste import Taste


def test_frames_of_the_first_versions_keep_bands_and_power(rng: np.random.Generator) -> None:
    frames = rng.uniform(0, 0.5, (12, FIRST_FRAME_SIZE)).astype(np.float32)
    now = _of_first_frames(frames.reshape(2, -1)).reshape(12, FRAME_SIZE)
    np.testing.assert_array_equal(now[:, :175], frames[:, :175])

    def power(part: np.ndarray) -> np.ndarray:
        return np.sum(part.astype(np.float64) ** (2 / EXPONENT), axis=1)

    np.testing.assert_allclose(power(now[:, 175:]), power(frames[:, 175:]), rtol=1e-4)


def test_ratings_of_songs_of_the_first_versions_are_learned(rng: np.random.Generator) -> None:
    station = tiny_station()
    taste = Taste.of(station)
    usual = station.sample(12, rng)
    taste.fit_pool(station.decode(usual), station.known(usual))
    old = pack(
        rng.uniform(0, 0.8, (station.beats * 4, 6 * FIRST_FRAME_SIZE)).astype(np.float32),
        beside=2,
        frame_size=FIRST_FRAME_SIZE,
    )
    rating = SimpleNamespace(key="a", coordinate=[0.0] * 8 + [0.5, 0.1])
    ratings = SimpleNamespace(sound={"a": old}.get)
    journal = SimpleNamespace(ratings=ratings, earlier=lambda: [rating])
    memory = SoundMemory(journal, SongMaker(station, taste))  # type: ignore[arg-type]
    [(found, given)] = memory.earlier()
    assert found is rating and np.isfinite(given.features).all()
    ratings.sound = {"a": old[:-9]}.get
    assert not memory.earlier()
