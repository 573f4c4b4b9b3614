"""Channels that cancel each other are turned round before their mean is taken, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.downmix import mixed_down

RATE = 8000


def mixed(sound: np.ndarray, block: int = 3000) -> tuple[np.ndarray, list[str]]:
    """Mix channels (n, channels) down in blocks; return the sound and the notes."""
    notes: list[str] = []
    blocks = (sound[i : i + block].astype(np.float32) for i in range(0, len(sound), block))
    return np.concatenate(list(mixed_down(blocks, RATE, notes.append))), notes


@pytest.fixture
def music(rng: np.random.Generator) -> np.ndarray:
    return 0.2 * np.convolve(rng.normal(size=4 * RATE), np.hanning(20) / 10, "same")


@pytest.mark.parametrize(
    ("weights", "gain"),
    [
        ([1, -1], 1.0),
        ([-0.5, 0.5], -0.5),
        ([1, 1, 0, 0, -1, -1], 4 / 6),
        ([1, -1, 1, -1, 1, -1, 1, -1], 1.0),
    ],
)
def test_a_channel_wired_the_wrong_way_round(
    music: np.ndarray, weights: list[float], gain: float
) -> None:
    sound, notes = mixed(np.outer(music, weights))
    assert np.corrcoef(sound, music)[0, 1] ** 2 > 0.999
    assert np.std(sound) == pytest.approx(abs(gain) * np.std(music), rel=1e-3)
    (note,) = notes
    assert note.startswith("channels cancel each other in 4 of 4 s")


@pytest.mark.parametrize("weights", [[1, 1], [1, 0], [0.2, 1, 0.4], [1], [1, 1, 1, 1, 1, -1]])
def test_others_are_averaged(music: np.ndarray, weights: list[float]) -> None:
    sound, notes = mixed(np.outer(music, weights))
    np.testing.assert_allclose(sound, music * np.mean(weights), atol=1e-6)
    assert notes == []


def test_wide_stereo_is_averaged(music: np.ndarray, rng: np.random.Generator) -> None:
    other = rng.permutation(music)
    both = np.stack([music + other, music - other], axis=1)
    sound, notes = mixed(both)
    np.testing.assert_allclose(sound, both.mean(axis=1), atol=1e-6)
    assert notes == []


def test_silence_and_huge_samples(music: np.ndarray) -> None:
    assert not mixed(np.zeros((9000, 2)))[0].any()
    sound, _ = mixed(1e37 * np.outer(music, [1, -1]))
    assert np.isfinite(sound).all() and np.abs(sound).max() > 1e36


def test_a_change_of_the_wiring_makes_no_click() -> None:
    wave = np.sin(2 * np.pi * 100 * np.arange(4 * RATE) / RATE)
    channels = np.stack([wave, np.where(np.arange(len(wave)) < 12000, wave, -wave)], axis=1)
    sound, notes = mixed(channels)
    assert np.abs(np.diff(sound)).max() < 1.2 * np.abs(np.diff(wave)).max()
    assert len(notes) == 1
