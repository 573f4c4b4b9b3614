"""The generator's adapter: identity at first, gradients, learning, versions, one trainer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from listening import rate
from tiny_station import tiny_station

from gan.critic import Critic
from neural_networks.training.checkpoint import CheckpointError
from radio.composer import LocalComposer, Song
from radio.composer.adapter import BATCH_SIZE, Adapter, versions
from radio.composer.final_song import moving_distribution
from radio.home import FileLock, Home
from radio.taste import Taste


def layers() -> Adapter:
    return Adapter(moving_distribution(tiny_station()))


def adapted(composer: LocalComposer, song: Song) -> np.ndarray:
    """Return the coordinate (D,) of the song that G' makes at a song's coordinate."""
    return composer.generator.adapter.forward(song.latent[None].astype(np.float64))[0][0]


def predicted(composer: LocalComposer, coordinate: np.ndarray) -> float:
    """Return the predicted rating of the song at P (D,)."""
    features = composer.maker.features(coordinate[None].astype(np.float32))
    return float(composer.taste.predict(features)[0][0])


def test_they_begin_as_the_identity() -> None:
    x = np.random.default_rng(0).standard_normal((3, 8))
    np.testing.assert_array_equal(layers().forward(x)[0], x)
    assert layers().untouched


@pytest.mark.parametrize("batch", [1, 4])
def test_gradients_of_coordinates_and_weights(batch: int) -> None:
    rng = np.random.default_rng(0)
    added = layers()
    added._flat.values[:] = 0.3 * rng.standard_normal(added._flat.values.size)
    x, dy = rng.standard_normal((batch, 8)), rng.standard_normal((batch, 8))
    added._flat.zero_grads()
    dx = added.backward(dy, added.forward(x)[1])
    direction, along = rng.standard_normal(x.shape), rng.standard_normal(added._flat.values.size)

    def value(step: float, weights: float) -> float:
        added._flat.values += weights * along
        result = float(np.sum(added.forward(x + step * direction)[0] * dy))
        added._flat.values -= weights * along
        return result

    assert (value(1e-6, 0) - value(-1e-6, 0)) / 2e-6 == pytest.approx(
        float(np.sum(dx * direction)), rel=1e-6
    )
    assert (value(0, 1e-6) - value(0, -1e-6)) / 2e-6 == pytest.approx(
        float(added._flat.grads @ along), rel=1e-6
    )


def test_songs_are_judged_few_at_a_time_for_what_their_gradients_would_need() -> None:
    rng, batches = np.random.default_rng(0), list[int]()

    def decode(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        batches.append(len(x))
        return x[None], x, None

    taste = SimpleNamespace(value_and_gradient=lambda songs, _: (songs[0, :, 0], None, None))
    critic = SimpleNamespace(forward=lambda songs: (songs[0, :, 1], None))
    songs = rng.standard_normal((2 * BATCH_SIZE + 3, 8))
    found = layers().judge(cast(Taste, taste), decode, cast(Critic, critic), songs)
    assert batches == [BATCH_SIZE, BATCH_SIZE, 3]
    assert found == pytest.approx((songs[:, 0].mean(), songs[:, 1].mean(), songs[:, 1].std()))


def test_they_learn_are_kept_and_can_be_gone_back_to(tmp_path: Path) -> None:
    composer = LocalComposer(tiny_station(), "me", home=Home(tmp_path), seed=1, background=False)
    other = LocalComposer(tiny_station(), "me", home=Home(tmp_path), seed=2, background=False)
    songs = [composer.next_song() for _ in range(8)]
    for song in songs:
        rate(composer, song, float(np.tanh(song.latent[0])))
    losses = composer.train_adapter(30)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.01
    better = [
        predicted(composer, adapted(composer, song)) - composer.predict(song)[0] for song in songs
    ]
    assert np.mean(better) > 0
    (first,) = composer.generator.versions()
    learned = composer.generator.adapter._flat.values.copy()
    composer.train_adapter(2)
    assert len(composer.generator.versions()) == 2
    composer.generator.go_back(first)
    np.testing.assert_array_equal(composer.generator.adapter._flat.values, learned)
    final = composer.final_song()
    np.testing.assert_array_equal(composer.station.render(final.latent), final.samples)
    composer.generator.go_back(None)
    np.testing.assert_allclose(adapted(composer, songs[0]), songs[0].latent, rtol=1e-6)
    with pytest.raises(RuntimeError, match="another session learns"):
        other.train_adapter(1)
    other.next_song()
    assert other.rated == 8, "who does not learn follows the ratings"
    composer.close()
    other.close()


def test_files_that_are_no_layers_of_this_station(tmp_path: Path) -> None:
    added = layers()
    path = added.save(tmp_path)
    assert versions(tmp_path) == [path]
    with pytest.raises(ValueError, match="not of this station"):
        Adapter(moving_distribution(tiny_station(grid="absolute"))).load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError):
        added.load(path)


def test_a_lock_is_held_once_and_let_go(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.held and not second.held
    first.close()
    third = FileLock(tmp_path / "lock")
    assert third.held
    second.close()
    third.close()
