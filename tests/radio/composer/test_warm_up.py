"""Which compilations count for which parts of the kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from radio.composer.warm_up import EVERYTHING, PARTS, PLAYING, TRAINING, is_compiled


@pytest.mark.parametrize(
    ("made", "counts"),
    [(PLAYING, [True, False, False]), (TRAINING, [True, True, False]), (EVERYTHING, [True] * 3)],
)
def test_a_compilation_counts_for_the_parts_that_it_holds(
    made: str, counts: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("radio.composer.warm_up.stamp", lambda part: tmp_path / part)
    (tmp_path / made).touch()
    assert [is_compiled(part) for part in PARTS] == counts
