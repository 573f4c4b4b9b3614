"""Flat parameters: the slices of a part are views, and what is no part is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neural_networks.components.feed_forward import FeedForward
from neural_networks.components.module import Sequential
from neural_networks.components.parameters import pack


def layer(*sizes: int) -> FeedForward:
    return FeedForward(sizes, rng=np.random.default_rng(0))


def test_a_view_shares_the_weights_of_a_part_and_of_nothing_else() -> None:
    first, second = layer(2, 3), layer(3, 4)
    whole = pack(Sequential(first, second))
    part = whole.view(second)
    assert part.values.size == 3 * 4 + 4
    part.values[:] = 7
    part.grads[:] = 1
    assert all((each.value == 7).all() and (each.grad == 1).all() for each in second.parameters())
    assert not any((each.value == 7).any() or each.grad.any() for each in first.parameters())
    assert whole.view(Sequential()).values.size == 0


def test_what_is_no_part_is_refused() -> None:
    first, second, third = layer(2, 3), layer(3, 4), layer(4, 2)
    whole = pack(Sequential(first, second, third))
    with pytest.raises(ValueError, match="not one slice"):
        whole.view(Sequential(first, third))
    other = layer(2, 3)
    pack(other)
    with pytest.raises(ValueError, match="not a part"):
        whole.view(other)


def test_a_network_of_one_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"an input and an output, not the sizes \(4,\)"):
        layer(4)
