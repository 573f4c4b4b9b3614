"""Messages between a session and its worker: a round trip; invalid ones are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from radio.composer import Song, messages
from radio.composer.wire import decode, encode
from radio.taste import Insight


def test_what_goes_in_comes_out(rng: np.random.Generator) -> None:
    song = Song(
        rng.standard_normal(50).astype(np.float32),
        22050,
        rng.standard_normal(3),
        "Grüne Höhe",
        "D",
        {"beats": np.int64(3), "where": Path("a/b")},
        (0.5, np.float64(0.25)),
        {"path": [rng.standard_normal((2, 3)), {"x": (1, None, True)}]},
        key="key",
    )
    back = decode(encode(messages.Offer(song), messages.KINDS), messages.KINDS)
    assert type(back) is messages.Offer
    found = back.song
    assert (found.name, found.sample_rate, found.key, found.expected) == (
        "Grüne Höhe",
        22050,
        "key",
        (0.5, 0.25),
    )
    for one, other in (
        (found.samples, song.samples),
        (found.latent, song.latent),
        (found.descent["path"][0], song.descent["path"][0]),
    ):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
        one[0] = 0  # not a view of what was read
    assert found.descent["path"][1] == {"x": (1, None, True)} and found.description == {
        "beats": 3,
        "where": Path("a/b"),
    }
    insight = Insight(np.zeros(0), np.ones((2,)), np.arange(3.0))
    found = decode(
        encode(messages.Insights("key", insight), messages.KINDS), messages.KINDS
    ).insight
    assert found.moments.shape == (0,) and found.critic.tolist() == [0, 1, 2]


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(TypeError, match="a message can't hold object"):
        encode(messages.Changed(object()), messages.KINDS)  # type: ignore[arg-type]
    content = encode(messages.Changed("key"), messages.KINDS)
    assert decode(content, messages.KINDS).key == "key"
    with pytest.raises(ValueError, match="not a message of this program"):
        decode(content, {})
    with pytest.raises(ValueError):
        decode(content[:20], messages.KINDS)
