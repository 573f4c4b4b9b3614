"""What a session leaves for the next one: written whole, read whatever is in the file."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from radio.session import LastSession, Resume, read_last

JOURNAL: Any = SimpleNamespace(listener="you", station="mine", made_by="0123")
SONG: Any = SimpleNamespace(key="k", seconds=30.0, latent=np.array([0.5, -2.0]))


def test_a_session_leaves_what_the_next_one_reads(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    assert read_last(path) == LastSession()
    Resume(path, LastSession()).leave(JOURNAL, 0.35, SONG, 12.5)
    song = {"key": "k", "coordinate": [0.5, -2.0], "made_by": "0123", "position": 12.5}
    left = read_last(path)
    assert left == LastSession("you", "mine", 0.35, song)
    assert Resume(path, left).song(JOURNAL) == song and Resume(path, left).volume == 0.35
    assert Resume(path, left, fresh=True).song(JOURNAL) is None
    for other in ({"listener": "me"}, {"station": "starter"}, {"made_by": "4567"}):
        assert Resume(path, left).song(SimpleNamespace(**{**vars(JOURNAL), **other})) is None


def test_a_song_that_is_nearly_over_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    Resume(path, LastSession()).leave(JOURNAL, 0.8, SONG, 28.0)
    assert read_last(path) == LastSession("you", "mine", 0.8)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        '{"listener": "x"}',
        '{"listener": "x", "station": "y", "volume": 3, "song": null}',
        json.dumps({"listener": "x", "station": "y", "volume": 0.5, "song": {"key": "k"}}),
        "\0",
    ],
)
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "session.json"
    path.write_text(broken, encoding="utf-8")
    assert read_last(path) == LastSession()


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    Resume(tmp_path / "no" / "session.json", LastSession()).leave(JOURNAL, 0.8, SONG, 1.0)
    assert not (tmp_path / "no").exists()
