"""The compression benchmark separates training and test music, and aligns its peers."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import compression_music as music
from benchmarks.compression_peers import aligned, plain


def test_no_tune_is_in_two_parts() -> None:
    tunes = {name: {song.tune for song in songs} for name, songs in music.parts().items()}
    assert {name: len(names) for name, names in tunes.items()} == {
        "training": 20,
        "stopping": 4,
        "judging": 8,
    }
    assert len(set.union(*tunes.values())) == 32


def test_no_recording_that_was_looked_at_is_judged_by() -> None:
    assert not {name for name, _ in music.recording_paths(1000)} & set(music.DEVELOPMENT)


def test_mixtures_are_sound_and_differ(rng: np.random.Generator) -> None:
    songs = [rng.normal(size=30_000).astype(np.float32) for _ in range(3)]
    mixtures = [music.mixture(songs, rng) for _ in range(3)]
    for mixture in mixtures:
        assert (
            mixture.shape == (music.MIXTURE_SECONDS * music.SAMPLE_RATE,)
            and mixture.dtype == np.float32
        )
        assert np.isfinite(mixture).all() and mixture.std() == pytest.approx(1, rel=1e-3)
    assert abs(np.corrcoef(mixtures[0], mixtures[1])[0, 1]) < 0.5


@pytest.mark.parametrize("lag", [-700, 0, 31, 2500])
def test_alignment(lag: int, rng: np.random.Generator) -> None:
    sound = rng.normal(size=20_000).astype(np.float32)
    moved = np.concatenate([np.zeros(lag, np.float32), sound]) if lag >= 0 else sound[-lag:]
    back = aligned(sound, moved)
    assert back.shape == sound.shape
    np.testing.assert_array_equal(back[max(0, -lag) :], sound[max(0, -lag) :])


def test_a_plain_codec_takes_the_bytes_it_is_given(rng: np.random.Generator) -> None:
    sound = np.sin(np.arange(20_000) * 0.05).astype(np.float32) + 0.01 * rng.normal(
        size=20_000
    ).astype(np.float32)
    ratios = []
    for size in (2000, 6000):
        used, back = plain(np.eye(64, dtype=np.float32), sound, size)
        assert used == pytest.approx(size, rel=0.05)
        ratios.append(np.sum(sound**2) / np.sum((back - sound) ** 2))
    assert ratios[1] > 2 * ratios[0]
