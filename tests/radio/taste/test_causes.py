"""The causes of a moment's rating by name: exact shares, and words for more and for less."""

from __future__ import annotations

import numpy as np
import pytest

from gan import critic_bodies as bodies
from gan.critic import Critic
from neural_networks.components.parameters import pack
from radio.taste import highlights
from radio.taste.causes import QUALITIES, causes_of, in_words
from radio.taste.features import SongFeatures
from radio.taste.insight import SPAN_SECONDS
from radio.taste.sound_statistics import SoundStatistics

BANDS = 202


@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (5, 3), (16, 1)])
def test_the_shares_add_up_to_the_score_of_the_statistics_with_names(
    steps: int, batch: int
) -> None:
    rng = np.random.default_rng(0)
    critic = Critic(60, 6, body=bodies.convolutional, rng=rng)
    pack(critic, np.float64)
    songs = SongFeatures(critic, 2, frame_size=20)
    x, beside = rng.uniform(0, 1, (steps, batch, 60)), rng.standard_normal((batch, 2))
    slope = np.zeros((batch, songs.raw_size))
    levels = songs.statistics.levels
    bass = np.flatnonzero(songs.statistics.centres < 48)
    named = [*bass, *(bass + levels), *range(2 * levels, songs.statistics.size)]
    slope[:, songs.layer_size + np.array(named)] = rng.standard_normal((batch, len(named)))
    causes = songs.causes(x, beside, slope)
    assert causes.shape == (steps, batch, len(QUALITIES), 2)
    scores = songs.score_moments(x, beside, slope)
    np.testing.assert_allclose(causes[..., 0].sum(axis=2), scores, rtol=1e-9, atol=1e-12)


def moments() -> tuple[SoundStatistics, np.ndarray]:
    """Return the statistics of a song: low and long notes, then high and short ones."""
    statistics = SoundStatistics(BANDS, 0)
    frames = np.zeros((80, 1, BANDS))
    frames[:40, 0, 10:14] = 0.5
    frames[40::4, 0, 120:124] = frames[41::4, 0, 120:124] = 0.8
    return statistics, statistics.forward(frames, np.zeros((1, 0)))[0]


@pytest.mark.parametrize(
    ("column", "more", "less"),
    [
        (-1, "high melody", "low melody"),
        (-4, "fast notes", "slow notes"),
        (54, "bright", "dark"),
        (55, "high notes", "low notes"),
        (1, "little bass", "strong bass"),
    ],
)
@pytest.mark.parametrize("liking", [1, -1])
def test_a_moment_is_told_by_what_it_has_more_or_less_of(
    column: int, more: str, less: str, liking: int
) -> None:
    statistics, song = moments()
    assert statistics.levels == 27
    slope = np.zeros((1, statistics.size))
    slope[0, column] = liking
    causes = causes_of(statistics, song, slope)[:, 0]
    effect = causes[..., 0].sum(axis=1)
    first, second = highlights(effect, 4.0, causes)
    assert (first[2], second[2]) == (less, more)
    assert first[1] * second[1] < 0
    assert highlights(effect, 4.0)[0] == (*first[:2], "")


def test_only_what_pulls_the_same_way_and_far_enough_is_named() -> None:
    causes = np.array([[0.5, 1], [-0.4, 1], [0.3, -1], [0.29, 1], [0.01, 1]])
    assert in_words(causes, 1.0) == "fast notes, low notes"
    assert in_words(causes, -1.0) == "bright"
    assert in_words(causes, 100.0) == ""


def test_the_best_moment_is_named_where_the_strongest_ones_lower() -> None:
    effect = np.repeat([-0.9, 0.1, -0.8, -0.7, 0.2, -0.6], 10)
    spans = highlights(effect, 6 * SPAN_SECONDS)
    assert [round(mean, 1) for _, mean, _ in spans] == [-0.9, -0.8, 0.2]
    assert [mean > 0 for _, mean, _ in highlights(-np.abs(effect), 60.0)] == [False] * 3
