"""Which compilations count for which parts of the kernels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from radio.cli.main import main
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


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ((), "not compiled yet"),
        ((PLAYING,), "compiled for playing, not yet for the rest"),
        ((PLAYING, TRAINING), "compiled for playing and training, not yet for the rest"),
        ((PLAYING, EVERYTHING), "compiled"),
    ],
)
def test_doctor_says_what_is_compiled(
    made: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("radio.composer.warm_up.stamp", lambda part: tmp_path / part)
    for part in made:
        (tmp_path / part).touch()
    main(["doctor", "--json"])
    assert json.loads(capsys.readouterr().out)["kernels"] == words
