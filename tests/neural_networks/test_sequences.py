"""Sequences: cutting and joining give the sound back; the orders of axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neural_networks.sequences import batch_first, chunks, join, split, three_axes, time_major


@given(st.integers(1, 5), st.integers(1, 7), st.integers(1, 9), st.booleans())
def test_split_then_join_is_the_sounds(count: int, steps: int, size: int, column: bool) -> None:
    sounds = [
        np.random.default_rng(i).standard_normal((steps * size, 1)).astype(np.float32)
        for i in range(count)
    ]
    cut = split([sound if column else sound[:, 0] for sound in sounds], size)
    assert cut.shape == (count, steps, size) and cut.dtype == np.float32
    np.testing.assert_array_equal(join(cut), np.stack(sounds))


def test_split_keeps_the_order_of_time() -> None:
    np.testing.assert_array_equal(split([np.arange(6.0)[:, None]], 2), [[[0, 1], [2, 3], [4, 5]]])


@given(st.integers(0, 50), st.integers(1, 12))
def test_chunks_drop_no_tail(length: int, size: int) -> None:
    sound = np.arange(1, length + 1, dtype=np.float32)
    pieces = chunks(sound[:, None], size)
    assert pieces.shape == (-(-length // size), size)
    np.testing.assert_array_equal(pieces.reshape(-1)[:length], sound)
    assert not pieces.reshape(-1)[length:].any()


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_time_major_and_back(count: int, steps: int, features: int) -> None:
    sounds = np.random.default_rng(0).standard_normal((count, steps, features))
    turned = time_major(sounds)
    assert turned.shape == (steps, count, features) and turned.flags.c_contiguous
    back = batch_first(turned)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, sounds)


def test_what_cannot_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="15 values cannot be cut into time steps of 4"):
        split([np.zeros(15)], 4)
    with pytest.raises(ValueError, match="one length, not 3 to 5 values"):
        split([np.zeros(5), np.zeros(3)], 1)
    with pytest.raises(ValueError, match="0 sounds"):
        split([], 4)
    with pytest.raises(ValueError, match="sounds of 0 values"):
        split([np.zeros(0)], 4)


def test_sounds_get_three_axes_and_lose_none_that_the_network_reads() -> None:
    sounds = np.arange(24.0).reshape(2, 3, 4)
    for given_shape in ((2, 3, 4), (2, 3, 4, 1)):
        np.testing.assert_array_equal(three_axes(sounds.reshape(given_shape), 4), sounds)
    steps = sounds.reshape(2, 12, 1)
    assert three_axes(steps, 12).shape == (2, 1, 12) and three_axes(steps, 1).shape == (2, 12, 1)
    with pytest.raises(ValueError, match=r"not \(24,\)"):
        three_axes(sounds.ravel(), 4)
