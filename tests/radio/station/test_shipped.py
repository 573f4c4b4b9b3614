"""The station that ships with the package: it loads, and the songs it makes are music."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from audio_parsing.analysis import chroma_correlation, in_scale_share, onset_correlation, scale
from audio_parsing.starter import render, starter_songs
from neural_networks.training.checkpoint import load_arrays
from radio.composer import sample_distinct
from radio.composer.novelty import COMPARED_STEPS, MAX_CORRELATION
from radio.home import SHIPPED, STARTER
from radio.station import Station, reconstruct_samples, steps as song_data
from radio.station.learned_songs import UNIT
from radio.station.mastering import LOUDEST

SONGS = 12


@pytest.fixture(scope="module")
def station() -> Station:
    return Station.load(SHIPPED / STARTER)


@pytest.fixture(scope="module")
def made(station: Station) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(islice(sample_distinct(station, np.random.default_rng(11)), SONGS))


def test_it_is_small_and_of_sixty_four_beats(station):
    assert (SHIPPED / STARTER / "station.npz").stat().st_size < 5_000_000
    assert (station.grid, station.beats, len(station.means)) == ("beat", 64, 96 + 600)


def test_its_critic_scores_as_its_file_says(station):
    """Read from the file in its order: dense, two convolutions, dense, without our layers."""
    arrays, told = load_arrays(SHIPPED / STARTER / "station.npz")
    values, used = arrays["critic"].astype(np.float64), 0
    assert told["critic"]["body"] == "convolutional"
    scales = station.model.components.scales
    x = scales * np.random.default_rng(0).standard_normal((9, 2, len(scales)))
    y = x / scales
    for name in ("embed", "convolution_0", "convolution_1", "head"):
        left, right = arrays[f"critic_{name}_left"], arrays[f"critic_{name}_right"]
        weight = values[used : used + left.size * right.size].reshape(left.size, right.size)
        used += weight.size + right.size
        bias = values[used - right.size : used]
        if name.startswith("convolution"):
            padded = np.pad(y, ((2, 2), (0, 0), (0, 0)))
            y = np.stack(
                [padded[t : t + 5].transpose(1, 0, 2).reshape(2, -1) for t in range(0, len(y), 2)]
            )
        if name == "head":
            y = y.mean(axis=0)
        y = y @ (2 * weight / (left @ weight @ right)) + bias
        if name != "head":
            y = np.where(y > 0, y, 0.2 * y)
    assert used == values.size
    np.testing.assert_allclose(station.critic.forward(x.astype(np.float32))[0], y[:, 0], rtol=1e-5)


@pytest.mark.parametrize("number", [0, 41, 83])
def test_it_knows_its_songs(station, number):
    song = starter_songs()[number]
    original = render(song, station.sample_rate)
    given_back = reconstruct_samples(station, original).samples
    assert chroma_correlation(original, given_back) > 0.94
    assert onset_correlation(original, given_back) > 0.8


def test_its_songs_are_in_scale(station, made):
    shares = []
    for coordinate, steps in made:
        key = song_data.coordinate_key(float(coordinate[-1]))
        frames = station.frames_of(steps, coordinate[None])[0]
        shares.append(
            max(
                in_scale_share(frames, scale(key % 12, "major")),
                in_scale_share(frames, scale((key + 9) % 12, "minor")),
            )
        )
    assert np.mean(shares) > 0.95


def test_its_songs_are_rhythmic_and_neither_silent_nor_clipped(station, made):
    for coordinate, steps in made[:6]:
        samples = station.render(coordinate, frames=station.frames_of(steps, coordinate[None])[0])
        assert 0.05 < np.sqrt(np.mean(samples**2)) < 0.2
        assert np.abs(samples).max() <= LOUDEST
        seconds = len(samples) / station.sample_rate
        assert 20 < seconds * station.beats / station.beats_of(coordinate) < 60
    for _, steps in made:
        # Onsets lie on quarters of a beat, where steps begin, and filters ring a frame earlier: the
        # frames change more there than between.
        frames = station.model.to_frames(steps)[0]
        rise = np.maximum(np.diff(frames, axis=0), 0).mean(axis=1)
        on_grid, between = (
            np.concatenate([rise[first::6], rise[first + 1 :: 6]]).mean() for first in (4, 1)
        )
        assert on_grid > 1.2 * between


def test_no_two_songs_are_alike_and_none_is_a_copy(station, made):
    length = COMPARED_STEPS
    songs = np.stack([steps[:length, 0].ravel() for _, steps in made]).astype(np.float64)
    correlation = np.corrcoef(songs)
    np.fill_diagonal(correlation, 0)
    assert correlation.max() < MAX_CORRELATION
    learned = station.model.learned
    innovations = (learned.innovations[:length] * UNIT).astype(np.float32)
    known, _ = station.model.vae.generator.draw(learned.z[: len(learned)], innovations)
    known = known.transpose(1, 0, 2).reshape(len(learned), -1)
    between = np.sqrt(_square_distances(known, known)[~np.eye(len(known), dtype=bool)]).mean()
    novelty = np.sqrt(_square_distances(songs, known).min(axis=1)) / between
    assert novelty.mean() > 0.2


def _square_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = np.square(a, dtype=np.float64).sum(axis=1)[:, None] + np.square(
        b, dtype=np.float64
    ).sum(axis=1)
    return np.maximum(squares - 2 * (a.astype(np.float64) @ b.T.astype(np.float64)), 0)
