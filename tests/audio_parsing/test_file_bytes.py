"""A file's bytes by place, and views of them, are what the same slices of bytes are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from audio_parsing import file_bytes
from audio_parsing.file_bytes import FileBytes, Part, View


def test_slices_and_searches(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_bytes, "WINDOW", 200)
    whole = rng.integers(0, 256, 3000, np.uint8).tobytes()
    (tmp_path / "file").write_bytes(whole)
    with (tmp_path / "file").open("rb") as file:
        data = FileBytes(file.fileno())
        assert len(data) == len(whole)
        for start, stop in rng.integers(-3100, 3100, (200, 2)).tolist():
            assert data[start:stop] == whole[start:stop]
        for place in (0, 197, 198, 199, 200, 2000, 2996):
            wanted = whole[place : place + 4]
            assert data.find(wanted) == whole.find(wanted)
            assert data.find(wanted, place + 1) == whole.find(wanted, place + 1)
        assert data.search(re.compile(b"[\xf0-\xff]{2}"), 100, 90) == -1


def test_a_view_is_its_parts(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_bytes, "WINDOW", 200)
    whole = rng.integers(0, 256, 3000, np.uint8).tobytes()
    (tmp_path / "file").write_bytes(whole)
    parts: list[Part] = [b"head", (10, 900), b"", (900, 901), (2000, 3000), b"tail"]
    wanted = b"".join(p if isinstance(p, bytes) else whole[p[0] : p[1]] for p in parts)
    with (tmp_path / "file").open("rb") as file:
        view = View(FileBytes(file.fileno()), parts)
        assert view.read() == wanted
        for place, size in rng.integers(0, 2000, (50, 2)).tolist():
            view.seek(place)
            assert view.tell() == place
            assert view.read(size) == wanted[place : place + size]
        assert view.seek(-3, os.SEEK_END) == len(wanted) - 3
        assert view.read(10) == wanted[-3:]
        (tmp_path / "file").write_bytes(b"cut")  # while it is read
        view.seek(4)
        assert len(View(FileBytes(file.fileno()), [(0, 500)]).read()) <= 3
