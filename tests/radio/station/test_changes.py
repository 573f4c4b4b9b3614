"""Changed innovations in P: exact, from wherever P is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from radio.station import read_description, save_song, stacked
from radio.station.changes import changed, stretches_of
from tests.support.tiny_station import tiny_station

SIZE = 8


def test_stretches_come_back_exactly():
    first, second = np.random.default_rng(0).standard_normal((2, 4, 3)).astype(np.float32)
    point = changed(np.arange(SIZE, dtype=np.float32), SIZE, 2, first)
    point = changed(point, SIZE, 8, second)
    end = np.array(json.loads(json.dumps(point.tolist())), np.float32)[SIZE:]
    (at, one), (later, other) = stretches_of(np.append(end, np.zeros(5, np.float32)), 3)
    assert (at, later) == (2, 8)
    np.testing.assert_array_equal([one, other], [first, second])


def test_a_stretch_takes_the_place_of_those_within_it():
    point = np.zeros(SIZE, np.float32)
    for start, count in ((2, 2), (6, 3), (1, 4)):
        point = changed(point, SIZE, start, np.full((count, 2), start, np.float32))
    assert [at for at, _ in stretches_of(point[SIZE:], 2)] == [6, 1]
    assert point.size == SIZE + 2 + 6 + 2 + 8


@pytest.mark.parametrize(
    "end", [[1.0], [2.0, 2.0, 1.0], [-1.0, 0.0, 1.0, 1.0], [0.5, 1.5, 1.0, 1.0], [0.0, 9.0, 1.0]]
)
def test_damaged_changes_are_refused(end: list[float]):
    with pytest.raises(ValueError, match="damaged"):
        list(stretches_of(np.array(end, np.float32), 2))
    station = tiny_station()
    assert not station.makes(np.concatenate([station.sample(1, np.random.default_rng(0))[0], end]))


def test_songs_of_different_length_of_P_decode_together_as_alone():
    station, rng = tiny_station(), np.random.default_rng(1)
    first, second = station.sample(2, rng)
    stretch = rng.standard_normal((5, station.model.vae.generator.innovation_size))
    mended = station.changed(first, 3, stretch.astype(np.float32))
    points = stacked([first, mended, second], station.size)
    together = station.decode(points)
    np.testing.assert_allclose(together[:, 0], station.decode(first[None])[:, 0], atol=1e-4)
    np.testing.assert_allclose(together[:, 1], station.decode(mended[None])[:, 0], atol=1e-4)
    difference = np.abs(together[:, 1] - together[:, 0]).max(axis=1)
    assert difference[:3].max() < 1e-4 and difference[3:8].min() > 1e-3
    np.testing.assert_array_equal(station.beside(points)[1], station.beside(first[None])[0])
    np.testing.assert_array_equal(station.trimmed(points[0]), first)
    assert station.describe(mended) == station.describe(first)
    assert station.makes(first) and station.makes(mended) and not station.makes(points[0])
    # a gradient with respect to P leaves the changes alone
    dpoints = station.trace(points)[1](np.ones_like(together))
    assert dpoints.shape == points.shape and not dpoints[:, station.size :].any()
    assert dpoints[:, : station.latent_size].any()


def test_a_saved_song_comes_back_byte_for_byte(tmp_path: Path):
    from radio.composer import Song
    from radio.station import description_of

    station, rng = tiny_station(), np.random.default_rng(2)
    stretch = rng.standard_normal((6, station.model.vae.generator.innovation_size))
    point = station.changed(station.sample(1, rng)[0], 2, stretch.astype(np.float32))
    samples = station.render(point)
    song = Song(samples, station.sample_rate, point, station.song_name(point), "")
    facts = description_of(station, point)
    path = save_song(tmp_path / "song.flac", song, facts, listener="me", rating=None)
    for source in (path, path.with_suffix(".json")):
        read = read_description(source)["coordinate"]
        np.testing.assert_array_equal(read, point)
        np.testing.assert_array_equal(station.render(read), samples)
