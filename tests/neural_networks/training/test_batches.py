"""Mini-batches: noise by step, the order of the examples, disjoint test sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neural_networks.training.batches import Noise, Order, set_apart


def test_noise_follows_from_seed_and_step_alone() -> None:
    def draw(noise: Noise, step: int) -> np.ndarray:
        rng = noise.at(step)
        return np.concatenate(
            [
                rng.standard_normal(3),
                rng.integers(9, size=1, dtype=np.int32),
                rng.random(2, dtype=np.float32),
            ]
        )

    noise = Noise(7, 1)
    forwards = [draw(noise, step) for step in range(20)]
    backwards = [draw(Noise(7, 1), step) for step in reversed(range(20))]
    np.testing.assert_array_equal(forwards, backwards[::-1])
    others = [draw(Noise(*seed), 0) for seed in ((7, 2), (8, 1), (7, 1, 1))]
    assert len({one.tobytes() for one in forwards + others}) == 23


def test_noise_is_normal_and_steps_share_none_of_it() -> None:
    noise = Noise(3)
    values = np.stack([noise.at(step).standard_normal(2000) for step in range(100)])
    assert abs(values.mean()) < 0.01 and abs(values.std() - 1) < 0.01
    correlation = np.corrcoef(values)
    assert np.abs(correlation - np.eye(100)).max() < 0.12
    assert np.unique(values).size == values.size


@given(count=st.integers(1, 40), size=st.integers(1, 40), seed=st.integers(0, 5))
def test_every_example_comes_once_an_epoch(count: int, size: int, seed: int) -> None:
    size = min(size, count)
    order = Order(seed)
    row = np.concatenate([order.indices(step, size, count) for step in range(3 * count)])
    epochs = row[: row.size // count * count].reshape(-1, count)
    assert (np.sort(epochs, axis=1) == np.arange(count)).all()
    np.testing.assert_array_equal(
        Order(seed).indices(count, size, count), row[count * size : (count + 1) * size]
    )


@given(count=st.integers(2, 60), share=st.floats(0.01, 0.9), seed=st.integers(0, 9))
def test_a_test_set_shares_nothing_with_the_training_set(
    count: int, share: float, seed: int
) -> None:
    data = np.arange(count)[:, None] * np.ones(3)
    if max(1, round(share * count)) >= count:
        with pytest.raises(ValueError, match=f"nothing of {count} examples"):
            set_apart(data, None, test_share=share, seed=seed)
        return
    training, test = set_apart(list(data), None, test_share=share, seed=seed)
    assert len(test) == max(1, round(share * count))
    np.testing.assert_array_equal(np.sort(np.concatenate([training, test])[:, 0]), np.arange(count))
    np.testing.assert_array_equal(test, set_apart(data, None, test_share=share, seed=seed)[1])


def test_the_split_is_drawn_from_the_seed() -> None:
    data = np.arange(50)
    assert (
        len({set_apart(data, None, test_share=0.1, seed=seed)[1].tobytes() for seed in range(20)})
        > 15
    )
    kept, none = set_apart(data, None, test_share=0, seed=0)
    assert kept is data and none is None
    assert set_apart(data, data[:3], test_share=0, seed=0)[1] is not None
    with pytest.raises(ValueError, match="not both"):
        set_apart(data, data[:3], test_share=0.1, seed=0)
    for share in (-0.1, 1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            set_apart(data, None, test_share=share, seed=0)
