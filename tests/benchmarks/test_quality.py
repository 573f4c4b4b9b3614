"""Measures of new songs: what is even, returns or is in scale is told from what isn't."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from audio_parsing.starter import fresh_song, starter_songs
from benchmarks import quality
from benchmarks.quality_models import shuffled_frames
from radio.station import to_steps
from radio.training import canonical_frames
from tests.support.tiny_station import tiny_station

BEATS = 16


@pytest.fixture(scope="module")
def judge() -> quality.Judge:
    """Compares with few songs, and knows every eighth of the collection."""
    few = starter_songs(beats=BEATS)[::8]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality, "starter_songs", lambda *, beats: few)
        patch.setattr(quality, "STRANGERS", 8)
        return quality.Judge(songs=4, reference=16, beats=BEATS)


def test_loudness_jumps_are_decibels_from_beat_to_beat() -> None:
    beat = 1000
    even = np.sin(np.arange(20 * beat) / 3).astype(np.float32)
    steps = np.repeat(np.where(np.arange(20) % 2, 1.0, 0.5), beat)
    assert quality.loudness_jumps(even, beat) == pytest.approx(0, abs=0.05)
    assert quality.loudness_jumps((even * steps).astype(np.float32), beat) == pytest.approx(
        6.02, abs=0.1
    )
    gap = even.copy()
    gap[9 * beat : 10 * beat] = 0
    assert quality.loudness_jumps(gap, beat) == pytest.approx(2 * 30 / 17, rel=0.05)


def test_a_section_that_comes_again_returns(rng: np.random.Generator) -> None:
    first, second, third = (rng.random((16, 12)) for _ in range(3))
    assert quality.returning(np.concatenate([first, second, first, third])) == 0.5
    assert quality.returning(np.concatenate([first, second, third])) == 0
    again = first + 0.05 * rng.standard_normal(first.shape)
    assert quality.returning(np.concatenate([first, second, again, second])) == 1


def test_real_songs_are_near_the_floor_and_shuffled_ones_are_not(judge: quality.Judge) -> None:
    rng = np.random.default_rng(3)
    songs = [fresh_song(rng, beats=BEATS) for _ in range(4)]
    found = judge.judge([quality.real(song) for song in songs])
    assert 0.5 < found["distance"] < 1.7 and 0.5 < found["notes"] < 1.6
    assert found["in scale"] > 0.95 and found["jumps"] < 4
    steps = np.stack([to_steps(canonical_frames(song)) for song in songs])
    (shuffled,) = quality.judge_simple(judge, shuffled_frames(steps), songs=4, draws=1)
    assert shuffled["distance"] > 1.3 * found["distance"] and shuffled["known"] <= found["known"]


def test_a_known_tune_is_told_from_a_new_one(judge: quality.Judge) -> None:
    known = quality.real(starter_songs(beats=BEATS)[8])
    noise = np.random.default_rng(0).standard_normal(BEATS * 24 * 441).astype(np.float32)
    assert judge.judge([known] * 4)["known"] == 1
    assert judge.judge([quality.heard(0.1 * noise, 441, 0)] * 4)["known"] == 0


def test_a_station_is_judged_by_what_it_plays(judge: quality.Judge) -> None:
    station = tiny_station(sequence=True)
    for draw in ("default", "half-way"):
        rows = quality.judge_station(judge, station, draw, songs=2, beats=BEATS, draws=2)
        assert len(rows) == 2 and all(set(row) == set(quality.COLUMNS) for row in rows)
        assert rows[0]["distance"] > 2 and rows[0] != rows[1]
    draws = quality.drawn(station, "half-way", BEATS, np.random.default_rng(0))
    half = np.stack(list(islice(draws, 3)))[:, : station.latent_size]
    middles = (station.means[:, None] + station.means[None]) / 2
    distance = np.abs(middles - half[:, None, None]).max(axis=-1).min(axis=(1, 2))
    np.testing.assert_allclose(distance, 0, atol=1e-6)


def test_intervals_are_of_the_mean() -> None:
    mean, half = quality.interval([1.0, 2.0, 3.0])
    assert mean == 2 and half == pytest.approx(4.303 / np.sqrt(3))
    assert np.isnan(quality.interval([1.0])[1])
