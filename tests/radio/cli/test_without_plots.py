"""Without matplotlib, which is an extra, what draws says at once what to install."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_station import tiny_station

from audio_parsing.plots import plot_waveform
from neural_networks.autoencoder.autoencoder import AutoEncoder
from radio.cli import main as cli

INSTALL = "pip install 'ai-radio[plots]'"
LESSON = Path(__file__).parents[3] / "examples" / "lesson.py"
WAVE = np.sin(np.arange(4000) / 9)
LIBRARY: list[Callable[[], object]] = [
    lambda: plot_waveform(WAVE),
    lambda: AutoEncoder((8, 3, 8)).train(
        np.ones((4, 8)), batch_size=4, max_epochs=10**9, learning_rate=0.1, graph=True
    ),
]


@pytest.fixture(autouse=True)
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the package, the modules of it that are loaded too."""
    loaded = [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]
    for name in {*loaded, "matplotlib"}:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("command", [["map"], ["train", "--starter", "--plot", "x.png"]])
def test_a_command_that_draws_says_what_to_install(
    home: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_station().save(home / "stations" / "tiny")
    assert cli.main([*command, "--station", "tiny"]) == 2
    error = capsys.readouterr().err
    assert INSTALL in error and error.count("\n") == 1


@pytest.mark.parametrize("draw", LIBRARY)
def test_the_library_says_so_before_it_trains(draw: Callable[[], object]) -> None:
    with pytest.raises(ModuleNotFoundError, match="ai-radio.plots"):
        draw()


def test_a_lesson_says_so_before_it_runs() -> None:
    with pytest.raises(SystemExit, match="ai-radio.plots"):
        runpy.run_path(str(LESSON))
