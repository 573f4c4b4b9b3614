"""The starter collection as training songs: each song is rendered once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audio_parsing.cache import Cache
from audio_parsing.starter import starter_songs
from radio.training import canonical_frames, dataset, prepare_starter_songs


def test_starter_songs_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    songs = starter_songs(beats=8)[:3]
    rendered: list[str] = []
    original = canonical_frames
    monkeypatch.setattr(
        dataset, "canonical_frames", lambda song: (rendered.append(song.name), original(song))[1]
    )
    without = prepare_starter_songs(songs, workers=1)
    cache = Cache(tmp_path, "1")
    calls: list[tuple[int, int]] = []
    for wanted, tell in (
        (songs[:2], None),
        (songs, lambda *call: calls.append(call)),
        (songs, None),
    ):
        prepared_songs = prepare_starter_songs(wanted, workers=1, cache=cache, progress=tell)
        assert np.array_equal(prepared_songs.frames, without.frames[: len(wanted)])
    assert rendered == [song.name for song in songs] * 2
    assert calls == [(3, 3)]
    # the songs would push each other out
    small = Cache(tmp_path / "small", "1", most_bytes=100_000)
    prepare_starter_songs(songs, workers=1, cache=small)
    assert small.size() == 0
