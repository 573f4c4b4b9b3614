"""Frames of recordings on their beats, and what a station of such recordings does with a sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny_station import tiny_station

from audio_parsing.frames import FRAME_SIZE
from radio.station import (
    FrameGrid,
    continued,
    coordinate_tempo,
    find_grid,
    morphed,
    reconstruct_samples,
)
from radio.station.frame_grid import BAR
from radio.station.sound_grid import on_grid

SECOND = 22050
TEMPO, FIRST = 126.4, 0.35


def struck(seconds: float, *, tempo: float = TEMPO, first: float = FIRST) -> np.ndarray:
    """Return tones struck on the beats (n,), a bass on the first of a bar."""
    time = np.arange(round(seconds * SECOND)) / SECOND
    beat = (time - first) * tempo / 60
    since = (beat % 1) * 60 / tempo
    tones = np.exp(-15 * since) * np.sin(2 * np.pi * np.where(beat // 1 % 4 == 0, 90, 700) * since)
    return (0.4 * tones * (beat >= 0)).astype(np.float32)


@pytest.fixture(scope="module")
def station() -> Any:
    """A station on beats that knows no keys."""
    made = tiny_station()
    made.coordinates[:, 1] = 0
    return made


def test_frames_lie_on_the_beats() -> None:
    samples = struck(20.0)
    grid = find_grid(samples)
    assert grid.on_beats and grid.tempo == pytest.approx(TEMPO, rel=2e-4)
    assert -BAR * grid.hop_length < grid.origin <= 0
    bar = (FIRST * SECOND - grid.origin) / grid.hop_length / BAR
    assert abs(bar - round(bar)) * BAR < 1
    frames = grid.frames(samples, 0, grid.count(len(samples)))
    assert frames.shape == (grid.count(len(samples)), FRAME_SIZE)
    rise = np.maximum(np.diff(frames, axis=0), 0).mean(axis=1)
    by_place = [rise[place::24].mean() for place in range(24)]
    assert np.argmax(by_place) in (23, 0, 22) and max(by_place) > 4 * np.median(by_place)
    assert grid.seconds(0) == pytest.approx(grid.origin / SECOND)


@pytest.mark.parametrize("first", [0.0, 0.006])
def test_a_sound_that_begins_with_a_bar_begins_with_frame_zero(first: float) -> None:
    grid = find_grid(struck(20.0, first=first))
    assert grid.on_beats and abs(grid.origin) < grid.hop_length


def test_a_sound_without_a_beat_has_fifty_frames_a_second(rng: np.random.Generator) -> None:
    grid = find_grid(rng.standard_normal(8 * SECOND).astype(np.float32))
    assert grid == FrameGrid() and not grid.on_beats
    assert grid.tempo == pytest.approx(125) and grid.count(SECOND) == 50
    assert find_grid(struck(8.0), tempo=TEMPO).tempo == pytest.approx(TEMPO)


@pytest.mark.parametrize("grid", [FrameGrid(), FrameGrid(418.37, -3021.4)])
def test_parts_are_those_of_the_whole(grid: FrameGrid) -> None:
    samples = struck(9.0)
    count = grid.count(len(samples))
    whole = grid.frames(samples, 0, count)
    for start, length in ((0, 96), (150, 100), (count - 60, 100)):
        part = grid.frames(samples, start, length)
        assert part.shape == (length, FRAME_SIZE)
        expected = np.zeros_like(part)
        expected[: count - start] = whole[start : start + length]
        # a sample of a band stands elsewhere in a sound of another length
        assert np.abs(part - expected).mean() < 2e-3
    assert not grid.frames(samples, count, 20)[1:].any()


def test_a_station_of_recordings_finds_the_beat_itself(station: Any) -> None:
    samples = struck(12.0)
    sound = on_grid(station, samples)
    assert sound.grid.tempo == pytest.approx(TEMPO, rel=1e-3)
    assert coordinate_tempo(float(sound.beside[0, 0])) == pytest.approx(TEMPO, rel=1e-3)
    assert sound.beside[0, 1] == 0 and sound.lead == -round(sound.grid.origin)
    assert on_grid(station, samples, bpm=90.0).grid.tempo == pytest.approx(90.0)
    assert station.describe(station.at(np.zeros((1, 6)), sound.beside)[0]) == "126 bpm"
    still = on_grid(station, np.zeros(3 * SECOND, np.float32))
    assert still.grid == FrameGrid() and still.steps.shape[0] == 25


def test_what_comes_back_keeps_its_tempo_and_its_beginning(
    station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that gives back what it is given: the strokes stay where they are for a minute."""
    monkeypatch.setattr(
        station.model, "reconstruct", lambda steps: (np.zeros((1, 6), np.float32), steps)
    )
    basis = station.model.components
    monkeypatch.setattr(basis, "transform", lambda frames, whole=True: _as_steps(frames))
    monkeypatch.setattr(basis, "inverse", lambda steps: steps.reshape(1, -1, FRAME_SIZE))
    samples = struck(40.0)
    result = reconstruct_samples(station, samples)
    assert len(result.samples) == len(samples)
    given, back = (
        np.add.reduceat(np.square(one), np.arange(0, len(one), 220))
        for one in (samples, result.samples)
    )
    for part in (slice(0, 1000), slice(3000, 4000)):
        shifts = range(-10, 11)
        alike = [np.corrcoef(np.roll(back[part], -k), given[part])[0, 1] for k in shifts]
        assert abs(shifts[int(np.argmax(alike))]) <= 2


def _as_steps(frames: np.ndarray) -> np.ndarray:
    return frames.reshape(1, -1, 6 * FRAME_SIZE)


def test_a_sound_on_its_beat_goes_on(station: Any) -> None:
    given = struck(10.0)
    longer, begin = continued(station, given, beats=8, seed=3)
    beat = 60 / TEMPO
    assert 9.5 < begin <= 10.0
    assert len(longer) / SECOND == pytest.approx(begin + 8 * beat, abs=0.01)
    kept = round(begin * SECOND) - round(beat / 2 * SECOND) - 2
    np.testing.assert_allclose(longer[200:kept], given[200:kept], atol=1e-6)
    place = (begin - FIRST) / (beat / 4)  # the new begins with a step
    assert abs(place - round(place)) < 0.2
    with pytest.raises(ValueError, match="too short"):
        continued(station, given[:4000], bpm=TEMPO)


def test_a_morph_of_sounds_on_their_beats(station: Any) -> None:
    made = morphed(station, struck(6.0), struck(9.0, tempo=100.0))
    assert 5.5 < len(made) / SECOND < 8.5 and np.isfinite(made).all()


def test_new_songs_have_the_tempo_of_the_song_they_are_most_like(station: Any) -> None:
    tempi = np.linspace(-1.5, 1.5, 12).astype(np.float32)
    kept = station.coordinates[:, 0].copy()
    try:
        station.coordinates[:, 0] = tempi
        drawn = station.sample(200, np.random.default_rng(0))
    finally:
        station.coordinates[:, 0] = kept
    away = np.square(drawn[:, None, :6] - station.means).sum(axis=2)
    assert np.abs(station.beside(drawn)[:, 0] - tempi[away.argmin(axis=1)]).max() < 0.8
    assert not station.beside(drawn)[:, 1].any()
