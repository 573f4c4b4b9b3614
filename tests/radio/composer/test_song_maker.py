"""Songs whose form asks for their length: played whole, judged at the station's length."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_station import remembering, tiny_station

from radio.composer.novelty import RememberedSongs, sample_distinct
from radio.composer.song_maker import LIMIT, POOL, SongMaker
from radio.station import Form
from radio.taste import Taste

FORM = Form(32, (0, 1, 0))  # 24 beats, six times in a song


@pytest.mark.parametrize("beats", [None, 8])
def test_a_song_is_played_whole_and_judged_at_the_length_of_the_station(beats: int | None) -> None:
    station = remembering(tiny_station(), forms=[FORM])
    maker = SongMaker(station, Taste.of(station), beats=beats)
    maker.fit_taste()
    coordinate = station.sample(1, np.random.default_rng(0))[0]
    draft = maker.draft(coordinate)
    length = FORM.beats if beats is None else beats
    assert FORM.beats == 144 and len(draft.steps) == 4 * length
    np.testing.assert_array_equal(draft.features, maker.features(coordinate[None])[0])
    song = maker.render(draft)
    assert song.seconds == pytest.approx(station.seconds(coordinate, beats=beats))
    assert song.description["beats"] == length
    assert song.description["form"] == ("ABAABAABAABAABAABA" if beats is None else "A")
    known = maker.inputs(np.stack([coordinate, coordinate]))
    given = maker.input_of_draft(draft)
    for one in known:
        np.testing.assert_allclose(one.features, given.features, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(one.segments, given.segments, rtol=1e-3, atol=1e-4)


def test_sound_that_is_far_from_the_station_counts_as_its_outermost() -> None:
    station = tiny_station()
    taste = Taste.of(station)
    maker = SongMaker(station, taste)
    maker.fit_taste()
    usual = station.sample(POOL, np.random.default_rng(0))
    features = maker.features(usual)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    song = np.maximum(station.generate(usual[:1])[0], 0)
    unlimited = SongMaker(station, taste)
    for frames, tempo in ((song, 0.0), (np.sqrt(song), 3.0)):
        beside = np.array([tempo, 0.0])
        far = unlimited.input_of_frames(frames, beside).features
        limited = np.clip(far, mean - LIMIT * spread, mean + LIMIT * spread)
        found = maker.input_of_frames(frames, beside).features
        np.testing.assert_allclose(found, limited, rtol=1e-4, atol=1e-6)
    assert (far != limited).any() and (far == limited).any()


def test_songs_of_different_lengths_are_compared_by_their_beginnings() -> None:
    rng = np.random.default_rng(0)
    long = rng.standard_normal((700, 12))
    earlier = RememberedSongs()
    earlier.add(long)
    assert earlier.max_correlation(long[:500]) == pytest.approx(1, abs=1e-2)
    assert earlier.max_correlation(rng.standard_normal((500, 12))) < 0.2


def test_new_songs_are_drawn_at_the_length_of_their_form() -> None:
    station = remembering(tiny_station(), forms=[FORM])
    _, steps = next(sample_distinct(station, np.random.default_rng(0)))
    assert len(steps) == 4 * FORM.beats
