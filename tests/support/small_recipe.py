"""A recipe of recordings with fewer numbers than the product's: it trains in half a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from radio.training import songs
from radio.training.component_excerpts import RECORDINGS

SIZES = {"latent_size": 6, "song_size": 32, "groups": 3, "hidden": 32, "prior_hidden": 16}
SMALL = replace(RECORDINGS, sizes={**SIZES, "position": True}, components=24, restored=32, steps=16)


@contextmanager
def small_recordings() -> Iterator[None]:
    """Train by the small recipe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(songs, "RECORDINGS", SMALL)
        yield
