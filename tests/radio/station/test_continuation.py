"""Songs that go on, songs between two, and the tempo that is found of a song."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tiny_station import tiny_station

from audio_parsing import frames as audio_frames
from radio.station import (
    PointStationError,
    continued,
    coordinate_key,
    coordinate_tempo,
    morphed,
    reconstruct_samples,
    tempo_coordinate,
)
from radio.station.sound_grid import on_grid

STEP = 6 * 441


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    """Return a melody of tones (n,)."""
    rng = np.random.default_rng(seed)
    time = np.arange(5512) / 22050
    tones = [
        0.3 * np.sin(2 * np.pi * f * time) * np.hanning(5512)
        for f in rng.uniform(200, 2000, int(4 * seconds) + 1)
    ]
    return np.concatenate(tones)[: round(seconds * 22050)].astype(np.float32)


@pytest.fixture(scope="module", params=["absolute", "beat"])
def station(request: pytest.FixtureRequest) -> Any:
    return tiny_station(sequence=True, grid=request.param)


def test_a_sound_goes_on_from_where_it_ends(station: Any) -> None:
    given = sound(4.0)
    longer, begin = continued(station, given, beats=8, seed=3, bpm=113.7)
    unit = 22050 * 60 / 113.7 if station.grid == "beat" else 24 * 441
    assert 3.2 < begin <= 4.0
    assert len(longer) == pytest.approx(begin * 22050 + 8 * unit, abs=30)
    kept = round(begin * 22050) - 2 * round(unit / 4) - 1
    np.testing.assert_allclose(longer[200:kept], given[200:kept], atol=1e-6)
    assert np.isfinite(longer).all()
    assert np.abs(longer[round(begin * 22050) :]).max() > 1e-3
    again, _ = continued(station, given, beats=8, seed=3, bpm=113.7)
    np.testing.assert_array_equal(again, longer)
    other, _ = continued(station, given, beats=8, seed=4, bpm=113.7)
    assert np.abs(other - longer).max() > 1e-3


def test_it_goes_on_from_before_a_fade(station: Any) -> None:
    given = sound(8.0)
    given[-4 * 22050 :] *= np.linspace(1, 0, 4 * 22050, dtype=np.float32) ** 4
    _, begin = continued(station, given, beats=4, bpm=120.0)
    assert 4.0 < begin < 6.5


def test_too_short_a_sound_is_one_line(station: Any) -> None:
    with pytest.raises(ValueError, match="too short"):
        continued(station, sound(0.2), bpm=120.0)


def test_at_the_ends_of_the_way_a_morph_is_one_song_or_the_other() -> None:
    station = tiny_station(sequence=True, grid="absolute")
    first, second = sound(3.0), sound(4.0, seed=1)[: 3 * 22050]
    for share, song in ((0.0, first), (1.0, second)):
        made = morphed(station, first, second, z=share, innovations=share)
        back = reconstruct_samples(station, song).samples
        assert np.corrcoef(made[:60000], back[:60000])[0, 1] > 0.98
    mixed = morphed(station, first, second)
    assert abs(np.corrcoef(mixed[:60000], made[:60000])[0, 1]) < 0.98


def test_a_morph_lasts_as_long_as_the_shorter_song(station: Any) -> None:
    made = morphed(station, sound(3.0), sound(5.0), bpm=(120.0, 90.0))
    assert 2.9 < len(made) / 22050 < 3.4


@pytest.mark.parametrize("what", [continued, lambda s, x: morphed(s, x, x)])
def test_a_station_of_points_can_not(what: Any) -> None:
    with pytest.raises(PointStationError, match="ai-radio train"):
        what(tiny_station(), sound(3.0))


@pytest.mark.parametrize("seconds", [0.5, 2.0, 4.5])
def test_a_whole_file_comes_back_as_one_song(station: Any, seconds: float) -> None:
    given = sound(seconds)
    result = reconstruct_samples(station, given, bpm=131.3)
    assert len(result.samples) == len(given)
    assert result.coordinates.shape == (1, station.size)
    assert np.isfinite(result.samples).all() and np.isfinite(result.error)


@pytest.mark.parametrize("tempo", [128.0, 121.37])
def test_tempo_and_key_are_found_by_which_the_station_knows_the_song(
    monkeypatch: pytest.MonkeyPatch, tempo: float
) -> None:
    """A station that remembers one song: the less others are like it, the fainter it makes them."""
    station = tiny_station(beats=16)
    station.coordinates[:, 0] = np.linspace(tempo_coordinate(100), tempo_coordinate(160), 12)
    key = 4
    hop = 22050 * 60 / 24 / tempo
    length = math.ceil(16 * 24 * hop)
    samples = sound(9.0)[: length - 500]
    frames = audio_frames.encode(np.pad(samples, (0, 500)), hop_length=hop)[: 16 * 24]
    known = station.model.to_steps(audio_frames.transpose(frames, -key)[None])

    def reconstruct(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        alike = np.exp(-100 * np.abs(steps - known).mean(axis=(0, 2)))
        return np.zeros((steps.shape[1], 6), np.float32), steps * alike[None, :, None]

    monkeypatch.setattr(station.model, "reconstruct", reconstruct)
    for bpm in (tempo, None):
        found = on_grid(station, samples, bpm=bpm, beats=16)
        assert found.grid.tempo == pytest.approx(tempo, rel=1e-3)
        assert coordinate_tempo(float(found.beside[0, 0])) == pytest.approx(tempo, rel=1e-3)
        assert coordinate_key(float(found.beside[0, 1])) == key
