"""The generator's added layers: the identity at first, gradients down to the coordinate, learning, versions, and one learner at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_station import tiny_station

from neural_networks.training.checkpoint import CheckpointError
from radio.composer.adapter import AddedLayers, versions
from radio.composer.composer import RadioSession
from radio.composer.final_song import whole_distribution
from radio.home.file_lock import LearnerLock
from radio.home.folder import Home


def layers() -> AddedLayers:
    return AddedLayers(whole_distribution(tiny_station()))


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


def test_they_learn_are_kept_and_can_be_gone_back_to(tmp_path: Path) -> None:
    session = RadioSession(tiny_station(), "me", home=Home(tmp_path), seed=1, background=False)
    other = RadioSession(tiny_station(), "me", home=Home(tmp_path), seed=2, background=False)
    songs = [session.next_song() for _ in range(8)]
    for song in songs:
        session.rate(song, float(np.tanh(song.latent[0])))
    losses = session.train_layers(30)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.01
    better = [
        session.predict(session.personal(song))[0] - session.predict(song)[0] for song in songs
    ]
    assert np.mean(better) > 0
    (first,) = session.generator.versions()
    learned = session.generator.layers._flat.values.copy()
    session.train_layers(2)
    assert len(session.generator.versions()) == 2
    session.generator.go_back(first)
    np.testing.assert_array_equal(session.generator.layers._flat.values, learned)
    final = session.final_song()
    np.testing.assert_array_equal(session.station.render(final.latent), final.samples)
    session.generator.go_back(None)
    np.testing.assert_allclose(session.personal(songs[0]).latent, songs[0].latent, rtol=1e-6)
    with pytest.raises(RuntimeError, match="another session learns"):
        other.train_layers(1)
    other.next_song()
    assert other.rated == 8, "who does not learn follows the ratings"
    session.close()
    other.close()


def test_files_that_are_no_layers_of_this_station(tmp_path: Path) -> None:
    added = layers()
    path = added.save(tmp_path)
    assert versions(tmp_path) == [path]
    with pytest.raises(ValueError, match="not of this station"):
        AddedLayers(whole_distribution(tiny_station(grid="absolute"))).load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError):
        added.load(path)


def test_a_lock_is_held_once_and_let_go(tmp_path: Path) -> None:
    first, second = LearnerLock(tmp_path / "lock"), LearnerLock(tmp_path / "lock")
    assert first.held and not second.held
    first.close()
    third = LearnerLock(tmp_path / "lock")
    assert third.held
    second.close()
    third.close()
