"""The VAE whose latents move in time as a composer: it learns, and its songs have any length."""

from __future__ import annotations

import numpy as np
import pytest

from audio_parsing.frames import SAMPLE_RATE
from benchmarks.composers import Composer
from benchmarks.sequence_model import SequenceComposer, by_clock, train
from gan.choices import Latent
from radio.station import ABSOLUTE_HOP_LENGTH as HOP, tempo_coordinate
from radio.training import Recordings
from radio.training.sequence_recipe import by_steps

TINY = {
    "latent_size": 4,
    "song_size": 3,
    "hidden": 16,
    "prior_hidden": 8,
    "encoder_hidden": 8,
    "groups": 2,
    "position": True,
}


def recording(rng: np.random.Generator, count: int = 600) -> np.ndarray:
    """Frames (T, 202): one of four sounds after another, every 12 frames."""
    sounds = np.abs(rng.standard_normal((4, 202)))
    return sounds[rng.integers(4, size=count // 12)].repeat(12, axis=0).astype(np.float16)


def trained(
    recordings: list[np.ndarray],
    steps: int,
    *,
    tempo: float | None = None,
    threads: int = 1,
    latent: Latent = "gaussian",
) -> SequenceComposer:
    options = {"components": 8, "restored": 12, "steps": 16, "semitones": 0, "sizes": TINY}
    names, columns = [""] * len(recordings), 2 * (tempo is not None)
    coordinates = np.zeros((len(recordings), columns), np.float32)
    coordinates[:, :1] = tempo_coordinate(tempo or 125)
    grid = "absolute" if tempo is None else "beat"
    music = Recordings(recordings, names, grid, coordinates)
    return train(music, by_steps(steps), threads=threads, latent=latent, **options)


def test_it_learns_recordings_and_makes_songs_of_any_length() -> None:
    rng = np.random.default_rng(0)
    recordings = [recording(rng), recording(rng)]
    untrained, composer = (trained(recordings, steps) for steps in (1, 150))
    assert composer.details["steps"] == 150
    assert composer.details["explained"] > untrained.details["explained"] + 0.2
    assert composer.details["nats_a_step"] > 0
    judged: Composer = composer
    frames = recordings[0][:100].astype(np.float32)
    back = judged.reconstruct(frames)
    assert back.shape == frames.shape and (back >= 0).all()
    assert np.square(back - frames).mean() < frames.var()
    step = 6 * HOP / SAMPLE_RATE
    for seconds in (step, 2.0, 20.0):
        songs = judged.new_songs(3, seconds, rng)
        lengths = [len(song.samples) / SAMPLE_RATE for song in songs]
        assert lengths == pytest.approx([seconds] * 3, abs=1e-4)
        assert not np.array_equal(songs[0].samples, songs[1].samples)
        assert all(np.isfinite(song.samples).all() for song in songs)


@pytest.mark.parametrize("latent", ("gaussian", "mixture"))
def test_the_same_seed_gives_the_same_songs_on_any_number_of_threads(latent: Latent) -> None:
    recordings = [recording(np.random.default_rng(0))]
    first, second = (
        trained(recordings, 5, threads=threads, latent=latent).new_songs(
            2, 3.0, np.random.default_rng(7)
        )
        for threads in (1, 2)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)


def test_songs_on_beats_have_the_tempi_of_the_music() -> None:
    composer = trained([recording(np.random.default_rng(0))], 5, tempo=150.0)
    assert composer.finds_beats and composer.tempi == pytest.approx([150.0] * len(composer.tempi))
    assert not trained([recording(np.random.default_rng(0))], 1).finds_beats
    (song,) = composer.new_songs(1, 4.0, np.random.default_rng(7))
    assert len(song.samples) == 4 * SAMPLE_RATE


def test_a_clock_begins_when_it_is_asked() -> None:
    done = by_clock(1000.0)
    assert 0 <= done(0) < 0.01 and done(5) < 0.01
    done = by_clock(1e-9)
    done(0)
    assert done(1) == 1
