"""The order of examples: every epoch has all, no mini-batch has one twice, any step at any time."""

from __future__ import annotations

import numpy as np
import pytest

from neural_networks.training.batches import Order

SIZES = [(2, 3), (16, 17), (16, 24), (16, 40), (16, 47), (16, 48), (7, 100), (1, 5), (5, 5), (3, 9)]


@pytest.mark.parametrize(("size", "count"), SIZES)
def test_no_mini_batch_has_an_example_twice(size: int, count: int) -> None:
    order = Order(0)
    for step in range(500):
        indices = order.indices(step, size, count)
        assert len(set(indices.tolist())) == size
        assert 0 <= indices.min() <= indices.max() < count


@pytest.mark.parametrize(("size", "count"), SIZES)
def test_every_epoch_has_all_examples(size: int, count: int) -> None:
    order = Order(1)
    row = np.concatenate([order.indices(step, size, count) for step in range(20 * count)])
    for epoch in range(len(row) // count):
        assert len(set(row[epoch * count : (epoch + 1) * count].tolist())) == count


@pytest.mark.parametrize(("size", "count"), SIZES)
def test_a_step_is_the_same_whenever_it_is_asked_for(size: int, count: int) -> None:
    forwards = [Order(2).indices(step, size, count) for step in range(60)]
    order = Order(2)
    for step in np.random.default_rng(0).permutation(60).tolist():
        np.testing.assert_array_equal(order.indices(step, size, count), forwards[step])
