"""What every test stands on: no display, a home of its own, the same random numbers on every run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib; subprocesses inherit it

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

settings.register_profile("radio", deadline=None, derandomize=True, database=None)
settings.load_profile("radio")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh AI_RADIO_HOME, so that no test reads or writes the home of the person who runs it."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("AI_RADIO_HOME", str(folder))
    yield folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same on every run."""
    return np.random.default_rng(20240229)
